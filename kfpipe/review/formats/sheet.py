"""A timeline as CSV, for a spreadsheet. Pure."""

from __future__ import annotations

import csv
import io
import re
from itertools import zip_longest
from typing import Any, Final

from kfpipe.files.scalars import decimal_text
from kfpipe.review.formats import facts
from kfpipe.review.timeline import Cut, Slot, Timeline, timecode

COLUMNS: Final = (
    "shot", "take", "start", "frames", "seconds", "fps", "file", "picked", "changed", "others", "tags", "model",
    "resolution", "seed", "width_px", "height_px", "audio", "prompt", "negative_prompt", "cost", "currency", "task_id",
    "sha256", "gap", "in_frame", "out_frame", "notes", "picked_earlier", "fidelity_first", "fidelity_last",
    "cut_fidelity", "cut_shares_still",
)  # fmt: skip

_FORMULA: Final = re.compile(r"[=+\-@\t\r]")
"""How a cell begins that a spreadsheet would take for a formula; a shot list may come from a stranger."""


def text(timeline: Timeline) -> str:
    """A row for each shot; `others` are the takes that could take its place, `gap` says why there is no clip.

    `cut_fidelity` and `cut_shares_still` are of the join with the next row's shot.
    """
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for (slot, start), join in zip_longest(timeline.with_starts(), timeline.joins):
        own = {
            "shot": slot.shot_id,
            "start": timecode(start, timeline.rate),
            "frames": timeline.frames(slot),
            "cut_fidelity": join and decimal_text(join.fidelity),
            "cut_shares_still": join and join.shares_still,
        }
        writer.writerow({name: _cell(value) for name, value in {**own, **_row(slot)}.items()})
    return table.getvalue()


def _row(slot: Slot) -> dict[str, Any]:
    if isinstance(slot, Cut):
        others = [clip.take.id for clip in slot.others]
        used = slot.clip.used
        points = {"in_frame": used.start, "out_frame": used.stop}
        return {**facts.of(slot.clip), "file": slot.clip.path, "others": others, **points}
    return {"seconds": f"{slot.seconds.normalize():f}", "gap": slot.reason}


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else ""
        case list():
            return _cell(" ".join(value))
        case str() if _FORMULA.match(value):
            return f"'{value}"
        case _:
            return str(value)
