"""A timeline for a person, and for a program. Pure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kfpipe.cli.output.amounts import counted
from kfpipe.cli.output.table import Column, Table
from kfpipe.cli.output.tone import Tone
from kfpipe.cli.views.words import picked_text
from kfpipe.review.timeline import Cut, Gap, Slot, Timeline, timecode
from kfpipe.wording import listed

MOST_TOLD: Final = 3


def table(timeline: Timeline) -> Table:
    """A row for each shot."""
    return Table(
        columns=(
            Column(title="shot", least=16),
            Column(title="start"),
            Column(title="frames", is_number=True, rank=4),
            Column(title="take", rank=1, least=40, wraps=True),
            Column(title="picked", rank=3, is_toned=True),
            Column(title="file", rank=2, least=16, is_path=True),
        ),
        rows=tuple(
            (slot.shot_id, timecode(start, timeline.rate), f"{timeline.frames(slot)}", *_clip(slot))
            for slot, start in timeline.with_starts()
        ),
        tones=tuple(Tone.DECIDE if isinstance(slot, Gap) else Tone.DONE for slot in timeline.slots),
    )


def _clip(slot: Slot) -> tuple[str, str, str]:
    if isinstance(slot, Gap):
        return ("-", "", slot.reason)
    return (
        f"{slot.clip.take.id}{', changed in the manifest' if slot.clip.has_changed else ''}",
        picked_text(slot.clip.record),
        slot.clip.path,
    )


def summary(timeline: Timeline, written: Path | None, command: Callable[..., str]) -> list[str]:
    """What was written, how long it is, and the commands that fill gaps; `command` spells one out.

    `written` is None when nothing was.
    """
    gaps = f", {counted(len(timeline.gaps), 'gap')}" if timeline.gaps else ""
    what = f"{counted(len(timeline.slots), 'shot')}{gaps}, {_seconds(timeline)} s at {_rates(timeline)}"
    lines = [f"nothing written: {what}; to export with gaps: --allow-gaps" if written is None else f"{written}: {what}"]
    if timeline.left_out:
        shown = listed(timeline.left_out, "and") if len(timeline.left_out) <= MOST_TOLD else None
        lines.append(f"not in `film.order`: {shown or counted(len(timeline.left_out), 'shot')}")
    if any(not gap.choices for gap in timeline.gaps):
        lines.append(f"next: {command('run')}")
    return [*lines, *(f"to pick a take: {command('pick', shot_id)}" for shot_id in _undecided(timeline)[:MOST_TOLD])]


def _seconds(timeline: Timeline) -> str:
    return f"{float(timeline.seconds):.2f}".rstrip("0").rstrip(".")


def _rates(timeline: Timeline) -> str:
    rates = sorted({cut.clip.rate for cut in timeline.cuts} or {timeline.rate})
    return f"{listed((f'{float(rate):.5g}' for rate in rates), 'and')} frames per second"


def _undecided(timeline: Timeline) -> list[str]:
    return [gap.shot_id for gap in timeline.gaps if gap.choices]


def as_json(timeline: Timeline, written: Path | None) -> dict[str, Any]:
    """What `export --json` prints; `file` is null when nothing was written."""
    return {
        "file": None if written is None else str(written),
        "title": timeline.title,
        "fps": float(timeline.rate),
        "shots": [_slot_json(timeline, slot, start) for slot, start in timeline.with_starts()],
        "gaps": len(timeline.gaps),
    }


def _slot_json(timeline: Timeline, slot: Slot, start: int) -> dict[str, Any]:
    clip = slot.clip if isinstance(slot, Cut) else None
    return {
        "shot": slot.shot_id,
        "start_frame": start,
        "frames": timeline.frames(slot),
        "take": clip and clip.take.id,
        "file": clip and clip.path,
        "picked": clip is not None and clip.record.picked,
        "picked_earlier": clip is not None and clip.record.picked_earlier,
        "changed": clip is not None and clip.has_changed,
        "others": [other.take.id for other in slot.others] if isinstance(slot, Cut) else list(slot.choices),
        "gap": slot.reason if isinstance(slot, Gap) else None,
    }
