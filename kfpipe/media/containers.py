"""The containers a clip may come in, seen from outside: which one a file is, and whether it is as long as it says."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from kfpipe.files.read import first_bytes


class ClipFormat(StrEnum):
    """A file format for clips, which can hold sound alone too, by the name that people know it by."""

    MP4 = "MP4"
    MOV = "MOV"
    WEBM = "WebM"
    MATROSKA = "Matroska"

    @property
    def demuxer(self) -> str:
        """FFmpeg's name for what reads it."""
        return "mp4" if self in (ClipFormat.MP4, ClipFormat.MOV) else "matroska"


HEAD_BYTES: Final = 64
"""What tells one container from another stands within so many bytes."""

_SIGNATURES: Final = (
    (ClipFormat.MOV, re.compile(rb"....(?:ftypqt  |moov|mdat|wide|free|skip)", re.DOTALL)),
    (ClipFormat.MP4, re.compile(rb"....ftyp", re.DOTALL)),
    (ClipFormat.WEBM, re.compile(rb"\x1a\x45\xdf\xa3.*\x42\x82.webm", re.DOTALL)),
    (ClipFormat.MATROSKA, re.compile(rb"\x1a\x45\xdf\xa3", re.DOTALL)),
)

_BOX: Final = re.compile(b"ftyp|moov|mdat|moof|mfra|free|skip|wide|uuid|meta|udta|sidx|styp|emsg|prft")
"""What can stand at the top of an MP4; anything else behind the last of them is no part of the clip."""

_ENDLESS_BYTES: Final = 0x7FFF_0000

_SEGMENT: Final = 0x18538067
"""The element of WebM and Matroska that holds all the rest. Source: RFC 9559, 5.1."""


def container_of(path: Path) -> ClipFormat | None:
    """The container by the file's first bytes, None when it is none of these. Raises OSError."""
    head = first_bytes(path, HEAD_BYTES)
    return next((container for container, signature in _SIGNATURES if signature.match(head)), None)


def is_cut_off(path: Path, container: ClipFormat) -> bool:
    """Whether the file ends before its outermost parts do, by the lengths they state. Raises OSError."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        if container.demuxer == "mp4":
            return _boxes_run_over(file, size_bytes)
        return _elements_run_over(file, size_bytes)


def is_wav_cut_off(path: Path) -> bool:
    """Whether a WAV ends before its samples do, by the length they state. Raises OSError.

    A WAV is a row of chunks: name, length, content. Who writes one without knowing its end states a length beyond all
    reason, or none. Source: Multimedia Programming Interface and Data Specifications 1.0.
    """
    size_bytes = path.stat().st_size
    place = 12
    with path.open("rb") as file:
        while place + 8 <= size_bytes:
            file.seek(place)
            head = file.read(8)
            length_bytes = int.from_bytes(head[4:], "little")
            if head[:4] == b"data":
                return size_bytes < place + 8 + length_bytes < _ENDLESS_BYTES
            place += 8 + length_bytes + length_bytes % 2
    return True


def _boxes_run_over(file: BinaryIO, size_bytes: int) -> bool:
    """An MP4 is a row of boxes: length, name, content. Source: ISO/IEC 14496-12, 4.2.

    One in fragments may end after any of them, so that a cut exactly there does not show.
    """
    place = 0
    in_fragments = False
    while place < size_bytes:
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            return in_fragments or any(head)
        length_bytes, name = int.from_bytes(head[:4]), head[4:8]
        if not _BOX.match(name) or length_bytes == 0:  # 0: to the end of the file
            return False
        if length_bytes == 1:  # the length stands behind the name
            if len(head) < 16:
                return True
            length_bytes = int.from_bytes(head[8:16])
        if length_bytes < 8:
            return False  # nonsense, which the decoder will judge
        place += length_bytes
        in_fragments = in_fragments or name == b"moof"
    return place > size_bytes


def _elements_run_over(file: BinaryIO, size_bytes: int) -> bool:
    """A WebM is a tree of elements: id, length, content. One of unknown length ends where its last child does.

    Source: RFC 8794, 4 to 6.
    """
    place = 0
    while place < size_bytes:
        file.seek(place)
        head = file.read(12)
        id_bytes = _width(head[0])
        if id_bytes > 4:
            return False  # nonsense, which the decoder will judge
        number_bytes = _width(head[id_bytes]) if id_bytes < len(head) else len(head)
        if number_bytes > 8:
            return False
        if id_bytes + number_bytes > len(head):
            return True
        place += id_bytes + number_bytes
        most = (1 << 7 * number_bytes) - 1
        length_bytes = int.from_bytes(head[id_bytes : id_bytes + number_bytes]) & most
        if length_bytes == most:  # unknown
            continue
        place += length_bytes
        if int.from_bytes(head[:id_bytes]) == _SEGMENT:
            break
    return place > size_bytes


def _width(first_byte: int) -> int:
    """How many bytes a number of variable length takes, by its first byte: one more than it has leading zero bits."""
    return 9 - first_byte.bit_length()
