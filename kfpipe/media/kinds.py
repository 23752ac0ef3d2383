"""Files that a service does not take as stills, known by how they begin, whatever their names say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

SAVE_AS: Final = "save it as PNG or JPEG"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """What a file is, in words that follow "is", and how to come to a picture.

    `format` is the decoder's name for it, where there is one.
    """

    what: str
    fix: str = SAVE_AS
    format: str | None = None


_LFS: Final = FileKind(what="only a Git LFS pointer to the picture", fix="fetch it with `git lfs pull`")
_ANNEX: Final = FileKind(what="only a git-annex pointer to the picture", fix="fetch it with `git annex get`")
_VIDEO: Final = FileKind(what="a video", fix="save one frame of it as PNG or JPEG")
_WEB_PAGE: Final = FileKind(what="a web page", fix="download the picture itself")
RAW: Final = FileKind(what="a camera's raw picture", fix="develop it, and save it as JPEG")

_BEGINNINGS: Final = (
    (rb"version https://git-lfs\.github\.com/spec/", _LFS),
    (rb"/annex/objects/", _ANNEX),
    (rb"II\*\0.{4}CR|II\*\0.{4}HEAPCCDR|FUJIFILMCCD-RAW|II[RU][OS\0]|MMOR|FOVb", RAW),
    (rb"8BPS", FileKind(what="a PSD picture (Photoshop)", format="PSD")),
    (rb"II[*+]\0|MM\0[*+]", FileKind(what="a TIFF picture, or a camera's raw picture", format="TIFF")),
    (rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", FileKind(what="a JPEG XL picture")),
    (rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n", FileKind(what="a JPEG 2000 picture")),
    (rb"\x76\x2f\x31\x01", FileKind(what="an OpenEXR picture")),
    (rb"#\?(?:RADIANCE|RGBE)", FileKind(what="a Radiance HDR picture")),
    (rb"SDPX|XPDS", FileKind(what="a DPX picture")),
    (rb"gimp xcf", FileKind(what="a GIMP picture (XCF)")),
    (rb"%PDF-", FileKind(what="a PDF document", fix="export the page as PNG")),
    (rb"%!PS|\xc5\xd0\xd3\xc6", FileKind(what="an EPS picture", fix="export it as PNG")),
    (rb"\0\0\x01\0[^\0]", FileKind(what="an icon (ICO)")),
    (rb"PK\x03\x04", FileKind(what="a ZIP archive, or a document in one", fix="export the picture as PNG or JPEG")),
    (rb"\x1a\x45\xdf\xa3|RIFF.{4}AVI ", _VIDEO),
    (rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head)", _WEB_PAGE),
    (
        rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.{0,900})?(?:<!--.{0,900})?(?:<!doctype svg.{0,900})?<svg",
        FileKind(what="an SVG drawing", fix="export it as PNG"),
    ),
)
_KINDS: Final = tuple((re.compile(start, re.DOTALL | re.IGNORECASE), kind) for start, kind in _BEGINNINGS)
_SENDABLE: Final = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|BM.{4}\0{4}|RIFF.{4}WEBP", re.DOTALL)
_HEAD_BYTES: Final = 4096

_BRANDS: Final = (
    (frozenset([b"avif", b"avis"]), FileKind(what="an AVIF picture", format="AVIF")),
    (frozenset([b"crx "]), RAW),
    (
        frozenset([b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1"]),
        FileKind(
            what="a HEIC picture",
            fix=f"{SAVE_AS}, or install `kfpipe[heic]` and add `convert` to `prepare` under `stills`",
            format="HEIF",
        ),
    ),
)
"""Of the files that begin with a list of what can read them. Sources: ISO/IEC 23008-12, AV1 Image File Format."""


def foreign(content: bytes) -> FileKind | None:
    """What the file is, when it is known and not a picture that may be sent; None for all else."""
    head = content[:_HEAD_BYTES]
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    return next((kind for start, kind in _KINDS if start.match(head)), None)


def is_sendable(content: bytes) -> bool:
    """Whether the file begins as those that a service takes: JPEG, PNG, BMP, WebP."""
    return _SENDABLE.match(content) is not None


def _by_brand(head: bytes) -> FileKind:
    """The main brand comes first, then those that the file may be read as too: an AVIF picture may begin `mif1`."""
    brands = frozenset({head[8:12], *(head[at : at + 4] for at in range(16, _box_end(head), 4))})
    return next((kind for names, kind in _BRANDS if names & brands), _VIDEO)


def _box_end(head: bytes) -> int:
    return min(int.from_bytes(head[:4]), len(head))
