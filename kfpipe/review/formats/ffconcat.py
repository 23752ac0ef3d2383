"""A timeline as the list of clips that FFmpeg's `concat` reads. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kfpipe.review.footage import Clip
from kfpipe.review.timeline import Timeline


def text(timeline: Timeline) -> str:
    """The clips one after the other; the format knows no gaps, and shots without a clip are left out.

    Source: FFmpeg's documentation of formats, "concat", and of its utilities, "Quoting and escaping".
    """
    return "".join(["ffconcat version 1.0\n", *(line for cut in timeline.cuts for line in _lines(cut.clip))])


def _lines(clip: Clip) -> Iterator[str]:
    yield f"file {_quoted(clip.path)}\n"
    if clip.used.start > 0:
        yield f"inpoint {float(clip.used.start / clip.rate):.6f}\n"
    if clip.used.stop < clip.frames:
        yield f"outpoint {float(clip.used.stop / clip.rate):.6f}\n"


def _quoted(path: str) -> str:
    return "'" + path.replace("'", r"'\''") + "'"
