"""The two streams: results on stdout, messages on stderr. A reader who went away stops nothing.

Every line passes `plain` on its way, so that no text from outside can move the cursor or recolour the screen.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any, Final, Literal, TextIO

from kfpipe.errors import StorageFailed
from kfpipe.wording import TERMINAL_COMMANDS

_HIDDEN: Final = r"\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Characters that steer a terminal or turn the direction of a text, besides those below the blank."""

_CONTROLS: Final = re.compile(rf"[\x00-\x1f{_HIDDEN}]")
_HIDDEN_IN_JSON: Final = re.compile(rf"[{_HIDDEN}]")


def plain(text: str) -> str:
    """`text` on one line, without escape sequences, control characters and changes of direction."""
    if text.isprintable():  # as nearly all of it is
        return text
    return _CONTROLS.sub("", TERMINAL_COMMANDS.sub("", re.sub(r"[\t\r\n]+", " ", text)))


def prepare() -> None:
    """Let both streams take any text: what their encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def result(*lines: str) -> None:
    """Lines of the command's result. Raises StorageFailed when they cannot be kept where stdout leads."""
    _keep("".join(f"{plain(line)}\n" for line in lines))


def result_json(data: Mapping[str, Any]) -> None:
    """The command's result for a program: one JSON object, which a terminal may show as well. Raises StorageFailed."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    _keep(_HIDDEN_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")


def note(*lines: str) -> None:
    """Lines for the person at the screen. Never fails: what nobody can be told must not stop a run."""
    _write(sys.stderr, "".join(f"{plain(line)}\n" for line in lines))


def is_interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_screen(stream: TextIO) -> bool:
    """Whether `stream` can redraw what it has shown."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def colour_system() -> Literal["auto"] | None:
    """What rich may style with; None, where `NO_COLOR` asks for plain text."""
    return None if os.environ.get("NO_COLOR") else "auto"


def ask(question: str) -> bool:
    """A yes or no from the person at the screen; anything but a yes is a no."""
    return answer(f"{question} [y/N]").casefold() in ("y", "yes")


def answer(question: str) -> str:
    """What the person at the screen types on one line; empty when they have nothing to say."""
    sys.stderr.write(f"{plain(question)} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _keep(text: str) -> None:
    failure = _write(sys.stdout, text)
    if failure is not None and not isinstance(failure, BrokenPipeError):
        raise StorageFailed("standard output", failure.strerror or str(failure))


def _write(stream: TextIO, text: str) -> OSError | None:
    """Why `text` could not be written, if so; all that follows then goes nowhere, without a complaint at the end."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as failure:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return failure
    return None
