"""What a lockfile says that cannot be true, though its structure is right. Pure: no other file and no clip is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from kfpipe.errors import Problem, Severity
from kfpipe.files.jsontext import index_of
from kfpipe.files.scalars import decimal_text
from kfpipe.files.text import DataPath, position_of
from kfpipe.lock import text as locktext
from kfpipe.lock.states import Entry, Lock, is_damaged, result_of, task_of
from kfpipe.wording import echoed

_HAND: Final = "undo the manual change: `git log -p` shows when it was made"
_EACH: Final = "`kfpipe reconcile` with the manifest lists what the service has; keep both tasks' clips"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Oddity:
    key: str
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
    if locktext.is_earlier(content):
        what = "it is of an earlier version, which kfpipe reads, and replaces at the next run"
        fix = f"kfpipe lock migrate {file}"
        return (Problem(file=file, what=what, fix=fix, severity=Severity.WARNING),)
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
        position=position_of(text, index_of(text, ("requests", oddity.key, *oddity.path))),
        where=f"request {echoed(oddity.key)}",
        what=oddity.what,
        expected=oddity.expected,
        fix=oddity.fix,
    )


def _oddities(lock: Lock) -> Iterator[_Oddity]:
    for key in sorted(lock.requests):
        yield from _wrong_sums(key, lock.requests[key])
        yield from _contradictions(key, lock.requests[key])


def _wrong_sums(key: str, entry: Entry) -> Iterator[_Oddity]:
    """A cost that is not billed seconds times unit price, exactly."""
    result, price = result_of(entry), entry.asked.unit_price
    if result is None or result.cost is None or price is None:
        return
    cost = result.billed_seconds * price
    if cost != result.cost:
        yield _Oddity(
            key=key,
            path=("cost",),
            what=f"the cost {decimal_text(result.cost)} does not match its seconds and price",
            expected=f"{decimal_text(result.billed_seconds)} s x {decimal_text(price)} = {decimal_text(cost)}",
        )


def _contradictions(key: str, entry: Entry) -> Iterator[_Oddity]:
    """Two records of one request that cannot both be true: other tasks, or other clips of one task.

    A clip that was damaged, and the one that was fetched in its place, contradict each other in nothing.
    """
    own = task_of(entry)
    for index, rival in enumerate(entry.doubts.rivals):
        task, path = task_of(rival), ("contradicted_by", index)
        if task is None or own is None or is_damaged(rival):
            continue
        if task.task_id == own.task_id:
            yield _Oddity(key=key, path=path, what=f"there are two different clips of its task {own.task_id} on record")
        else:
            what = f"it has two tasks on record: {own.task_id} and {task.task_id}, which may both be billed"
            yield _Oddity(key=key, path=path, what=what, expected="one task for each request", fix=_EACH)
