"""A timeline as the list of clips that FFmpeg's `concat` reads. Pure."""

from __future__ import annotations

from kfpipe.review.timeline import Timeline


def text(timeline: Timeline) -> str:
    """The clips one after the other; the format knows no gaps, and shots without a clip are left out.

    Source: FFmpeg's documentation of formats, "concat", and of its utilities, "Quoting and escaping".
    """
    return "".join(["ffconcat version 1.0\n", *(f"file {_quoted(cut.clip.path)}\n" for cut in timeline.cuts)])


def _quoted(path: str) -> str:
    return "'" + path.replace("'", r"'\''") + "'"
