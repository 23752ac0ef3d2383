"""kfpipe, as `kfpipe run` does it, with its progress going to a stream that is no terminal."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.side_by_side.contestants.notes import Notes
from kfpipe import api
from kfpipe.cli.views import live
from kfpipe.events import Event, TakeRendered, TakeSucceeded

ENOUGH = Decimal(10**6)


def main() -> None:
    notes = Notes()
    _time_the_decoding(notes)
    _load_the_client()
    with api.session(api.load(Path("shots.yaml"))) as session, live.watching() as show:
        plan = session.plan()

        def hear(event: Event) -> None:
            if isinstance(event, TakeSucceeded):
                notes.known[_number(event.take_id)] = time.time()
            elif isinstance(event, TakeRendered):
                notes.arrived()
            show(event)

        notes.begin()
        session.run(plan, cap=ENOUGH, emit=hear)
    notes.tell()


def _load_the_client() -> None:
    """What a run would load in its first moments: the other clients have theirs before they begin, too."""
    import_module("asyncio")
    import_module("kfpipe.provider.client")


def _time_the_decoding(notes: Notes) -> None:
    """A clip is proven whole before it counts; it is looked over in the background. Each has its own account."""
    with notes.proving():
        from kfpipe.media import examination, video
    for module, name, account in (
        (video, "prove", notes.proving),
        (examination, "examined", notes.decoding),
    ):
        setattr(module, name, _timed(getattr(module, name), account))


def _timed(work: Callable[..., Any], account: Callable[[], AbstractContextManager[None]]) -> Callable[..., Any]:
    def timed(*args: Any, **named: Any) -> Any:
        with account():
            return work(*args, **named)

    return timed


def _number(take_id: str) -> int:
    found = re.search(r"seed=(\d+)", take_id)
    return 0 if found is None else int(found[1])


if __name__ == "__main__":
    main()
