"""The journal's bytes <-> what it notes. No files.

A line is what one fsync made durable: a checksum, then JSON. The first says whose journal it is; each further one holds
requests to be joined with the lockfile's, or the tasks of others that were seen in the account's list at a time:

    5bd39c80 {"kfpipe_journal": 2, "lockfile": "shots.lock.json", "host": "desk", "pid": 4711, "started_at": "..."}
    0b7e3f22 {"requests": {"kitten/7f3a91c04b": {...}}}
    91e0c4d7 {"seen": {"at": "...", "tasks": ["..."]}}

A last line that is cut off or does not match its checksum was never acknowledged, and is dropped. Damage
anywhere else is refused: a guess about what was paid for is worse than a stop.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Final

from kfpipe.errors import Position, Problem, Refused
from kfpipe.files.jsontext import BROKEN_CHARACTERS, NotJson, index_of, parse_json
from kfpipe.files.scalars import parse_time, time_text
from kfpipe.files.text import DataPath
from kfpipe.lock import version1
from kfpipe.lock.codec import entry_from_json, entry_to_json
from kfpipe.lock.join import Requests
from kfpipe.lock.schema import Part, faults, fits_schema
from kfpipe.lock.states import Entry
from kfpipe.values import dataclass
from kfpipe.wording import described, echoed

FORMAT: Final = 2

_CHECKSUM_LENGTH: Final = len("00000000 ")
_LINE = re.compile(rb"([0-9a-f]{8}) (.*)", re.DOTALL)
_RESTORE: Final = "move the journal away; `kfpipe reconcile` then asks the service what was paid for"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What a journal holds: requests by key, and when each task of others was first seen."""

    requests: Mapping[str, Entry] = field(default_factory=dict)
    seen: Mapping[str, datetime] = field(default_factory=dict)


NOTHING: Final = Notes()


def header(*, lockfile: str, host: str, pid: int, started_at: datetime) -> bytes:
    """The journal's first line; `lockfile` is the name of the file that it belongs to."""
    started = time_text(started_at)
    return _line({"kfpipe_journal": FORMAT, "lockfile": lockfile, "host": host, "pid": pid, "started_at": started})


def line(requests: Mapping[str, Entry]) -> bytes:
    """A line of requests."""
    return _line({"requests": {key: entry_to_json(entry) for key, entry in requests.items()}})


def seen_line(task_ids: list[str], at: datetime) -> bytes:
    """A line of tasks that others have made, which the account's list showed at this time."""
    return _line({"seen": {"at": time_text(at), "tasks": task_ids}})


def parsed(content: bytes, file: str, *, lockfile: str) -> Notes:
    """All that the journal notes. `file` is its path in the user's words. Raises Refused."""
    lines = _sound_lines(content, file)
    head = next(lines, None)
    if head is None:
        return NOTHING
    version = _version(head, file, lockfile)
    requests, seen = Requests(), dict[str, datetime]()
    for one in lines:
        reader = _Reader(one, file)
        if version == version1.FORMAT:
            requests.take_in(reader.earlier())
        elif isinstance(one.data, dict) and one.data.keys() == {"seen"}:
            seen = {**reader.seen(), **seen}
        else:
            requests.take_in(reader.requests())
    return Notes(requests=requests.view, seen=seen)


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


def _version(head: _Line, file: str, lockfile: str) -> int:
    """The journal's format. Raises Refused unless this is the first line of one for `lockfile`, in a known format."""
    match head.data:
        case {"kfpipe_journal": int(version)} if version > FORMAT:
            what = f"it was written by a newer kfpipe (journal format {version})"
            raise _refusal(file, head.number, 0, what, fix="upgrade kfpipe")
        case {"kfpipe_journal": int(version), "lockfile": str(name)} if version in (version1.FORMAT, FORMAT):
            if name != lockfile:
                what = f"it is the journal of another lockfile, {echoed(name)}"
                fix = f"rename it to match {echoed(name)}, and run kfpipe there once"
                raise _refusal(file, head.number, 0, what, expected=f"that of {echoed(lockfile)}", fix=fix)
            return version
        case _:
            raise _refusal(file, head.number, 0, "this is not the first line of a journal")


class _Reader:
    """What one line holds. Raises Refused for what no run has written."""

    def __init__(self, one: _Line, file: str) -> None:
        self._one = one
        self._file = file

    def requests(self) -> Iterator[tuple[str, Entry]]:
        match self._one.data:
            case {"requests": dict(requests), **others} if not others:
                for key, fields in requests.items():
                    if not fits_schema(Part.KEY, key):
                        raise self._refused(("requests", key), "this is not a request's key")
                    yield key, self._entry(fields, ("requests", key))
            case other:
                raise self._refused((), f"this is {described(other)}", "requests, or tasks that were seen")

    def seen(self) -> dict[str, datetime]:
        match self._one.data["seen"]:
            case {"at": str(at), "tasks": list(tasks), **others} if not others and all(map(_is_text, tasks)):
                try:
                    return dict.fromkeys(tasks, parse_time(at))
                except ValueError as error:
                    raise self._refused(("seen", "at"), f"this is not a valid date: {error}") from error
        raise self._refused(("seen",), "this does not say which tasks were seen, and when")

    def earlier(self) -> Iterator[tuple[str, Entry]]:
        """The requests of a line of version 1."""
        for index, transition in enumerate(self._one.data if isinstance(self._one.data, list) else [None]):
            try:
                key, fields = version1.request(transition["take"], transition["entry"])
            except (KeyError, TypeError, AttributeError):
                raise self._refused((index,), f"this is {described(transition)}", "a transition") from None
            if not fits_schema(Part.KEY, key):
                raise self._refused((index, "take"), "this is not a take id")
            yield key, self._entry(fields, (index,), is_migrated=True)

    def _entry(self, fields: Any, path: DataPath, *, is_migrated: bool = False) -> Entry:
        if not fits_schema(Part.ENTRY, fields):
            fault = next(faults(Part.ENTRY, fields))
            raise self._refused(path if is_migrated else (*path, *fault.path), fault.what, fault.expected)
        try:
            return entry_from_json(fields)
        except ValueError as error:
            raise self._refused(path, f"one of its times is not a valid date: {error}") from error

    def _refused(self, path: DataPath, what: str, expected: str | None = None) -> Refused:
        return _refusal(self._file, self._one.number, index_of(self._one.text, path), what, expected=expected)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _refusal(
    file: str, number: int, index: int, what: str, *, expected: str | None = None, fix: str = _RESTORE
) -> Refused:
    column = 1 if index == 0 else _CHECKSUM_LENGTH + index + 1
    problem = Problem(file=file, position=Position(line=number, column=column), what=what, expected=expected, fix=fix)
    return Refused([problem])
