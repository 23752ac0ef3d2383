"""What a run will do, why, and what it will cost. Pure: the same takes, lock and facts give the same plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import assert_never

from kfpipe.domain import ABANDONED, Take, in_order, shot_of
from kfpipe.files.scalars import time_text
from kfpipe.lock.states import (
    Asked,
    Entry,
    Failed,
    Record,
    Rendered,
    Submitted,
    Submitting,
    Succeeded,
    Unclear,
    is_rehearsal,
)
from kfpipe.lock.transitions import failures, has_dead_link
from kfpipe.media.facts import FileState
from kfpipe.plan.diff import MediumRef, RequestShape, between, shape_of
from kfpipe.plan.model import Action, Chosen, Plan, PlanFacts, Step
from kfpipe.provider.codes import verdict


def make(
    takes: Sequence[Take],
    facts: PlanFacts,
    *,
    currency: str,
    output_dir: str,
    retry: Chosen = lambda _: False,
    rerender: Chosen = lambda _: False,
) -> Plan:
    """The plan for these takes: those of the manifest in its order, then those that left it."""
    planned: dict[str, Step] = {}
    for take in in_order(takes):
        step = partial(_continuing, planned=planned) if take.cuts else step_of
        planned[take.id] = step(take, facts, retry=retry(take.id), rerender=rerender(take.id))
    departed = sorted(facts.lock.keys() - planned.keys())
    steps = (
        *(planned[take.id] for take in takes),
        *(_departed(take_id, facts.lock[take_id], facts, output_dir) for take_id in departed),
    )
    return Plan(steps=steps, currency=currency)


def _continuing(take: Take, facts: PlanFacts, planned: Mapping[str, Step], *, retry: bool, rerender: bool) -> Step:
    """The step of a take whose pictures are still to be cut from the clips of others.

    The clip of its own earlier task is downloaded before anything else: the others may take any length of time, and
    its link does not wait.
    """
    record = facts.lock.get(take.id)
    action, reasons = _coming(take, facts, planned)
    if record is not None:
        duty, why = _last_duty(record, facts)
        if duty is Action.DECIDE:
            action, reasons = duty, why
        elif duty.is_work:
            action, reasons = duty, (*reasons, *why, "that is downloaded first")
        elif action is Action.WAIT and isinstance(record.entry, Rendered):
            reasons = (*reasons, "rendered again if its picture changes")
    return _step(take, record, action, reasons, retry=retry, rerender=rerender)


def _coming(take: Take, facts: PlanFacts, planned: Mapping[str, Step]) -> tuple[Action, tuple[str, ...]]:
    """Whether the next run gets the clips that a take continues from, as they are wanted."""
    if take.id in facts.obstacles:
        return Action.DECIDE, (facts.obstacles[take.id],)
    sources = [planned[take_id] for take_id in take.sources]
    stuck = ", ".join(step.take_id for step in sources if step.action is Action.DECIDE)
    if stuck:
        return Action.DECIDE, (f"continues from {stuck}, which the next run leaves as it is",)
    late = ", ".join(step.take_id for step in sources if step.is_put_off)
    if late:
        return Action.DECIDE, (f"continues from {late}, which only a later run renders again",)
    names = ", ".join(step.take_id for step in sources if step.action.is_work)
    return Action.WAIT, (f"continues from {names}",)


def step_of(take: Take, facts: PlanFacts, *, retry: bool = False, rerender: bool = False) -> Step:
    """What the next run does with a take that waits for nothing. Same arguments, same answer.

    A take that is unclear, or under way in another region, is not retried: it may be billed already.
    """
    record = facts.lock.get(take.id)
    action, reasons = _next(take, record, facts)
    if rerender and action is not Action.RENDER and _is_settled(record):
        action, reasons = Action.RENDER, ("asked for with --rerender",)
    elif retry and action is Action.DECIDE and not _is_open(record):
        action, reasons = Action.RENDER, (*reasons, "asked for with --retry")
    return _step(take, record, action, reasons, retry=retry, rerender=rerender)


def _step(
    take: Take, record: Record | None, action: Action, reasons: tuple[str, ...], *, retry: bool, rerender: bool
) -> Step:
    return Step(
        take_id=take.id,
        shot_id=take.shot_id,
        action=action,
        reasons=reasons,
        take=take,
        record=record,
        output=take.output,
        retry=retry,
        rerender=rerender,
    )


def _is_settled(record: Record | None) -> bool:
    return record is None or isinstance(record.entry, Rendered | Failed)


def _is_open(record: Record | None) -> bool:
    """Whether it is not yet known how the take's latest request ends."""
    return record is not None and isinstance(record.entry, Submitting | Submitted | Unclear)


def _next(take: Take, record: Record | None, facts: PlanFacts) -> tuple[Action, tuple[str, ...]]:
    """What a take of the manifest needs, and why; the first rule that fits decides."""
    file = facts.disk.clips.get(take.id, FileState.MISSING)
    if file is FileState.STRAY:  # perhaps paid for, and on record in another version of the lockfile
        return Action.DECIDE, (
            f"{take.output} is here, but not on record",
            "does it belong to an older lockfile, or to another manifest?",
        )
    if record is None:
        return Action.RENDER, ("never rendered",)
    if take.id in facts.disk.shelved:
        return Action.RESTORE, (*changes(take, record.entry.asked), f"{facts.disk.shelved[take.id]} is restored")
    if is_rehearsal(record.entry, facts.region):
        return Action.RENDER, ("so far rendered only with the emulator",)
    return _open_question(record, facts.region) or _after(take, record, file, facts.now)


def _open_question(record: Record, region: str) -> tuple[Action, tuple[str, ...]] | None:
    """What has to be settled elsewhere about the latest request, whatever the manifest says: it may be billed."""
    asked = record.entry.asked
    if _is_open(record) and asked.region != region:
        way = f"a run with --region {asked.region} downloads its clip"
        return Action.DECIDE, (f"its task is at the service in {asked.region}", way)
    if isinstance(record.entry, Unclear):
        tasks = ", ".join(record.entry.candidates)
        return Action.DECIDE, ("its answer was lost", f"one of these tasks may be its own: {tasks}")
    return None


def _after(take: Take, record: Record, file: FileState, now: datetime) -> tuple[Action, tuple[str, ...]]:
    """What comes after the latest request, which the service of this region has, or is done with."""
    entry = record.entry
    if entry.asked.fingerprint != take.fingerprint:
        reasons = changes(take, entry.asked)
        if isinstance(entry, Submitting | Submitted | Succeeded):
            reasons = (*reasons, "the clip of its earlier task is downloaded first")
        return Action.RENDER, reasons
    match entry:
        case Submitting():
            return Action.ADOPT, ("the last run stopped before the service answered",)
        case Submitted():
            return Action.FOLLOW, ("its task is running at the service",)
        case Succeeded():
            return _not_here_yet(entry, now)
        case Rendered():
            if file is FileState.MATCHES:
                return Action.KEEP, ("rendered",)
            return _gone_from_here(entry, now, f"{entry.render.path} is {file}")
        case Failed():
            return _after_failure(record, entry, take.attempts)
        case Unclear():
            raise AssertionError("an open question comes first")
        case other:
            assert_never(other)


def _not_here_yet(entry: Succeeded, now: datetime) -> tuple[Action, tuple[str, ...]]:
    """A paid clip is downloaded as long as the link's own host has not called it dead, whatever the clock says."""
    reason, expiry = "paid for, not downloaded yet", entry.result.url_expires_at
    if has_dead_link(entry, now):
        return Action.DECIDE, (reason, f"its link expired at {time_text(expiry)}")
    if expiry <= now:
        return Action.DOWNLOAD, (reason, f"its link was to expire at {time_text(expiry)}, and is tried")
    return Action.DOWNLOAD, (reason,)


def _gone_from_here(entry: Rendered, now: datetime, reason: str) -> tuple[Action, tuple[str, ...]]:
    expiry = entry.result.url_expires_at
    if expiry > now:
        return Action.DOWNLOAD, (reason,)
    return Action.DECIDE, (reason, f"its link expired at {time_text(expiry)}")


def _after_failure(record: Record, entry: Failed, attempts: int) -> tuple[Action, tuple[str, ...]]:
    """Whether a failed request is tried again: only where it cost nothing, may pass, and attempts are left."""
    code, tried = entry.failure.code, failures(record)
    reason = f"failed: {code}: {entry.failure.message}"
    if entry.failure.billed is None and code != ABANDONED:
        return Action.DECIDE, (reason, "it is not known whether it was billed")
    if not verdict(code, entry.failure.message).may_pass:
        return Action.DECIDE, (reason, "it would fail again")
    if tried >= attempts:
        return Action.DECIDE, (reason, f"failed {tried} times, and `attempts` is {attempts}")
    return Action.RENDER, (reason, f"attempt {tried + 1} of {attempts}")


def _departed(take_id: str, record: Record, facts: PlanFacts, output_dir: str) -> Step:
    """A take that left the manifest. What was paid for is downloaded all the same."""
    action, reasons = _last_duty(record, facts)
    return Step(
        take_id=take_id,
        shot_id=shot_of(take_id),
        action=action,
        reasons=("no longer in the manifest", *reasons),
        take=None,
        record=record,
        output=f"{output_dir}/{take_id}.mp4",
    )


def _last_duty(record: Record, facts: PlanFacts) -> tuple[Action, tuple[str, ...]]:
    """What remains to be done about a request that is no longer wanted: nothing paid for is left at the service."""
    if is_rehearsal(record.entry, facts.region):
        return Action.FORGET, ("made with the emulator, kept on record",)
    return _open_question(record, facts.region) or _homecoming(record.entry, facts.now)


def _homecoming(entry: Entry, now: datetime) -> tuple[Action, tuple[str, ...]]:
    """What is owed to a request whatever the manifest wants by now: what was paid for is fetched."""
    match entry:
        case Submitting():
            return Action.ADOPT, ("its request may have become a task",)
        case Submitted():
            return Action.FOLLOW, ("its task was paid for",)
        case Succeeded() if not has_dead_link(entry, now):
            return Action.DOWNLOAD, ("its clip was paid for",)
        case Succeeded() | Rendered() | Failed() | Unclear():
            return Action.FORGET, ("kept on record",)
        case other:
            assert_never(other)


def changes(take: Take, asked: Asked) -> tuple[str, ...]:
    """What differs between the request on record and the take's, one reason a field.

    The record holds the seed that was drawn where the manifest says `random`: to ask for that differs from any seed.
    """
    wanted = shape_of(take)
    found = between(_recorded(asked, wanted), wanted)
    if found:
        return tuple(difference.text for difference in found)
    if wanted.parameters.seed is None:
        return (f"seed {asked.parameters.seed} -> random",)
    return ("the request changed",)


def _recorded(asked: Asked, wanted: RequestShape) -> RequestShape:
    """The request on record; a seed that was drawn is taken to be drawn still."""
    is_drawn = wanted.parameters.seed is None
    return RequestShape(
        model=asked.model,
        template=asked.template,
        prompt=asked.prompt,
        negative_prompt=asked.negative_prompt,
        parameters=replace(asked.parameters, seed=None) if is_drawn else asked.parameters,
        media={role: MediumRef(digest=digest) for role, digest in asked.media.items()},
    )
