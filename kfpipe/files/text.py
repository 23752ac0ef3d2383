"""Bytes of a text file -> text that is fit to be read, and places in it."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Mapping
from itertools import islice
from typing import Any

from kfpipe.errors import Position, Problem, Refused

DataPath = tuple[str | int, ...]
"""Where a value is in a tree of mappings and lists: keys and indexes, the outermost first."""

LARGEST_BYTES = 64 * 2**20
"""A shot list of 100,000 shots has 33 MB."""

MOST_STRAY_CHARACTERS = 20

_LOOKED_AT_BYTES = 4096

_BREAK = re.compile(r"\r\n?|\n")
_STRAY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_USUAL = bytes(byte for byte in range(0x80) if not _STRAY.match(chr(byte)))
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
SAVE_AS_UTF8 = "save the file again with the encoding UTF-8 (most editors: Save as, or Save with encoding)"


def decoded(content: bytes | str, file: str) -> str:
    """The text, without its byte order mark. Raises Refused when it is too large, not UTF-8, or holds control codes."""
    if len(content) > LARGEST_BYTES:
        raise Refused.because(
            file,
            f"the file is larger than {LARGEST_BYTES // 2**20} MiB",
            fix="split it into several files",
        )
    text = _from_utf8(content, file) if isinstance(content, bytes) else content
    text = text.removeprefix("\ufeff")
    if text.isascii() and not text.encode("ascii").translate(None, _USUAL):  # thirty times as fast as the pattern
        return text
    stray = [_stray_character(found, text, file) for found in islice(_STRAY.finditer(text), MOST_STRAY_CHARACTERS)]
    if stray:
        raise Refused(stray)
    return text


def other_encoding(content: bytes) -> str | None:
    """UTF-16 or UTF-32, where the text is in one of them: its byte order mark says so, or every other byte is a NUL."""
    for mark, name in _OTHER_ENCODINGS.items():
        if content.startswith(mark):
            return name
    beginning = content[:_LOOKED_AT_BYTES]
    even, odd = beginning[::2], beginning[1::2]
    fewer, more = sorted((even.count(0), odd.count(0)))
    if 4 * more < len(odd) or not more:
        return None
    return "UTF-32" if 4 * fewer >= len(even) else "UTF-16"


def normalised(text: str) -> str:
    """The text in the one spelling of all that look alike: composed letters (NFC), and lines that end in LF."""
    lines = _BREAK.sub("\n", text) if "\r" in text else text
    return lines if lines.isascii() else unicodedata.normalize("NFC", lines)


def normalised_values(value: Any) -> Any:
    """As `normalised`, for all texts in a tree of mappings and lists, keys included."""
    kind = type(value)
    if kind is str:  # as nearly all are
        return normalised(value)
    if kind is dict:
        return {normalised_values(name): normalised_values(inner) for name, inner in value.items()}
    match value:
        case str():
            return normalised(value)
        case Mapping():
            return {normalised_values(name): normalised_values(inner) for name, inner in value.items()}
        case list() | tuple():
            return [normalised_values(inner) for inner in value]
        case _:
            return value


def stray_character(text: str) -> str | None:
    """The first character of `text` that is invisible and that a terminal might obey; None when there is none."""
    found = _STRAY.search(text)
    return found.group() if found else None


def position_of(text: str, index: int) -> Position:
    """Line and column of the character at `index`; lines end in LF, CR LF or CR."""
    line, line_start = 1, 0
    for found in _BREAK.finditer(text, 0, index):
        line, line_start = line + 1, found.end()
    return Position(line=line, column=index - line_start + 1)


def line_around(text: str, index: int) -> tuple[int, str]:
    """Where the line that holds the character at `index` begins, and the line without its end."""
    start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    end = _BREAK.search(text, index)
    return start, text[start : end.start() if end else len(text)]


def line_above(text: str, start: int) -> tuple[int, str]:
    """As `line_around`, for the last line before `start` that is neither blank nor a comment; empty if none is."""
    while start > 0:
        start, line = line_around(text, start - 1)
        if line.strip() and not line.lstrip().startswith("#"):
            return start, line
    return 0, ""


def _from_utf8(content: bytes, file: str) -> str:
    """The text. Raises Refused at the first byte that is not UTF-8, or for another encoding that says its name."""
    other = other_encoding(content)
    if other is not None:
        raise Refused.because(file, f"the file is written in {other}", expected="UTF-8", fix=SAVE_AS_UTF8)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8").removeprefix("\ufeff")
        problem = Problem(
            file=file,
            position=position_of(before, len(before)),
            what=f"the byte 0x{content[error.start]:02x} is not UTF-8 text",
            expected="UTF-8",
            fix=SAVE_AS_UTF8,
        )
        raise Refused([problem]) from error


def _stray_character(found: re.Match[str], text: str, file: str) -> Problem:
    return Problem(
        file=file,
        position=position_of(text, found.start()),
        what=f"there is an invisible control character here (U+{ord(found.group()):04X})",
        fix="delete it and the characters next to it, then type them again; they often come with pasted text",
    )
