"""The lockfile's bytes <-> the lock. No files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from kfpipe.errors import Problem, Refused
from kfpipe.files.jsontext import BROKEN_CHARACTERS, NotJson, from_utf8, index_of, parse_json, refusal
from kfpipe.files.text import DataPath, position_of
from kfpipe.lock import usual, version1
from kfpipe.lock.codec import FORMAT, entry_from_json, entry_to_json
from kfpipe.lock.join import Requests
from kfpipe.lock.schema import Part, faults, fits_schema
from kfpipe.lock.states import Entry, Lock, tasks_of
from kfpipe.wording import described, echoed

MOST_EXPLAINED: Final = 50
"""Problems that one refusal holds; a file with more is not the lockfile that kfpipe wrote."""

RESTORE: Final = "restore the file from git; `kfpipe reconcile` then finds what was paid for since"
JOIN: Final = "`kfpipe lock fmt` with this file joins both sides"
CHOOSE: Final = "`kfpipe pick MANIFEST SHOT TAKE` for each shot between the markers chooses one"

BLOCK_BYTES: Final = 1 << 20
"""How much of a lockfile is read at a time: some hundred requests."""

PICKS: Final = b'},\n  "picked": {'
"""What is between the requests and the picks."""

PICKED_FROM: Final = b'},\n  "picked_from": {'
"""What is between the picks and the clips that they were made on."""

_HEAD: Final = f'{{\n  "kfpipe_lock": {FORMAT},\n  "requests": {{'.encode()
_BETWEEN_REQUESTS: Final = b"\n    },\n"
_MEMBER: Final = '    "'
_END_OF_MEMBER: Final = "\n    }"
_FOOT: Final = b'\n    }\n  },\n  "picked": {}\n}\n'

_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( .*)?$", re.MULTILINE)


def parsed(content: bytes, file: str) -> Lock:
    """What a lockfile of any known version holds. `file` is its path in the user's words. Raises Refused."""
    lock = in_layout(content[start : start + BLOCK_BYTES] for start in range(0, len(content), BLOCK_BYTES))
    return in_any_layout(content, file) if lock is None else lock


def in_layout(blocks: Iterable[bytes]) -> Lock | None:
    """What a sound lockfile in kfpipe's own layout holds; None for any other. No more is held than a block of it."""
    requests: dict[str, Entry] = {}
    picks: dict[str, Mapping[str, str]] = {}
    owned: set[str] = set()
    with suppress(ValueError):
        for piece in _in_parts(blocks):
            text, at = piece.decode("utf-8"), len(_HEAD)
            while (found := _next_request(text, at, is_first=at == len(_HEAD))) is not None:
                key, entry, at = found
                tasks = tasks_of(entry)
                if key in requests or not owned.isdisjoint(tasks):
                    return None
                requests[key] = entry
                owned |= tasks
            picks = parse_json(_HEAD.decode() + text[at:])
            if picks["requests"] or not fits_schema(Part.LOCKFILE, picks):
                return None
        return Lock(requests=requests, picked=picks["picked"], picked_from=picks.get("picked_from", {}))
    return None


def _next_request(text: str, at: int, *, is_first: bool) -> tuple[str, Entry, int] | None:
    """The request that begins `at` this place, its key, and the place behind it; None after the last one.

    Raises ValueError where it is unsound, or its end is elsewhere than in kfpipe's layout.
    """
    separator = "\n" if is_first else ",\n"
    start = at + len(separator)
    if not text.startswith(separator, at):
        return None
    found = usual.MEMBER.match(text, start)
    if found is not None:
        key, *values = found.groups()
        entry = usual.rendered(values)
        if entry is not None:
            return key, entry, found.end()
    if not text.startswith(_MEMBER, start):
        return None
    end = text.index(_END_OF_MEMBER, start) + len(_END_OF_MEMBER)
    data = parse_json(f"{{{text[start:end]}}}")
    if not fits_schema(Part.LOCKFILE, {"kfpipe_lock": FORMAT, "requests": data, "picked": {}}):
        raise ValueError("this is not sound")
    ((key, fields),) = data.items()
    return key, entry_from_json(fields), end


def _in_parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """A lockfile in kfpipe's layout as several of a few requests each; the last one has the picks.

    Within JSON a line ends between two values alone. Whatever else is cut here gives a part that cannot be read.
    """
    part, seen = bytearray(), 0
    for block in blocks:
        part += block
        if not (part.startswith(_HEAD) or _HEAD.startswith(part)):
            raise ValueError("this is in another layout")
        end = part.rfind(_BETWEEN_REQUESTS, max(seen, len(_HEAD)))
        if end > 0:
            yield bytes(part[:end] + _FOOT)
            del part[len(_HEAD) : end + len(_BETWEEN_REQUESTS) - 1]
        seen = len(part) - len(_BETWEEN_REQUESTS)
    yield bytes(part)


def in_any_layout(content: bytes, file: str) -> Lock:
    """The same as `parsed`, and told what is wrong."""
    text = from_utf8(content, file, fix=RESTORE)
    data, reader = _data(text, file), _Reader(text, file)
    lock = reader.earlier(data["takes"]) if "takes" in data else reader.lock(data)
    if reader.problems:
        raise Refused(reader.problems)
    return lock


def is_earlier(content: bytes) -> bool:
    """Whether a lockfile that can be read is of an earlier version."""
    return "takes" in parse_json(content.decode("utf-8-sig"))


def pieces(lock: Lock) -> Iterator[bytes]:
    """The lockfile piece by piece: requests and picks sorted by key, one fact a line."""
    yield _HEAD
    yield from _members(request_member(key, lock.requests[key]) for key in sorted(lock.requests))
    yield PICKS
    yield from _members(pick_member(shot_id, lock.picked[shot_id]) for shot_id in sorted(lock.picked))
    if lock.picked_from:
        yield PICKED_FROM
        yield from _members(pick_member(take_id, lock.picked_from[take_id]) for take_id in sorted(lock.picked_from))
    yield b"}\n}\n"


def _members(members: Iterator[bytes]) -> Iterator[bytes]:
    separator = b"\n"
    for one in members:
        yield separator + one
        separator = b",\n"
    if separator != b"\n":
        yield b"\n  "


def request_member(key: str, entry: Entry) -> bytes:
    """One request of the lockfile, without what separates it from the next."""
    text = json.dumps(entry_to_json(entry), ensure_ascii=False, indent=2).replace("\n", "\n    ")
    return f"    {json.dumps(key, ensure_ascii=False)}: {text}".encode("utf-8", BROKEN_CHARACTERS)


def pick_member(name: str, choice: str) -> bytes:
    """One pick of the lockfile, or the request it was made on, without what separates it from the next."""
    words = (json.dumps(word, ensure_ascii=False) for word in (name, choice))
    return f"    {': '.join(words)}".encode("utf-8", BROKEN_CHARACTERS)


class _Reader:
    """Requests out of plain data; what does not fit is noted in `problems`, so that all of it is reported at once."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._owners: dict[str, str] = {}
        self.problems: list[Problem] = []

    def lock(self, data: Mapping[str, Any]) -> Lock:
        read = {key: self._entry(key, fields) for key, fields in data["requests"].items()}
        found = {key: entry for key, entry in read.items() if entry is not None}
        for key in found:
            self._refuse_second_owner(key, found[key])
        for shot_id, take_id in data["picked"].items():
            if not (fits_schema(Part.TAKE_ID, shot_id) and fits_schema(Part.TAKE_ID, take_id)):
                self._note(("picked", shot_id), f"pick of {echoed(shot_id)}", "this is not a take id")
        picked_from = data.get("picked_from", {})
        for take_id, key in picked_from.items():
            if not (fits_schema(Part.TAKE_ID, take_id) and fits_schema(Part.KEY, key)):
                what, expected = "this is not the key of a request", "a take id, and the key of one of its requests"
                self._note(("picked_from", take_id), f"clip that {echoed(take_id)} was picked on", what, expected)
        return Lock(requests=found, picked=data["picked"], picked_from=picked_from)

    def earlier(self, takes: Mapping[str, Any]) -> Lock:
        requests = Requests()
        for take_id, record in takes.items():
            try:
                made = [(key, self._made(take_id, fields)) for key, fields in version1.requests(take_id, record)]
            except (KeyError, TypeError, AttributeError, ValueError):
                self._note(("takes", take_id), f"take {echoed(take_id)}", "this is not a record of version 1")
                continue
            requests.take_in((key, entry) for key, entry in made if entry is not None)
        return Lock(requests=requests.view, picked={} if self.problems else version1.picks(takes))

    def _made(self, take_id: str, fields: Mapping[str, Any]) -> Entry | None:
        if not fits_schema(Part.TAKE_ID, take_id):
            self._note(("takes", take_id), f"take {echoed(take_id)}", "this is not a take id")
            return None
        if fits_schema(Part.ENTRY, fields):
            return entry_from_json(fields)
        for fault in islice(faults(Part.ENTRY, fields), 1):
            self._note(("takes", take_id), f"take {echoed(take_id)}", fault.what, fault.expected)
        return None

    def _entry(self, key: str, data: Any) -> Entry | None:
        if not fits_schema(Part.KEY, key):
            self._note(
                ("requests", key), _named(key), "this is not a request's key", "a take id, a slash, ten hex digits"
            )
            return None
        if not fits_schema(Part.ENTRY, data):
            for fault in islice(faults(Part.ENTRY, data), MOST_EXPLAINED):
                self._note(("requests", key, *fault.path), _named(key), fault.what, fault.expected)
            return None
        try:
            return entry_from_json(data)
        except ValueError as error:
            self._note(("requests", key), _named(key), f"one of its times is not a valid date: {error}")
            return None

    def _refuse_second_owner(self, key: str, entry: Entry) -> None:
        """Each task is one request's own: its bill would count twice, and one clip would be missing."""
        for task_id in tasks_of(entry):
            owner = self._owners.setdefault(task_id, key)
            if owner != key:
                what = f"its task {task_id} is already on record for {echoed(owner)}"
                self._note(("requests", key, "task_id"), _named(key), what, "one request for each task")

    def _note(self, path: DataPath, where: str, what: str, expected: str | None = None) -> None:
        if len(self.problems) < MOST_EXPLAINED:
            place = position_of(self._text, index_of(self._text, path))
            self.problems.append(
                Problem(file=self._file, position=place, where=where, what=what, expected=expected, fix=RESTORE)
            )


def _named(key: str) -> str:
    return f"request {echoed(key)}"


def _data(text: str, file: str) -> dict[str, Any]:
    """The plain data of a file whose outer structure is sound. Raises Refused."""
    try:
        data: dict[str, Any] = parse_json(text)
    except NotJson as error:
        raise _unreadable(text, file, error) from error
    match data:
        case {"kfpipe_lock": int(version)} if version > FORMAT:
            raise Refused.because(
                file, f"it was written by a newer kfpipe (lock format {version})", fix="upgrade kfpipe"
            )
        case {"kfpipe_lock": version1.FORMAT, "takes": dict(), **others} if not others:
            return data
        case {"kfpipe_lock": int(version), "requests": dict(), "picked": dict(), **others} if version == FORMAT:
            if isinstance(others.pop("picked_from", {}), dict) and not others:
                return data
    expected = f'an object with "kfpipe_lock": {FORMAT}, "requests" and "picked"'
    raise refusal(file, text, 0, f"this is not a lockfile but {described(data)}", expected=expected, fix=RESTORE)


def _unreadable(text: str, file: str, error: NotJson) -> Refused:
    """Why a lockfile is no JSON: empty, with git's conflict marks in it, or damaged at a place."""
    if not text.strip():
        return refusal(file, text, 0, "the lockfile is empty, as if nothing had ever been paid for", fix=RESTORE)
    conflict = _CONFLICT.search(text)
    if conflict is None:
        return refusal(file, text, error.index, error.what, fix=RESTORE)
    position = position_of(text, conflict.start())
    before = text[: conflict.start()].replace("\r\n", "\n")
    if PICKS.decode() in before and PICKED_FROM.decode() not in before:
        what, expected, fix = "each side of a merge has picked another take here", "one take for each shot", CHOOSE
    else:
        what, expected, fix = "git left a merge conflict here", "the records of both sides", JOIN
    return Refused([Problem(file=file, position=position, what=what, expected=expected, fix=fix)])
