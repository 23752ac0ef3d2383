"""A timeline for a person, and for a program. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from kfpipe.cli.output.amounts import counted
from kfpipe.cli.output.table import Column, Table
from kfpipe.cli.output.tone import Tone
from kfpipe.review.film.edit import Edit
from kfpipe.review.timeline import Cut, Gap, Slot, Timeline, timecode
from kfpipe.wording import listed

MOST_TOLD: Final = 3


def table(timeline: Timeline, film: Edit | None = None) -> Table:
    """A row for each shot; where there is a `film`, as it is in that."""
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
            (slot.shot_id, timecode(start, film.rate if film else timeline.rate), f"{frames}", *_clip(slot))
            for slot, start, frames in _placed(timeline, film)
        ),
        tones=tuple(Tone.DECIDE if isinstance(slot, Gap) else Tone.DONE for slot in timeline.slots),
    )


def _placed(timeline: Timeline, film: Edit | None) -> Iterator[tuple[Slot, int, int]]:
    """Each shot with its first frame, and how many it has."""
    if film is not None:
        yield from ((piece.slot, piece.start, piece.frames) for piece in film.pieces)
        return
    for slot, start in timeline.with_starts():
        yield slot, start, timeline.frames(slot)


def _clip(slot: Slot) -> tuple[str, str, str]:
    if isinstance(slot, Gap):
        return ("-", "", slot.reason)
    picked = "yes" if slot.clip.record.picked else ""
    return (
        f"{slot.clip.take.id}{', changed in the manifest' if slot.clip.has_changed else ''}",
        picked,
        slot.clip.path,
    )


def summary(
    timeline: Timeline,
    written: Path | None,
    command: Callable[..., str],
    film: Edit | None = None,
    *,
    is_strict: bool = False,
) -> list[str]:
    """What was written, how long it is, and the commands that fill gaps; `command` spells one out.

    `written` is None when nothing was.
    """
    count = len(timeline.gaps)
    gaps = f", {counted(count, 'gap' if film is None else 'slate')}" if count else ""
    length = f"{_seconds(timeline.seconds)} s at {_rates(timeline)}" if film is None else _length(film)
    what = f"{counted(len(timeline.slots), 'shot')}{gaps}, {length}"
    lines = [f"{written}: {what}"]
    if written is None:
        named = [gap.shot_id for gap in timeline.gaps]
        way = "to export with gaps: --allow-gaps" if film is None else "to show slates: --allow-gaps"
        why = f"no clip of {listed(named[:MOST_TOLD], 'and')}" + (" and more" if named[MOST_TOLD:] else "")
        lines = [f"nothing written: {what}; {why if is_strict else way}"]
    if timeline.left_out:
        shown = listed(timeline.left_out, "and") if len(timeline.left_out) <= MOST_TOLD else None
        lines.append(f"not in `film.order`: {shown or counted(len(timeline.left_out), 'shot')}")
    if any(not gap.choices for gap in timeline.gaps):
        lines.append(f"next: {command('run')}")
    return [*lines, *(f"to pick a take: {command('pick', shot_id)}" for shot_id in _undecided(timeline)[:MOST_TOLD])]


def _seconds(seconds: Fraction) -> str:
    return f"{float(seconds):.2f}".rstrip("0").rstrip(".")


def _length(film: Edit) -> str:
    size = f"{film.size.width_px}x{film.size.height_px}"
    return f"{_seconds(film.frames / film.rate)} s, {size} at {float(film.rate):.5g} frames per second"


def _rates(timeline: Timeline) -> str:
    rates = sorted({cut.clip.rate for cut in timeline.cuts} or {timeline.rate})
    return f"{listed((f'{float(rate):.5g}' for rate in rates), 'and')} frames per second"


def _undecided(timeline: Timeline) -> list[str]:
    return [gap.shot_id for gap in timeline.gaps if gap.choices]


def as_json(timeline: Timeline, written: Path | None, film: Edit | None = None) -> dict[str, Any]:
    """What `export --json` prints; `file` is null when nothing was written."""
    return {
        "file": None if written is None else str(written),
        "title": timeline.title,
        "fps": float(film.rate if film else timeline.rate),
        "shots": [_slot_json(*placed) for placed in _placed(timeline, film)],
        "gaps": len(timeline.gaps),
    }


def _slot_json(slot: Slot, start: int, frames: int) -> dict[str, Any]:
    clip = slot.clip if isinstance(slot, Cut) else None
    return {
        "shot": slot.shot_id,
        "start_frame": start,
        "frames": frames,
        "take": clip and clip.take.id,
        "file": clip and clip.path,
        "picked": clip is not None and clip.record.picked,
        "changed": clip is not None and clip.has_changed,
        "others": [other.take.id for other in slot.others] if isinstance(slot, Cut) else list(slot.choices),
        "gap": slot.reason if isinstance(slot, Gap) else None,
    }
