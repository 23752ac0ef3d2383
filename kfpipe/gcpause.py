"""The garbage collector, held back while modules are loaded, and while a shot list is read and planned.

Millions of new values, none of them garbage: the collector would only walk over them again and again.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MUCH: Final = 100_000
"""Values; a collection walks over so many in a few milliseconds."""


@contextmanager
def paused() -> Iterator[None]:
    """No collection during the block, or during the function that it decorates.

    Where much was made in it, that counts as long-lived: else the next two collections would walk over all of it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if gc.get_count()[0] > MUCH and not gc.get_freeze_count():  # else the host has frozen values of its own
                gc.freeze()
                gc.unfreeze()  # into the oldest generation, whatever generation they came from
            gc.enable()
