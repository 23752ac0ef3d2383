"""What a store says of a file's bytes, so that a download can be compared with what is there."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kfpipe.files import crc64

_CRC64: Final = re.compile(r"\d{1,20}", re.ASCII)
_MD5: Final = re.compile(r'"([0-9a-fA-F]{32})"')
_MD5_BYTES: Final = 16


class ChecksumKind(StrEnum):
    """How a checksum is computed."""

    CRC64 = "CRC-64"
    MD5 = "MD5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """The checksum of a whole file, as a number. `is_certain`: the store says that it is one.

    An ETag of the right shape is the file's MD5 where the file was stored in one piece, and may be anything else.
    """

    kind: ChecksumKind
    value: int
    is_certain: bool = True

    def agrees(self, content: Iterable[bytes]) -> bool:
        """Whether these bytes, in pieces of any length, have it."""
        if self.kind is ChecksumKind.CRC64:
            return crc64.agrees(content, self.value)
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in content:
            digest.update(chunk)
        return int.from_bytes(digest.digest()) == self.value


def stated(headers: Mapping[str, str], *, is_whole: bool) -> Checksum | None:
    """The cheapest of the checksums that an answer states of the whole file; `is_whole`: it is no part of one.

    Source: Alibaba Cloud, "Check data integrity by using CRC-64": a part bears the checksum of the whole, too.
    """
    crc = headers.get("x-oss-hash-crc64ecma", "")
    if _CRC64.fullmatch(crc) and int(crc) < 1 << 64 and crc64.is_available():
        return Checksum(kind=ChecksumKind.CRC64, value=int(crc))
    if is_whole and (md5 := _decoded(headers.get("content-md5", ""))) is not None:
        return Checksum(kind=ChecksumKind.MD5, value=int.from_bytes(md5))
    tag = _MD5.fullmatch(headers.get("etag", ""))
    return None if tag is None else Checksum(kind=ChecksumKind.MD5, value=int(tag[1], 16), is_certain=False)


def _decoded(md5: str) -> bytes | None:
    try:
        content = base64.b64decode(md5, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if len(content) == _MD5_BYTES else None
