"""A timeline as the list of clips that FFmpeg's `concat` reads. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from kfpipe.errors import Problem, Refused
from kfpipe.review.footage import Clip
from kfpipe.review.timeline import Timeline
from kfpipe.wording import listed

MOST_NAMED: Final = 3

_ALIKE: Final[Mapping[str, Callable[[Clip], str]]] = {
    "size": lambda clip: f"{clip.entry.render.width_px}x{clip.entry.render.height_px}",
    "frame rate": lambda clip: f"{float(clip.rate):.5g} per second",
    "kind of sound": lambda clip: "sound" if clip.entry.render.audio else "no sound",
    "codec": lambda clip: clip.entry.render.codec or "h264",
}
"""What must be the same in all clips. An older record does not say its codec: it was the service's only one."""

_OTHERWISE: Final = "export an .mp4 file, which conforms them, or choose shots with -s"


def text(timeline: Timeline) -> str:
    """The clips one after the other; the format knows no gaps, and shots without a clip are left out.

    Raises Refused for clips that are not alike: FFmpeg joins them all the same, and what it makes cannot be watched.

    Source: FFmpeg's documentation of formats, "concat", and of its utilities, "Quoting and escaping".
    """
    _check(timeline)
    return "".join(["ffconcat version 1.0\n", *(line for cut in timeline.cuts for line in _lines(cut.clip))])


def _check(timeline: Timeline) -> None:
    problems = []
    for name, of in _ALIKE.items():
        found: dict[str, list[str]] = {}
        for cut in timeline.cuts:
            found.setdefault(of(cut.clip), []).append(cut.clip.take.id)
        if len(found) > 1:
            groups = (f"{value} ({_few(takes)})" for value, takes in found.items())
            what = f"FFmpeg joins only clips of one {name}; these have {listed(groups, 'and')}"
            problems.append(Problem(file="--format ffconcat", what=what, fix=_OTHERWISE))
    if problems:
        raise Refused(problems)


def _few(takes: Sequence[str]) -> str:
    more = len(takes) - MOST_NAMED
    return ", ".join([*takes[:MOST_NAMED], *([f"{more:,} more"] if more > 0 else [])])


def _lines(clip: Clip) -> Iterator[str]:
    yield f"file {_quoted(clip.path)}\n"
    if clip.used.start > 0:
        yield f"inpoint {float(clip.used.start / clip.rate):.6f}\n"
    if clip.used.stop < clip.frames:
        yield f"outpoint {float(clip.used.stop / clip.rate):.6f}\n"


def _quoted(path: str) -> str:
    return "'" + path.replace("'", r"'\''") + "'"
