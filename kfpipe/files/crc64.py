"""CRC-64 (ECMA-182, the one of Alibaba's object store), compared at the speed of C and without another dependency.

The standard library computes it in one place: .xz files carry it as their checksum, and liblzma compares it. So the
bytes are handed over as an .xz stream of stored pieces, which ends with the checksum that they should have: 0.8 ms a
megabyte, less than MD5 takes. Source: The .xz File Format 1.2.1, sections 2 and 3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Final

try:
    import lzma
except ImportError:  # Python can be built without it
    lzma = None  # type: ignore[assignment]

_PIECE_BYTES: Final = 1 << 16
_FIRST, _NEXT, _END = b"\x01", b"\x02", b"\x00"
"""What begins a stored piece, the first of which resets the dictionary, and what stands behind the last one."""


def is_available() -> bool:
    """Whether this Python can compute it."""
    return lzma is not None


def agrees(content: Iterable[bytes], crc: int) -> bool:
    """Whether the bytes, in pieces of any length, have this checksum."""
    reader = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    reader.decompress(_HEAD)
    control, handed_over = _FIRST, 0
    for chunk in content:
        for start in range(0, len(chunk), _PIECE_BYTES):
            piece = chunk[start : start + _PIECE_BYTES]
            reader.decompress(b"".join((control, (len(piece) - 1).to_bytes(2), piece)))
            control, handed_over = _NEXT, handed_over + 3 + len(piece)
    padding = bytes(-(handed_over + len(_END)) % 4)
    try:
        reader.decompress(_END + padding + struct.pack("<Q", crc))
    except lzma.LZMAError:
        return False
    return True


def _with_crc32(fields: bytes) -> bytes:
    return fields + struct.pack("<I", zlib.crc32(fields))


_CHECK_CRC64: Final = 4
_FILTER_LZMA2: Final = 0x21
_HEAD: Final = (
    b"\xfd7zXZ\0" + _with_crc32(bytes([0, _CHECK_CRC64])) + _with_crc32(bytes([2, 0, _FILTER_LZMA2, 1, 0, 0, 0, 0]))
)
"""The stream's header, and that of its one block, whose filter has the smallest dictionary."""
