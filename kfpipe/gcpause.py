"""The garbage collector, held back while modules are loaded, and while a shot list is read and planned.

Millions of new values, none of them garbage: the collector would only walk over them again and again.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """No collection during the block, or during the function that it decorates.

    What was made in it counts as long-lived afterwards: else the next two collections would walk over all of it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():  # else the host of this process has frozen values of its own
                gc.freeze()
                gc.unfreeze()  # into the oldest generation, whatever generation they came from
            gc.enable()
