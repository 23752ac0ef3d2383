"""A timeline as text that other programs read. Pure.

otio        OpenTimelineIO: everything that is known, other takes included
edl         CMX3600: what every NLE reads
sheet       CSV: a row for each shot
ffconcat    a list of clips, which FFmpeg joins to one film
facts       what is on record for a clip, under the names that all of them use
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from kfpipe.review.formats import edl, ffconcat, otio, sheet
from kfpipe.review.timeline import Timeline

__all__ = ["Format", "text"]


class Format(StrEnum):
    """The formats, each by the ending of its files."""

    OTIO = "otio"
    EDL = "edl"
    CSV = "csv"
    FFCONCAT = "ffconcat"


_WRITERS: Final = {
    Format.OTIO: otio.text,
    Format.EDL: edl.text,
    Format.CSV: sheet.text,
    Format.FFCONCAT: ffconcat.text,
}


def text(timeline: Timeline, wanted: Format) -> str:
    """The timeline in this format; the same timeline gives the same text. Raises Refused for what it cannot hold."""
    return _WRITERS[wanted](timeline)
