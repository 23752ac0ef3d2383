"""The film's music: what kind of sound file it is, by how it begins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from kfpipe.errors import Unusable
from kfpipe.files.read import first_bytes

EXPECTED: Final = "WAV, AIFF, MP3, M4A, FLAC or Ogg"

_KINDS: Final = (
    (rb"RIFF.{4}WAVE", "wav"),
    (rb"FORM.{4}AIF", "aiff"),
    (rb"ID3|\xff[\xe2-\xff]", "mp3"),
    (rb".{4}ftyp", "mov"),
    (rb"fLaC", "flac"),
    (rb"OggS", "ogg"),
)
"""How sound files begin, and FFmpeg's names for what reads them."""

_POINTER: Final = b"version https://git-lfs"


def kind(path: Path) -> str:
    """The demuxer that reads it. Raises Unusable for a file of no known kind, OSError."""
    head = first_bytes(path, len(_POINTER))
    if head == _POINTER:
        what = "is only a Git LFS pointer to the music"
        raise Unusable(what, expected=EXPECTED, fix="fetch it with `git lfs pull`")
    found = next((name for start, name in _KINDS if re.match(start, head, re.DOTALL)), None)
    if found is None:
        raise Unusable("is not a sound file that is known", expected=EXPECTED, fix="export the music as one of them")
    return found
