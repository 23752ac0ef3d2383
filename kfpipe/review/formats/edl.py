"""A timeline as an edit decision list in the CMX3600 format. Pure.

One event a shot; a dissolve is part of the event that it leads to. A reel is named after the first eight digits of its
clip's digest: the same clip has the same reel in every list. A gap is black. Source: SMPTE 258M, and how NLEs read the
comment lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Final

from kfpipe.errors import Refused
from kfpipe.review.timeline import Cut, Slot, Timeline, timecode

MOST_EVENTS: Final = 999
"""Event numbers have three digits."""

LONGEST_DISSOLVE: Final = 255
"""In frames: as many as editing systems count."""

LONGEST_TITLE: Final = 70
FIRST_HOUR_S: Final = 3600
"""Where the record begins, by custom: 01:00:00:00."""

_REEL_CHARS: Final = 8
_BLACK: Final = "BL"
_OTHERWISE: Final = "write an OpenTimelineIO file (.otio), or choose shots with -s"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """A shot in the list: `frames` of its source from `source` on, recorded from `start` on.

    `before` is what dissolves into it.
    """

    number: int
    slot: Slot
    source: int
    frames: int
    start: int
    before: _Event | None

    @property
    def reel(self) -> str:
        render = self.slot.clip.entry.render if isinstance(self.slot, Cut) else None
        return _BLACK if render is None else render.sha256[:_REEL_CHARS].upper()

    @property
    def channels(self) -> str:
        has_sound = isinstance(self.slot, Cut) and self.slot.clip.entry.render.audio
        return "B" if has_sound else "V"


def text(timeline: Timeline) -> str:
    """The list's text.

    Raises Refused for what it cannot hold: more than 999 shots, clips of different rates, or longer dissolves.
    """
    _check(timeline)
    events = [line for event in _events(timeline) for line in _lines(event, timeline)]
    title = _one_line(timeline.title)[:LONGEST_TITLE]
    return "\n".join([f"TITLE: {title}", "FCM: NON-DROP FRAME", "", *events, ""])


def _check(timeline: Timeline) -> None:
    if len(timeline.slots) > MOST_EVENTS:
        what = f"an EDL holds {MOST_EVENTS} events, and this one would have {len(timeline.slots):,}"
        raise Refused.because("--format edl", what, fix=_OTHERWISE)
    if timeline.overlap > LONGEST_DISSOLVE:
        what = f"an EDL holds dissolves of {LONGEST_DISSOLVE} frames, and these would have {timeline.overlap:,}"
        raise Refused.because("--format edl", what, fix="make `film.transition_s` smaller, or write an .otio file")
    odd = next((cut for cut in timeline.cuts if cut.clip.rate != timeline.rate), None)
    if odd is not None:
        first = timeline.cuts[0]
        what = (
            f"an EDL has one frame rate: {first.clip.take.id} has {float(timeline.rate):g} frames per second, "
            f"{odd.clip.take.id} has {float(odd.clip.rate):g}"
        )
        raise Refused.because("--format edl", what, fix=_OTHERWISE)
    timeline.check_overlap()


def _events(timeline: Timeline) -> Iterator[_Event]:
    """Each shot until the next one begins: what is left of it then goes on below the dissolve that leads there."""
    before: _Event | None = None
    for number, (slot, start) in enumerate(timeline.with_starts(), 1):
        is_last = number == len(timeline.slots)
        event = _Event(
            number=number,
            slot=slot,
            source=slot.clip.used.start if isinstance(slot, Cut) else 0,
            frames=timeline.frames(slot) - (0 if is_last else timeline.overlap),
            start=start + FIRST_HOUR_S * round(timeline.rate),
            before=before if timeline.overlap else None,
        )
        yield event
        before = event


def _lines(event: _Event, timeline: Timeline) -> Iterator[str]:
    before, channels = event.before, event.channels
    if before is None:
        yield _statement(event, event.reel, channels, "C", (event.source, event.frames), timeline.rate)
    else:
        goes_on = before.source + before.frames, 0
        yield _statement(event, before.reel, channels, "C", goes_on, timeline.rate)
        how = f"D    {timeline.overlap:03}"
        yield _statement(event, event.reel, channels, how, (event.source, event.frames), timeline.rate)
        if isinstance(before.slot, Cut):
            yield f"* FROM CLIP NAME: {_file_name(before.slot)}"
    if isinstance(event.slot, Cut):
        clip, side = event.slot.clip, "FROM" if before is None else "TO"
        yield f"* {side} CLIP NAME: {_file_name(event.slot)}"
        yield f"* {side} CLIP: {_one_line(clip.path)}"
        yield f"* COMMENT: {_one_line(f'{clip.entry.asked.model}, task {clip.entry.task.task_id}')}"
    else:
        yield f"* COMMENT: {_one_line(f'{event.slot.shot_id}: {event.slot.reason}')}"


def _statement(event: _Event, reel: str, channels: str, how: str, source: tuple[int, int], rate: Fraction) -> str:
    """The line itself; `source` is where it begins in the reel, and how long it is."""
    begins, frames = source
    times = (begins, begins + frames, event.start, event.start + frames)
    codes = " ".join(timecode(frame, rate) for frame in times)
    return f"{event.number:03}  {reel:{_REEL_CHARS}} {channels:5} {how:8} {codes}"


def _file_name(cut: Cut) -> str:
    return _one_line(PurePosixPath(cut.clip.path).name)


def _one_line(words: str) -> str:
    """Text without line breaks."""
    return "".join(char if char.isprintable() else " " for char in words)
