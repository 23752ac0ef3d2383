"""A timeline as an edit decision list in the CMX3600 format. Pure.

One event a shot, cuts only. A reel is named after the first eight digits of its clip's digest: the same clip has the
same reel in every list. A gap is black. Source: SMPTE 258M, and how NLEs read the comment lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from kfpipe.errors import Refused
from kfpipe.review.timeline import Cut, Slot, Timeline, timecode

MOST_EVENTS: Final = 999
"""Event numbers have three digits."""

LONGEST_TITLE: Final = 70
FIRST_HOUR_S: Final = 3600
"""Where the record begins, by custom: 01:00:00:00."""

_REEL_CHARS: Final = 8
_BLACK: Final = "BL"
_OTHERWISE: Final = "write an OpenTimelineIO file (.otio), or choose shots with -s"


def text(timeline: Timeline) -> str:
    """The list's text. Raises Refused for what it cannot hold: more than 999 shots, or clips of different rates."""
    _check(timeline)
    events = (
        line
        for number, (slot, start) in enumerate(timeline.with_starts(), 1)
        for line in _event(timeline, number, slot, start)
    )
    title = _one_line(timeline.title)[:LONGEST_TITLE]
    return "\n".join([f"TITLE: {title}", "FCM: NON-DROP FRAME", "", *events, ""])


def _check(timeline: Timeline) -> None:
    if len(timeline.slots) > MOST_EVENTS:
        what = f"an EDL holds {MOST_EVENTS} events, and this one would have {len(timeline.slots):,}"
        raise Refused.because("--format edl", what, fix=_OTHERWISE)
    odd = next((cut for cut in timeline.cuts if cut.clip.rate != timeline.rate), None)
    if odd is not None:
        first = timeline.cuts[0]
        what = (
            f"an EDL has one frame rate: {first.clip.take.id} has {float(timeline.rate):g} frames per second, "
            f"{odd.clip.take.id} has {float(odd.clip.rate):g}"
        )
        raise Refused.because("--format edl", what, fix=_OTHERWISE)


def _event(timeline: Timeline, number: int, slot: Slot, start: int) -> Iterator[str]:
    frames, rate = timeline.frames(slot), timeline.rate
    start += FIRST_HOUR_S * round(rate)
    source = slot.clip.used.start if isinstance(slot, Cut) else 0
    times = " ".join(timecode(frame, rate) for frame in (source, source + frames, start, start + frames))
    if isinstance(slot, Cut):
        render = slot.clip.entry.render
        channels = "B" if render.audio else "V"
        yield f"{number:03}  {render.sha256[:_REEL_CHARS].upper()} {channels:5} C        {times}"
        yield f"* FROM CLIP NAME: {_one_line(PurePosixPath(slot.clip.path).name)}"
        yield f"* FROM CLIP: {_one_line(slot.clip.path)}"
        yield f"* COMMENT: {_one_line(f'{slot.clip.entry.asked.model}, task {slot.clip.entry.task.task_id}')}"
    else:
        yield f"{number:03}  {_BLACK:{_REEL_CHARS}} {'V':5} C        {times}"
        yield f"* COMMENT: {_one_line(f'{slot.shot_id}: {slot.reason}')}"


def _one_line(words: str) -> str:
    """Text without line breaks."""
    return "".join(char if char.isprintable() else " " for char in words)
