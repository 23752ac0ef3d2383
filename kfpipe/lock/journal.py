"""The journal's bytes <-> transitions. No files.

A line is what one fsync made durable: a checksum, then JSON. The first says whose journal it is, each further one
lists the transitions that were recorded together:

    5bd39c80 {"kfpipe_journal": 1, "lockfile": "shots.lock.json", "host": "desk", "pid": 4711, "started_at": "..."}
    0b7e3f22 [{"take": "kitten", "entry": {...}}]

A last line that is cut off or does not match its checksum was never acknowledged, and is dropped. Damage
anywhere else is refused: a guess about what was paid for is worse than a stop.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kfpipe.errors import Position, Problem, Refused
from kfpipe.files.jsontext import BROKEN_CHARACTERS, NotJson, index_of, parse_json
from kfpipe.files.scalars import time_text
from kfpipe.lock.codec import entry_from_json, entry_to_json
from kfpipe.lock.schema import Part, faults, fits_schema
from kfpipe.lock.states import Entry
from kfpipe.wording import described, echoed

FORMAT: Final = 1

_CHECKSUM_LENGTH: Final = len("00000000 ")
_LINE = re.compile(rb"([0-9a-f]{8}) (.*)", re.DOTALL)
_RESTORE: Final = "move the journal away; `kfpipe reconcile` then asks the service what was paid for"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A take's new entry."""

    take_id: str
    entry: Entry


def header(*, lockfile: str, host: str, pid: int, started_at: datetime) -> bytes:
    """The journal's first line; `lockfile` is the name of the file that it belongs to."""
    started = time_text(started_at)
    return _line({"kfpipe_journal": FORMAT, "lockfile": lockfile, "host": host, "pid": pid, "started_at": started})


def line(transitions: Iterable[Transition]) -> bytes:
    """A further line."""
    return _line([{"take": one.take_id, "entry": entry_to_json(one.entry)} for one in transitions])


def parsed(content: bytes, file: str, *, lockfile: str) -> tuple[Transition, ...]:
    """The transitions, oldest first. `file` is the journal's path in the user's words. Raises Refused."""
    lines = _sound_lines(content, file)
    head = next(lines, None)
    if head is None:
        return ()
    _check_header(head, file, lockfile)
    return tuple(transition for one in lines for transition in _transitions(one, file))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    number: int
    text: str
    data: Any


def _line(data: Any) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", BROKEN_CHARACTERS)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _sound_lines(content: bytes, file: str) -> Iterator[_Line]:
    """The lines of a journal. A last one that was cut off is left out: its writer was killed before it went on.

    Raises Refused for a damaged line before it.
    """
    *whole, rest = content.split(b"\n")
    for number, raw in enumerate(whole, start=1):
        found = _LINE.fullmatch(raw)
        if found is None or int(found[1], 16) != zlib.crc32(found[2]):
            if number == len(whole) and not rest:
                return
            raise _refusal(file, number, 0, "the line does not match its checksum")
        yield _read(found[2], file, number)


def _read(raw: bytes, file: str, number: int) -> _Line:
    try:
        text = raw.decode("utf-8")
        return _Line(number=number, text=text, data=parse_json(text))
    except UnicodeDecodeError as error:
        raise _refusal(file, number, error.start, "this is not UTF-8 text") from error
    except NotJson as error:
        raise _refusal(file, number, error.index, error.what) from error


def _check_header(head: _Line, file: str, lockfile: str) -> None:
    """Raises Refused unless this is the first line of a journal for `lockfile`, in a format that is known."""
    match head.data:
        case {"kfpipe_journal": int(version)} if version > FORMAT:
            what = f"it was written by a newer kfpipe (journal format {version})"
            raise _refusal(file, head.number, 0, what, fix="upgrade kfpipe")
        case {"kfpipe_journal": int(version), "lockfile": str(name)} if version == FORMAT:
            if name != lockfile:
                what = f"it is the journal of another lockfile, {echoed(name)}"
                fix = f"rename it to match {echoed(name)}, and run kfpipe there once"
                raise _refusal(file, head.number, 0, what, expected=f"that of {echoed(lockfile)}", fix=fix)
        case _:
            raise _refusal(file, head.number, 0, "this is not the first line of a journal")


def _transitions(one: _Line, file: str) -> Iterator[Transition]:
    if not isinstance(one.data, list):
        raise _refusal(file, one.number, 0, f"this is {described(one.data)}", expected="a list of transitions")
    for index, data in enumerate(one.data):
        if not fits_schema(Part.TRANSITION, data):
            fault = next(faults(Part.TRANSITION, data))
            place = index_of(one.text, (index, *fault.path))
            raise _refusal(file, one.number, place, fault.what, expected=fault.expected)
        try:
            yield Transition(take_id=data["take"], entry=entry_from_json(data["entry"]))
        except ValueError as error:
            what = f"one of its times is not a valid date: {error}"
            raise _refusal(file, one.number, index_of(one.text, (index,)), what) from error


def _refusal(
    file: str, number: int, index: int, what: str, *, expected: str | None = None, fix: str = _RESTORE
) -> Refused:
    column = 1 if index == 0 else _CHECKSUM_LENGTH + index + 1
    problem = Problem(file=file, position=Position(line=number, column=column), what=what, expected=expected, fix=fix)
    return Refused([problem])
