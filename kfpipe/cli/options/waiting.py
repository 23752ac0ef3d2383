"""`--wait`: another run that holds a manifest is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from kfpipe.cli.output import messages, streams
from kfpipe.errors import ProjectBusy

LOOK_EVERY_S: Final = 0.5

Opened = TypeVar("Opened")


def patient(open_it: Callable[[], Opened], *, wait: bool) -> Opened:
    """What `open_it` opens, when no other run holds it any more. Raises `ProjectBusy` at once unless `wait`."""
    is_told = False
    while True:
        try:
            return open_it()
        except ProjectBusy as busy:
            if not wait:
                raise
            if not is_told:
                streams.note(*(f"waiting: {problem.file}: {problem.what}" for problem in messages.problems(busy)))
            is_told = True
        time.sleep(LOOK_EVERY_S)
