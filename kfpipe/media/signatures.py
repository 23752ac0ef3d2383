"""What a file is, by its first bytes and whatever its name says, in the words that people know it by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kfpipe.errors import Unusable
from kfpipe.files import lfs

WAV: Final = "WAV"
MP3: Final = "MP3"

_HEAD_BYTES: Final = 512

_MEDIA: Final = tuple(
    (name, re.compile(signature, re.DOTALL))
    for name, signature in (
        (WAV, rb"RIFF....WAVE"),
        (MP3, rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
        ("MPEG layer II sound (MP2)", rb"\xff[\xe4\xe5\xf4\xf5\xfc\xfd]"),
        ("AAC sound", rb"\xff[\xf0\xf1\xf8\xf9]|ADIF"),
        ("FLAC sound", rb"fLaC"),
        ("Ogg Vorbis sound", rb"OggS.{,60}\x01vorbis"),
        ("Ogg Opus sound", rb"OggS.{,60}OpusHead"),
        ("Ogg FLAC sound", rb"OggS.{,60}\x7fFLAC"),
        ("Ogg Speex sound", rb"OggS.{,60}Speex"),
        ("an Ogg file", rb"OggS"),
        ("AIFF sound", rb"FORM....AIF[FC]"),
        ("RF64 sound (a WAV for large files)", rb"(?:RF64|BW64)....WAVE"),
        ("Wave64 sound", rb"riff\x2e\x91\xcf\x11"),
        ("CAF sound", rb"caff\x00\x01"),
        ("AMR sound", rb"#!AMR"),
        ("AC-3 sound", rb"\x0b\x77"),
        ("AU sound", rb"\.snd"),
        ("WavPack sound", rb"wvpk"),
        ("Monkey's Audio sound", rb"MAC "),
        ("a MIDI file, which holds notes and no sound", rb"MThd"),
        ("a Windows Media file (WMA or WMV)", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
        ("an AVI video", rb"RIFF....AVI "),
        ("a Flash video", rb"FLV\x01"),
        ("an MPEG video", rb"\x00\x00\x01[\xb3\xba]|G.{187}G.{187}G"),
        ("an MXF video", rb"\x06\x0e\x2b\x34"),
    )
)

_OTHERS: Final = (
    ("a picture", re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|II\*\x00|MM\x00\*", re.DOTALL)),
    ("a web page", re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE)),
    ("a PDF document", re.compile(rb"%PDF")),
    ("a ZIP archive", re.compile(rb"PK\x03\x04")),
)
"""What people name by mistake."""

_NOTE: Final = re.compile(rb"ID3[\x02-\x04].(.)([\x00-\x7f]{4})", re.DOTALL)
"""Title, artist and cover, which can come before any sound. Source: id3.org, ID3v2.4.0, 3.1."""

_MOST_NOTES: Final = 8


class AnotherFormat(Unusable):
    """Sound or video of a kind that no model takes."""


def kind_of(path: Path) -> str:
    """`WAV` or `MP3`. Raises AnotherFormat, Unusable for what is no sound or video at all, OSError.

    What can hold sound, video or both, as MP4 can, is told apart in `containers`.
    """
    head, has_notes = _behind_notes(path)
    kind = _first_match(head, _MEDIA) or (MP3 if has_notes else None)
    if kind in (WAV, MP3):
        return kind
    if kind is not None:
        raise AnotherFormat(f"is {kind}", fix="export it in another format")
    if lfs.pointed_at(path) is not None:
        raise Unusable("is only a Git LFS pointer to the file", fix="fetch it with `git lfs pull`")
    other = _first_match(head, _OTHERS) or "not a sound or clip"
    raise Unusable(f"is {other}" if head else "is empty", fix="check the path")


def states_its_length(path: Path) -> bool:
    """Whether an MP3 says how many frames it has, in the first of them. Raises OSError."""
    return re.search(rb"Xing|Info|VBRI", _behind_notes(path)[0]) is not None


def _first_match(head: bytes, table: Sequence[tuple[str, re.Pattern[bytes]]]) -> str | None:
    return next((name for name, signature in table if signature.match(head)), None)


def _behind_notes(path: Path) -> tuple[bytes, bool]:
    """The first bytes that are no note of title and artist, and whether there was one."""
    place = 0
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        for _ in range(_MOST_NOTES):
            note = _NOTE.match(head)
            if note is None:
                break
            footer_bytes = 10 if note[1][0] & 0x10 else 0
            place += 10 + sum(byte << 7 * power for power, byte in enumerate(reversed(note[2]))) + footer_bytes
            file.seek(place)
            head = file.read(_HEAD_BYTES)
    return (head.lstrip(b"\0") if place else head), place > 0
