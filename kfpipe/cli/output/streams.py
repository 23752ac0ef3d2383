"""The two streams: results on stdout, messages on stderr. Neither fails: see `outlets` for what they cannot take.

Every text from outside passes `plain` on its way, so that it cannot move the cursor or recolour the screen.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TextIO

import click

from kfpipe.cli.output.cells import width_of, wrapped
from kfpipe.files import jsontext
from kfpipe.wording import TERMINAL_COMMANDS

_HIDDEN: Final = r"\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Characters that control a terminal or change the direction of text, besides those below the space."""

_CONTROLS: Final = re.compile(rf"[\x00-\x1f{_HIDDEN}]")
_HIDDEN_IN_JSON: Final = re.compile(rf"[{_HIDDEN}]")
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")

_PIECES_AT_ONCE: Final = 256


def plain(text: str) -> str:
    """`text` on one line, without escape sequences, control characters and changes of direction."""
    if text.isprintable():  # as nearly all of it is
        return text
    return _CONTROLS.sub("", TERMINAL_COMMANDS.sub("", re.sub(r"[\t\r\n]+", " ", text)))


def result(*lines: str) -> None:
    """Lines of the command's result."""
    _write(sys.stdout, _text(lines, sys.stdout))


def result_painted(*lines: str) -> None:
    """Lines of the command's result that carry our own colours, and are safe otherwise. For a terminal only."""
    _write(sys.stdout, "".join(f"{line}\n" for line in lines))


def result_json(data: Mapping[str, Any]) -> None:
    """The command's result for a program: one JSON object, safe to show on a terminal, and in the stream's encoding.

    A list may be given as an iterator: each entry is made, written and forgotten, however many there are.
    """
    for piece in _gathered(jsontext.pieces(data)):
        text = piece
        if not _is_encodable(text, sys.stdout):  # what the stream itself puts for a missing character is no JSON
            text = _BEYOND_ASCII.sub(_escaped, text)
        _write(sys.stdout, _HIDDEN_IN_JSON.sub(_escaped, text))


def _gathered(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces of text, joined to some that are worth a write each."""
    waiting: list[str] = []
    for piece in pieces:
        waiting.append(piece)
        if len(waiting) == _PIECES_AT_ONCE:
            yield "".join(waiting)
            waiting.clear()
    yield "".join(waiting)


def _escaped(character: re.Match[str]) -> str:
    return json.dumps(character[0])[1:-1] if ord(character[0]) > 0xFFFF else f"\\u{ord(character[0]):04x}"


def note(*lines: str) -> None:
    """Lines for the person at the screen."""
    _write(sys.stderr, _text(lines, sys.stderr))


def is_interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_screen(stream: TextIO) -> bool:
    """Whether `stream` can redraw what it has shown."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def is_coloured() -> bool:
    """Whether a terminal may be coloured: `NO_COLOR` asks for plain text."""
    return not os.environ.get("NO_COLOR")


def colour_system() -> Literal["standard"] | None:
    """What rich may style with: the 16 colours of the user's theme, or None."""
    return "standard" if is_coloured() else None


def ask(question: str) -> bool:
    """A yes or no from the person at the screen; anything but a yes is a no."""
    return answer(f"{question} [y/N]").casefold() in ("y", "yes")


def answer(question: str) -> str:
    """What the person at the screen types on one line; empty when they have nothing to say."""
    sys.stderr.write(f"{plain(question)} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _text(lines: Sequence[str], stream: TextIO) -> str:
    shown = [plain(line) for line in lines]
    if is_screen(stream):
        width = shutil.get_terminal_size().columns
        shown = [part for line in shown for part in _broken(line, width)]
    return "".join(f"{line}\n" for line in shown)


def _broken(line: str, width: int) -> list[str]:
    """The line broken between words, for a screen. A command or an address stays in one piece, to be copied."""
    text = line.lstrip()
    indent = len(line) - len(text)
    room = width - indent - 2
    if width_of(line) <= width or "kfpipe " in text or any(width_of(word) > room for word in text.split()):
        return [line]
    first, *more = wrapped(text, room)
    return [f"{'':{indent}}{first}", *(f"{'':{indent + 2}}{line}" for line in more)]


def _is_encodable(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _write(stream: TextIO, text: str) -> None:
    click.echo(text, file=stream, nl=False)  # which brings our colours to old consoles of Windows, too
