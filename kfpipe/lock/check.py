"""What a lockfile says that cannot be true, though its structure is right. Pure: no other file and no clip is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from kfpipe.domain import shot_of
from kfpipe.errors import Problem, Severity
from kfpipe.files.jsontext import index_of
from kfpipe.files.scalars import decimal_text
from kfpipe.files.text import DataPath, position_of
from kfpipe.lock import text as locktext
from kfpipe.lock.states import Entry, Lock, Record, Rendered, result_of, task_of
from kfpipe.wording import echoed

_HAND: Final = "undo the manual change: `git log -p` shows when it was made"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Oddity:
    take_id: str
    path: DataPath
    what: str
    expected: str | None = None
    fix: str = _HAND


def problems(content: bytes, file: str) -> tuple[Problem, ...]:
    """What does not add up in a lockfile, up to `MOST_EXPLAINED` places, in file order; `file` is its path as given.

    Raises Refused when it cannot be read.
    """
    lock = locktext.parsed(content, file)
    text = content.decode("utf-8-sig")
    found = [_problem(oddity, text, file) for oddity in islice(_oddities(lock), locktext.MOST_EXPLAINED)]
    if not is_canonical(content, lock):
        found.append(
            Problem(
                file=file,
                what="the records are sound, but not formatted as kfpipe formats them",
                fix=f"kfpipe lock fmt {file}",
                severity=Severity.WARNING,
            )
        )
    return tuple(sorted(found, key=lambda problem: (problem.position is None, problem.position)))


def is_canonical(content: bytes, lock: Lock) -> bool:
    """Whether these are the very bytes that kfpipe writes for `lock`."""
    return content == b"".join(locktext.pieces(lock))


def _problem(oddity: _Oddity, text: str, file: str) -> Problem:
    return Problem(
        file=file,
        position=position_of(text, index_of(text, ("takes", oddity.take_id, *oddity.path))),
        where=f"take {echoed(oddity.take_id)}",
        what=oddity.what,
        expected=oddity.expected,
        fix=oddity.fix,
    )


def _oddities(lock: Lock) -> Iterator[_Oddity]:
    for take_id in sorted(lock):
        for path, entry in _places(lock[take_id]):
            yield from _wrong_sums(take_id, path, entry)
    yield from _tasks_of_two(lock)
    yield from _files_of_two(lock)
    yield from _second_choices(lock)


def _places(record: Record) -> Iterator[tuple[DataPath, Entry]]:
    """Every request of a take, and where it is below the take."""
    yield (), record.entry
    yield from ((("previous", index), entry) for index, entry in enumerate(record.previous))


def _wrong_sums(take_id: str, path: DataPath, entry: Entry) -> Iterator[_Oddity]:
    """A cost that is not billed seconds times unit price, exactly."""
    result, price = result_of(entry), entry.asked.unit_price
    if result is None or result.cost is None or price is None:
        return
    cost = result.billed_seconds * price
    if cost != result.cost:
        yield _Oddity(
            take_id=take_id,
            path=(*path, "cost"),
            what=f"the cost {decimal_text(result.cost)} does not match its seconds and price",
            expected=f"{decimal_text(result.billed_seconds)} s x {decimal_text(price)} = {decimal_text(cost)}",
        )


def _tasks_of_two(lock: Lock) -> Iterator[_Oddity]:
    """Each task is one take's own: its bill would count twice, and one clip would be missing."""
    owners: dict[str, str] = {}
    for take_id in sorted(lock):
        for path, entry in _places(lock[take_id]):
            task = task_of(entry)
            if task is None:
                continue
            if task.task_id in owners:
                what = f"its task {task.task_id} is already on record for {echoed(owners[task.task_id])}"
                yield _Oddity(take_id=take_id, path=(*path, "task_id"), what=what, expected="one owner for each task")
            owners.setdefault(task.task_id, take_id)


def _files_of_two(lock: Lock) -> Iterator[_Oddity]:
    """A place that two takes have their clips at; the take that comes first by its id is taken for the owner."""
    owners: dict[str, str] = {}
    for take_id in sorted(lock):
        entry = lock[take_id].entry
        if isinstance(entry, Rendered):
            owner = owners.setdefault(entry.render.path, take_id)
            if owner != take_id:
                what = f"its clip has the same path as that of {echoed(owner)}"
                yield _Oddity(take_id=take_id, path=("render", "path"), what=what, expected="one file for each take")


def _second_choices(lock: Lock) -> Iterator[_Oddity]:
    """A shot with more than one picked take."""
    picked: defaultdict[str, list[str]] = defaultdict(list)
    for take_id in sorted(lock):
        if lock[take_id].picked:
            picked[shot_of(take_id)].append(take_id)
    for shot_id, (first, *others) in picked.items():
        for take_id in others:
            what = f"another take of the shot, {echoed(first)}, is picked as well"
            fix = f"`kfpipe pick MANIFEST {shot_id} TAKE` chooses one"
            yield _Oddity(
                take_id=take_id, path=("picked",), what=what, expected="one picked take for each shot", fix=fix
            )
