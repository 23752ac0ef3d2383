"""The lockfile's bytes <-> the lock. No files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from kfpipe.errors import Problem, Refused
from kfpipe.files.jsontext import BROKEN_CHARACTERS, NotJson, from_utf8, index_of, parse_json, refusal
from kfpipe.files.text import DataPath, position_of
from kfpipe.lock.codec import FORMAT, record_from_json, record_to_json
from kfpipe.lock.schema import Part, faults, fits_schema
from kfpipe.lock.states import Lock, Record
from kfpipe.wording import described, echoed

MOST_EXPLAINED: Final = 50
"""Problems that one refusal holds; a file with more is not the lockfile that kfpipe wrote."""

RESTORE: Final = "restore the file from git; `kfpipe reconcile` then finds what was paid for since"

HEAD: Final = f'{{\n  "kfpipe_lock": {FORMAT},\n  "takes": {{'.encode()
FOOT: Final = b"  }\n}\n"

_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( .*)?$", re.MULTILINE)


def parsed(content: bytes, file: str) -> dict[str, Record]:
    """The records of a lockfile. `file` is its path in the user's words. Raises Refused."""
    text = from_utf8(content, file, fix=RESTORE)
    takes = _takes(text, file)
    reader = _Reader(text, file)
    lock = {take_id: record for take_id, data in takes.items() if (record := reader.record(take_id, data)) is not None}
    if reader.problems:
        raise Refused(reader.problems)
    return lock


def pieces(lock: Lock) -> Iterator[bytes]:
    """The lockfile piece by piece: takes sorted by id, one fact a line."""
    yield HEAD
    separator = b"\n"
    for take_id in sorted(lock):
        yield separator + member(take_id, lock[take_id])
        separator = b",\n"
    yield b"\n" + FOOT if lock else FOOT.lstrip()


def member(take_id: str, record: Record) -> bytes:
    """One take of the lockfile, without what separates it from the next."""
    text = json.dumps(record_to_json(record), ensure_ascii=False, indent=2).replace("\n", "\n    ")
    return f"    {json.dumps(take_id, ensure_ascii=False)}: {text}".encode("utf-8", BROKEN_CHARACTERS)


class _Reader:
    """Records out of plain data; what does not fit is noted in `problems`, so that all of it is reported at once."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self.problems: list[Problem] = []

    def record(self, take_id: str, data: Any) -> Record | None:
        if not fits_schema(Part.TAKE_ID, take_id):
            self._note(take_id, (), "this is not a take id", None)
            return None
        if not fits_schema(Part.RECORD, data):
            for fault in islice(faults(Part.RECORD, data), MOST_EXPLAINED):
                self._note(take_id, fault.path, fault.what, fault.expected)
            return None
        try:
            record = record_from_json(data)
        except ValueError as error:
            self._note(take_id, (), f"one of its times is not a valid date: {error}", None)
            return None
        serials = [entry.asked.serial for entry in (*record.previous, record.entry)]
        if serials != sorted(set(serials)):
            self._note(take_id, ("previous",), "its requests are out of order", "increasing serials, oldest first")
        return record

    def _note(self, take_id: str, path: DataPath, what: str, expected: str | None) -> None:
        if len(self.problems) < MOST_EXPLAINED:
            place = position_of(self._text, index_of(self._text, ("takes", take_id, *path)))
            where = f"take {echoed(take_id)}"
            problem = Problem(file=self._file, position=place, where=where, what=what, expected=expected, fix=RESTORE)
            self.problems.append(problem)


def _takes(text: str, file: str) -> dict[str, Any]:
    """The raw records, from a file whose outer structure is sound."""
    try:
        data = parse_json(text)
    except NotJson as error:
        raise _unreadable(text, file, error) from error
    match data:
        case {"kfpipe_lock": int(version)} if version > FORMAT:
            raise Refused.because(
                file, f"it was written by a newer kfpipe (lock format {version})", fix="upgrade kfpipe"
            )
        case {"kfpipe_lock": int(version), "takes": dict(takes), **others} if version == FORMAT and not others:
            return takes
    expected = f'an object with "kfpipe_lock": {FORMAT} and "takes"'
    what = f"this is not a lockfile but {described(data)}"
    raise refusal(file, text, 0, what, expected=expected, fix=RESTORE)


def _unreadable(text: str, file: str, error: NotJson) -> Refused:
    """Why a lockfile is no JSON: empty, with git's conflict marks in it, or damaged at a place."""
    if not text.strip():
        return refusal(file, text, 0, "the lockfile is empty, as if nothing had ever been paid for", fix=RESTORE)
    conflict = _CONFLICT.search(text)
    if conflict is None:
        return refusal(file, text, error.index, error.what, fix=RESTORE)
    problem = Problem(
        file=file,
        position=position_of(text, conflict.start()),
        what="git left a merge conflict here",
        expected="the records of both sides",
        fix="keep both by hand; with `kfpipe lock merge` as its merge driver, git does so itself",
    )
    return Refused([problem])
