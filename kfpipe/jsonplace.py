"""Bytes of a JSON file -> its text, and refusals that point into it."""

from __future__ import annotations

from kfpipe.document.source import position_of
from kfpipe.errors import Problem, Refused


def decoded(content: bytes, file: str, *, fix: str) -> str:
    """The text, without its byte order mark. Raises Refused when it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig")
        what = f"the byte 0x{content[error.start]:02x} is not UTF-8 text"
        raise refusal(file, before, len(before), what, fix=fix) from error


def refusal(file: str, text: str, index: int, what: str, *, expected: str | None = None, fix: str) -> Refused:
    """A refusal with one problem, at a place in the text."""
    return Refused([Problem(file=file, position=position_of(text, index), what=what, expected=expected, fix=fix)])
