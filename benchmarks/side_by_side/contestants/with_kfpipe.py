"""kfpipe, as `kfpipe run` does it, with its progress going to a stream that is no terminal."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from pathlib import Path

from benchmarks.side_by_side.contestants.notes import Notes
from kfpipe import api
from kfpipe.cli.views import live
from kfpipe.events import Event, TakeSucceeded

ENOUGH = Decimal(10**6)


def main() -> None:
    notes = Notes()
    _time_the_decoding(notes)
    with api.session(api.load(Path("shots.yaml"))) as session, live.watching() as show:
        plan = session.plan()

        def hear(event: Event) -> None:
            if isinstance(event, TakeSucceeded):
                notes.known[_number(event.take_id)] = time.time()
            show(event)

        notes.begin()
        session.run(plan, cap=ENOUGH, emit=hear)
    notes.tell()


def _time_the_decoding(notes: Notes) -> None:
    """What looks into clips works in this process, or in one of its children, which are counted in any case."""
    with notes.decoding():
        from kfpipe.media import pictures, video
    for module, name in ((video, "examine"), (pictures, "poster"), (pictures, "fidelity")):
        setattr(module, name, notes.timed(getattr(module, name)))


def _number(take_id: str) -> int:
    found = re.search(r"seed=(\d+)", take_id)
    return 0 if found is None else int(found[1])


if __name__ == "__main__":
    main()
