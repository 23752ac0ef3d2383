"""Takes whose submission got no answer, and the tasks it may have become. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kfpipe.cli.options.decisions import Adopted, Decision, GiveUp
from kfpipe.cli.output import table
from kfpipe.cli.output.amounts import counted
from kfpipe.cli.output.table import Column, Table
from kfpipe.domain import Account
from kfpipe.files.scalars import decimal_text, time_text
from kfpipe.lock.states import Submitting, Unclear, state_name
from kfpipe.maintenance.reconcile import Candidate
from kfpipe.wording import echoed, visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A take whose submission got no answer, and the tasks it may have become, oldest first."""

    key: str
    take_id: str
    entry: Submitting | Unclear
    candidates: tuple[Candidate, ...]

    def without(self, task_ids: Collection[str]) -> Case:
        """The case once these tasks belong to other takes."""
        return replace(self, candidates=tuple(one for one in self.candidates if one.task.task_id not in task_ids))

    @property
    def vanished(self) -> tuple[str, ...]:
        """Tasks that are no longer candidates: they failed, were adopted by another take, or are no longer listed."""
        known = {candidate.task.task_id for candidate in self.candidates}
        return tuple(sorted(self.entry.doubts.candidates - known))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What the service knows that the record does not.

    `unrecorded` are tasks of the last 24 h that are on nobody's record, `taken_back` the requests that were put down
    and have a clip after all, `foreign` takes that another account was asked for. `is_asked`: the service was.
    """

    cases: tuple[Case, ...] = ()
    unrecorded: tuple[Candidate, ...] = ()
    taken_back: tuple[str, ...] = ()
    foreign: Mapping[str, Account | None] = field(default_factory=dict)
    is_asked: bool = True


def surveyed(found: Survey, names: Mapping[str, str], command: Callable[..., str]) -> list[str]:
    """The part of a survey that is about no open case; `names` are what people call the requests."""
    told = [f"{names[key]}: its task has a clip after all; the next run downloads it" for key in found.taken_back]
    told += [
        f"{take_id}: asked for with another account, {account.text}"
        for take_id, account in found.foreign.items()
        if account
    ]
    offered = {one.task.task_id for case in found.cases for one in case.candidates}
    others = [one for one in found.unrecorded if one.task.task_id not in offered]
    if others:
        told += [f"{counted(len(others), 'task')} of the last 24 hours on nobody's record here:"]
        told += [f"  {line}" for line in table.lines(_candidates(others))]
        told += [f"to give one to a take: {command('reconcile', '--adopt', 'TAKE=TASK_ID')}"]
    if not found.is_asked:
        told += ["the service was not asked for tasks on nobody's record: there is no API key"]
    return told


def lines(case: Case) -> list[str]:
    """The case as a person needs it to decide: what was asked for, and a numbered row for each candidate."""
    asked = case.entry.asked
    wanted = f"{asked.model}, {asked.parameters.resolution}, {asked.parameters.duration_s} s"
    told = [
        f"{case.take_id}: submitted at {asked.asked_at:%Y-%m-%d %H:%M:%S}Z, and the answer was lost",
        f"  request {case.key}",
        f"  {wanted}: {echoed(asked.prompt)}",
    ]
    if case.candidates:
        told += [f"  {line}" for line in table.lines(_candidates(case.candidates))]
        told += [f"  clip {number}: {url}" for number, url in _clips(case.candidates)]
    else:
        told.append("  the service lists no task of the last 24 hours that it may have become")
    told += [f"  no longer a candidate: task {task_id}" for task_id in case.vanished]
    return told


def _candidates(candidates: Sequence[Candidate]) -> Table:
    titles = ("", "task", "created", "status", "seconds", "resolution", "prompt")
    return Table(
        columns=tuple(Column(title=title, is_number=title == "seconds") for title in titles),
        rows=tuple(
            (
                str(number),
                candidate.task.task_id,
                f"{candidate.task.created_at:%Y-%m-%d %H:%M:%S}Z",
                candidate.report.status,
                decimal_text(candidate.report.billed_seconds) or "",
                candidate.report.resolution or "",
                visible(candidate.report.orig_prompt or ""),
            )
            for number, candidate in enumerate(candidates, 1)
        ),
    )


def _clips(candidates: Sequence[Candidate]) -> list[tuple[int, str]]:
    """Where each finished clip can be watched: often the only way to tell them apart."""
    numbered = enumerate(candidates, 1)
    return [(number, one.report.video_url) for number, one in numbered if one.report.video_url is not None]


def question(case: Case) -> str:
    """The question about the case."""
    numbers = {0: "", 1: "1, "}.get(len(case.candidates), f"1 to {len(case.candidates)}, ")
    return f"{case.take_id}: which task is it? [{numbers}l = give up as lost, Enter = decide later]"


def doubts(decided: Sequence[Decision]) -> list[str]:
    """Warnings about decisions that may be typos."""
    return [
        f"warning: {one.take_id}: task {one.task_id} was not among its candidates"
        for one in decided
        if isinstance(one, Adopted) and one.is_surprising
    ]


def settled(settlement: Decision) -> str:
    """What is on record now."""
    match settlement:
        case Adopted():
            return f"{settlement.take_id}: task {settlement.task_id} adopted; the next run follows it"
        case GiveUp():
            return f"{settlement.take_id}: given up; the next run renders it again, which may mean paying twice"


def remaining(left: Sequence[str], command: Callable[..., str]) -> list[str]:
    """What is left to settle, and how; `command` spells a command out for this manifest."""
    if not left:
        return ["nothing left to settle"]
    first = left[0]
    return [
        f"{counted(len(left), 'take')} to settle: {', '.join(left)}",
        f"to name a task: {command('reconcile', '--adopt', f'{first}=TASK_ID')}",
        f"to give it up, at the risk of paying twice: {command('reconcile', '--lost', first)}",
    ]


# ---- JSON --------------------------------------------------------------------------------------------------------


def as_json(found: Survey, decided: Sequence[Decision], left: Sequence[str]) -> dict[str, Any]:
    """What `reconcile --json` prints: what was found, or what was decided; and what is left to settle."""
    return {
        "takes": [_case_json(case) for case in found.cases],
        "unrecorded": [_candidate_json(candidate) for candidate in found.unrecorded],
        "taken_back": list(found.taken_back),
        "settled": [_settlement_json(one) for one in decided],
        "unsettled": list(left),
    }


def _case_json(case: Case) -> dict[str, Any]:
    asked = case.entry.asked
    return {
        "request": case.key,
        "take": case.take_id,
        "state": state_name(case.entry),
        "asked_at": time_text(asked.asked_at),
        "model": asked.model,
        "resolution": asked.parameters.resolution,
        "seconds": asked.parameters.duration_s,
        "prompt": asked.prompt,
        "candidates": [_candidate_json(candidate) for candidate in case.candidates],
        "no_longer_candidates": list(case.vanished),
    }


def _candidate_json(candidate: Candidate) -> dict[str, Any]:
    task, report = candidate.task, candidate.report
    return {
        "task_id": task.task_id,
        "created_at": time_text(task.created_at),
        "status": report.status,
        "prompt": report.orig_prompt,
        "billed_seconds": decimal_text(report.billed_seconds),
        "resolution": report.resolution,
        "video_url": report.video_url,
    }


def _settlement_json(one: Decision) -> dict[str, Any]:
    """Without a task, the take was given up."""
    return {"take": one.take_id, "task_id": one.task_id if isinstance(one, Adopted) else None}
