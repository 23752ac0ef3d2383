"""`--adopt` and `--lost`: what a person decided about takes whose submission got no answer. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from kfpipe.errors import Problem, Refused
from kfpipe.lock.states import Lock, Submitting, Unclear, state_name
from kfpipe.maintenance.reconcile import unsettled
from kfpipe.names import in_one_form
from kfpipe.provider.wire import is_task_id
from kfpipe.wording import did_you_mean, echoed, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The take's submission became this task. `is_surprising`: it is not among the candidates that kfpipe had found.

    `key` is that of the request; None where a task is adopted for a take of which no request is open.
    """

    key: str | None
    take_id: str
    task_id: str
    is_surprising: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The take's request is given up as lost."""

    key: str
    take_id: str


Decision = Adopted | GiveUp


def parsed(
    adopt: Sequence[str],
    lost: Sequence[str],
    lock: Lock,
    names: Mapping[str, str],
    *,
    owned: Collection[str],
    complete: Collection[str] = (),
) -> list[Decision]:
    """The values of `--adopt` and `--lost`. Raises Refused with all that is wrong; then none of them may be applied.

    They name a take, or one request by its key, as they must where several of a take's are open. `names` are what
    people call the requests in `lock`. `owned` are the tasks that already belong to a request: a clip cannot belong to
    two. `complete` are takes of the manifest, for which any other task can be adopted.
    """
    open_takes = {name: (key, entry) for key, entry in unsettled(lock).items() for name in (names[key], key)}
    pairs, lost = [_pair(text) for text in adopt], [in_one_form(name) for name in lost]
    known = {*open_takes, *complete}
    problems = [_no_pair(text) for text, pair in zip(adopt, pairs, strict=True) if pair is None]
    named = [pair for pair in pairs if pair is not None]
    problems += [_not_open("--adopt", take_id, lock, names) for take_id, _ in named if take_id not in known]
    problems += [_not_open("--lost", take_id, lock, names) for take_id in lost if take_id not in open_takes]
    problems += [
        _several(option, take_id, keys)
        for option, take_ids in (("--adopt", [take_id for take_id, _ in named]), ("--lost", lost))
        for take_id in take_ids
        if len(keys := [key for key in unsettled(lock) if names[key] == take_id]) > 1
    ]
    problems += [_owned(take_id, task_id) for take_id, task_id in named if task_id in owned]
    problems += [_twice("take", name) for name in _repeated([*(take_id for take_id, _ in named), *lost])]
    problems += [_twice("task", name) for name in _repeated([task_id for _, task_id in named])]
    if problems:
        raise Refused(problems)
    adopted = [
        _adopted(take_id, task_id, open_takes[take_id])
        if take_id in open_takes
        else Adopted(key=None, take_id=take_id, task_id=task_id)
        for take_id, task_id in named
    ]
    return [*adopted, *(GiveUp(key=open_takes[take_id][0], take_id=take_id) for take_id in lost)]


def _adopted(take_id: str, task_id: str, request: tuple[str, Submitting | Unclear]) -> Adopted:
    key, entry = request
    return Adopted(key=key, take_id=take_id, task_id=task_id, is_surprising=_is_surprising(task_id, entry))


def _pair(text: str) -> tuple[str, str] | None:
    """Take and task; a take's id may hold `=` itself."""
    take_id, equals, task_id = text.rpartition("=")
    return (in_one_form(take_id), task_id) if equals and take_id and is_task_id(task_id) else None


def _is_surprising(task_id: str, entry: Submitting | Unclear) -> bool:
    return isinstance(entry, Unclear) and task_id not in entry.doubts.candidates


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _no_pair(text: str) -> Problem:
    return Problem(file="--adopt", what=f"{echoed(text)} is not a take and its task", expected="TAKE=TASK_ID")


def _not_open(option: str, take_id: str, lock: Lock, names: Mapping[str, str]) -> Problem:
    states = {name: state_name(lock.requests[key]) for key, name in names.items()}
    if take_id in states:
        return Problem(file=option, what=f"{take_id}: there is nothing to settle, it is {states[take_id]}")
    fix = did_you_mean(take_id, states, "run `kfpipe status` to list the takes on record")
    return Problem(file=option, what=f"no take {echoed(take_id)} is on record", fix=fix)


def _several(option: str, take_id: str, keys: Sequence[str]) -> Problem:
    what = f"{take_id}: the answers to {len(keys):,} of its requests were lost"
    return Problem(file=option, what=what, expected=f"one of {listed(sorted(keys))}")


def _owned(take_id: str, task_id: str) -> Problem:
    return Problem(file="--adopt", what=f"{take_id}: task {task_id} already belongs to another take on record")


def _twice(kind: str, name: str) -> Problem:
    return Problem(file="kfpipe reconcile", what=f"{kind} {name} is given twice", expected="one decision for each")
