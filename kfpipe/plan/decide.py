"""What a run will do, why, and what it will cost. Pure: the same takes, lock and facts give the same plan."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Final, assert_never

from kfpipe import catalogue
from kfpipe.catalogue import Certainty
from kfpipe.domain import ABANDONED, NEVER_CREATED, NO_LINK, Take, in_order, shot_of
from kfpipe.files.scalars import time_text
from kfpipe.lock.records import Known, Neighbour, Record
from kfpipe.lock.states import (
    Canceled,
    Entry,
    Failed,
    Lost,
    Rendered,
    Submitted,
    Submitting,
    Succeeded,
    Unclear,
    fingerprints_of,
    is_damaged,
    is_rehearsal,
    is_unsettled,
    name_of,
)
from kfpipe.lock.transitions import LINK_LIFE, failures, has_dead_link
from kfpipe.media.facts import FileState
from kfpipe.media.renders import PREVIOUS
from kfpipe.plan.diff import changes
from kfpipe.plan.model import NO_WISH, Action, Chosen, Plan, PlanFacts, Step, Wish, debts_of, nothing
from kfpipe.provider.advice import advice
from kfpipe.provider.codes import verdict
from kfpipe.takes import seeds

Next = tuple[Action, tuple[str, ...]]

_AT_HAND: Final = (FileState.POINTER, FileState.STRAY)
"""What is in a clip's place may be, or lead to, one that was paid for."""


def make(
    takes: Sequence[Take],
    facts: PlanFacts,
    *,
    currency: str,
    output_dir: str,
    retry: Chosen = nothing,
    rerender: Chosen = nothing,
    new_seed: bool = False,
) -> Plan:
    """The plan for these takes: those of the manifest in its order, then the debts that none of them asks for."""
    planned: dict[str, Step] = {}
    wishes = _wishes(retry, rerender, new_seed=new_seed)
    for take in in_order(takes):
        step = partial(_continuing, planned=planned) if take.cuts else step_of
        planned[take.id] = step(take, facts, wishes(take.id))
    wanted = {step.record.key for step in planned.values() if step.record is not None and step.record.is_wanted}
    clips = {take.fingerprint for take in takes if not take.cuts}
    unwanted = [
        _unwanted(
            known, facts, output_dir, place=place, is_surplus=not clips.isdisjoint(fingerprints_of(known[1].asked))
        )
        for known, place in _known(facts)
        if known[0] not in wanted
    ]
    steps = (*(planned[take.id] for take in takes), *(step for step in unwanted if step.action is not Action.RETIRED))
    return Plan(
        steps=steps,
        currency=currency,
        whose=facts.whose,
        retired=tuple(step for step in unwanted if step.action is Action.RETIRED),
        debts=debts_of(steps),
    )


def _wishes(retry: Chosen, rerender: Chosen, *, new_seed: bool) -> Callable[[str], Wish]:
    """What a person asked for about each take; mostly nothing about any."""
    if retry is rerender is nothing and not new_seed:
        return lambda _: NO_WISH
    return lambda take_id: Wish(retry=retry(take_id), rerender=rerender(take_id), new_seed=new_seed)


def _known(facts: PlanFacts) -> Iterator[tuple[Known, Neighbour | None]]:
    """Every request on record here, and the debts of a lockfile whose manifest is gone."""
    for known in facts.requests:
        yield known, None
    left = [neighbour for neighbour in facts.neighbours if neighbour.is_alone and not neighbour.is_busy]
    here = {key for key, _ in facts.requests} if left else ()
    for neighbour in left:
        for key, entry in neighbour.requests.view.items():
            if key not in here and is_unsettled(entry):
                yield (key, entry), neighbour


def _continuing(take: Take, facts: PlanFacts, wish: Wish, planned: Mapping[str, Step]) -> Step:
    """The step of a take whose pictures are still to be cut from the clips of others."""
    record = facts.records.get(take.id)
    action, reasons = _coming(take, facts, planned)
    if action is Action.WAIT and record is not None and isinstance(record.entry, Rendered):
        reasons = (*reasons, "rendered again if its picture changes")
    return _step(take, record, action, reasons, wish)


def _coming(take: Take, facts: PlanFacts, planned: Mapping[str, Step]) -> Next:
    """Whether the next run gets the clips that a take continues from, as they are wanted."""
    if take.id in facts.obstacles:
        return Action.DECIDE, (facts.obstacles[take.id],)
    if take.unpicked:
        return Action.DECIDE, tuple(_wants_a_pick(shot, facts) for shot in take.unpicked)
    sources = [planned[take_id] for take_id in take.sources]
    stuck = ", ".join(step.take_id for step in sources if step.action is Action.DECIDE)
    if stuck:
        return Action.DECIDE, (f"continues from {stuck}, which the next run leaves as it is",)
    spelt = {cut.take_id: cut.text for _, cut in take.cuts}
    names = ", ".join(spelt[step.take_id] for step in sources if step.action.is_work)
    return Action.WAIT, (f"continues from {names}",)


def _wants_a_pick(shot_id: str, facts: PlanFacts) -> str:
    command = shlex.join(["kfpipe", "pick", *filter(None, [facts.manifest]), shot_id, "TAKE"])
    return f"waits for a pick of {shot_id}: `{command}`, or name one with `take:`"


def step_of(take: Take, facts: PlanFacts, wish: Wish = NO_WISH) -> Step:
    """What the next run does with a take that waits for nothing. Same arguments, same answer.

    A take that is unclear, or under way in another region, is not retried: it may be billed already. What lies in its
    place keeps out all but what is owed to a request, until a person says otherwise.
    """
    record, file = facts.records.get(take.id), facts.disk.clips.get(take.id, FileState.MISSING)
    action, reasons = _next(take, record, file, facts)
    take = _as_asked(take, record)
    if wish.rerender and action is not Action.RENDER and not _is_open(record, action, facts.now):
        action, reasons = Action.RENDER, ("asked for with --rerender",)
    elif wish.retry and action is Action.DECIDE and not _is_open(record, action, facts.now):
        action, reasons = Action.RENDER, (*reasons, "asked for with --retry")
    elif file is FileState.STRAY and not _is_open(record, action, facts.now):
        if wish.is_given:
            reasons = (*reasons, f"asked for with --{'retry' if wish.retry else 'rerender'}")
        else:
            action, reasons = Action.DECIDE, _in_its_place(take, facts)
    if action is Action.RENDER and record is not None and wish.is_given and wish.new_seed:
        take, reasons = _reseeded(take, record), (*reasons, _about_its_seed(take))
    return _step(take, record, action, reasons, wish, is_at_hand=action is Action.DECIDE and file in _AT_HAND)


def _in_its_place(take: Take, facts: PlanFacts) -> tuple[str, ...]:
    """Why a file is not moved out of the way: it may be paid for, and on record elsewhere."""
    owner = facts.disk.owners.get(take.id)
    if owner is not None:
        return f"{take.output} is on record in {owner}", "give one of the two manifests another `output: {dir: ...}`"
    return f"{take.output} is here, but not on record", "does it belong to an older lockfile, or to another manifest?"


def _as_asked(take: Take, record: Record | None) -> Take:
    """The take with the seed that its request has, where that was made with another one than the derived."""
    if record is None or not record.is_wanted or record.entry.asked.reseeds != take.fingerprint:
        return take
    seed = record.entry.asked.parameters.seed
    return take if seed is None else seeds.with_seed(take, seed)


def _reseeded(take: Take, record: Record) -> Take:
    """The take with a seed that none of its requests has had, where the manifest gives none."""
    if not take.seed_is_derived:
        return take
    clip = take.reseeds or take.fingerprint
    turn = sum(clip in fingerprints_of(entry.asked) for entry in record.entries)
    return seeds.with_seed(take, seeds.another(take, turn))


def _about_its_seed(take: Take) -> str:
    if take.seed_is_derived:
        return "with another seed"
    if take.request.variant is not None:
        return "its model has no seed: no two clips of it are alike"
    return "with another seed, as always" if take.request.draws_seed else "the manifest gives its seed"


def _step(
    take: Take,
    record: Record | None,
    action: Action,
    reasons: tuple[str, ...],
    wish: Wish,
    *,
    is_at_hand: bool = False,
) -> Step:
    return Step(
        take_id=take.id,
        shot_id=take.shot_id,
        action=action,
        reasons=reasons,
        take=take,
        record=record,
        output=take.output,
        is_at_hand=is_at_hand,
        wish=wish,
    )


def _is_open(record: Record | None, action: Action, now: datetime) -> bool:
    """Whether it is not yet known how the request that a take asks for ends, or its clip is still to be fetched.

    A billed task without a link is open as long as the service may give one: `kfpipe reconcile` asks for it.
    """
    if record is None or not record.is_wanted:
        return False
    if isinstance(record.entry, Failed) and record.entry.failure.code == NO_LINK:
        return now - record.entry.ended_at < LINK_LIFE
    is_to_come = isinstance(record.entry, Succeeded) and action is Action.DOWNLOAD
    return is_to_come or isinstance(record.entry, (Submitting, Submitted, Unclear))


def _next(take: Take, record: Record | None, file: FileState, facts: PlanFacts) -> Next:
    """What a take of the manifest needs, and why; the first rule that fits decides."""
    if record is None:
        return Action.RENDER, ("never rendered",)
    if not record.is_wanted:
        if is_rehearsal(record.entry, facts.region):
            return Action.RENDER, ("so far rendered only with the emulator",)
        return Action.RENDER, changes(take, record.entry.asked)
    action, reasons = _open_question(record, facts) or _after(take, record, file, facts)
    return action, (*reasons, *_origin(take, record))


def _origin(take: Take, record: Record) -> Iterator[str]:
    """Where a request was found that was asked for under another name, or by another manifest."""
    name, place = name_of(record.key), record.place
    if place is not None:
        yield f"on record in {place.name}" + (f" as {name}" if name != take.id else "")
    elif name != take.id:
        yield f"on record as {name}"


def _open_question(record: Record, facts: PlanFacts) -> Next | None:
    """What has to be settled elsewhere about a request, whatever the manifest says: it may be billed."""
    entry, asked = record.entry, record.entry.asked
    if record.place is not None and record.place.is_elsewhere and is_unsettled(entry):
        return Action.DECIDE, (
            "its clip is under way elsewhere",
            "when it is rendered there, the next run uses it",
        )
    if not isinstance(entry, (Submitting, Submitted, Unclear)):
        return None
    if record.place is not None and record.place.is_busy:
        return Action.DECIDE, (f"a run of {record.place.name} has this request in hand",)
    if asked.region != facts.region:
        way = f"a run with --region {asked.region} downloads its clip"
        return Action.DECIDE, (f"its task is at the service in {asked.region}", way)
    if not facts.whose.is_ours(asked) and asked.account is not None:
        way = "a run with that account downloads its clip; if it is the same account by another key, add --same-account"
        return Action.DECIDE, (f"it was asked for with another account, {asked.account.text}", way)
    if isinstance(entry, Unclear):
        tasks = ", ".join(sorted(entry.doubts.candidates))
        return Action.DECIDE, ("its answer was lost", f"one of these tasks may be its own: {tasks}")
    return None


def _after(take: Take, record: Record, file: FileState, facts: PlanFacts) -> Next:
    """What comes after the request that the take asks for, which this account has, or is done with."""
    entry = record.entry
    match entry:
        case Submitting():
            return Action.ADOPT, ("the last run stopped before the service answered",)
        case Submitted():
            return Action.FOLLOW, ("its task is running at the service",)
        case Succeeded():
            return _not_here_yet(entry, facts.now)
        case Rendered():
            return _rendered(take, record, entry, file, facts)
        case Failed():
            return _after_failure(take, record, entry)
        case Canceled():
            return Action.RENDER, ("it was cancelled",)
        case Lost():
            if entry.failure.code == ABANDONED:
                return Action.RENDER, ("it was given up as lost",)
            return Action.DECIDE, (f"lost: {entry.failure.message}", "it is not known whether it was billed")
        case Unclear():
            raise AssertionError("an open question comes first")
        case other:
            assert_never(other)


def _rendered(take: Take, record: Record, entry: Rendered, file: FileState, facts: PlanFacts) -> Next:
    """What is to be done about a clip that was here once: its bytes count, wherever they are."""
    if file is FileState.MATCHES:
        return (Action.KEEP, ("rendered",)) if record.place is None else (Action.REUSE, ("its clip is in place",))
    if entry.result.refused is not None and is_damaged(entry):
        return Action.DECIDE, (f"its clip is damaged: {entry.result.refused.path}",)
    if take.id in facts.disk.elsewhere:
        return Action.REUSE, (f"its clip is at {facts.disk.elsewhere[take.id]}",)
    if file is FileState.POINTER:
        fix = "`git lfs pull` fetches it"
        return Action.DECIDE, (f"{take.output} is only a Git LFS pointer to the clip on record", fix)
    return _gone_from_here(entry, facts.now, f"{take.output} is {file}")


def _not_here_yet(entry: Succeeded, now: datetime) -> Next:
    """A paid clip is downloaded as long as the link's own host has not called it dead, whatever the clock says."""
    reason, expiry = "paid for, not downloaded yet", entry.result.url_expires_at
    if entry.result.refused is not None:
        return Action.DECIDE, (f"what the service delivered is not a video: {entry.result.refused.path}",)
    if has_dead_link(entry, now):
        return Action.DECIDE, (reason, f"its link expired at {time_text(expiry)}")
    if expiry <= now:
        return Action.DOWNLOAD, (reason, f"its link was to expire at {time_text(expiry)}, and is tried")
    return Action.DOWNLOAD, (reason,)


def _gone_from_here(entry: Rendered, now: datetime, reason: str) -> Next:
    expiry = entry.result.url_expires_at
    if has_dead_link(entry, now):
        return Action.DECIDE, (reason, f"its link expired at {time_text(expiry)}")
    return Action.DOWNLOAD, (reason,)


def _after_failure(take: Take, record: Record, entry: Failed) -> Next:
    """Whether a failed request is tried again: only where it may pass, and attempts are left."""
    code, message = entry.failure.code, entry.failure.message
    tried = failures(record.entries, entry.asked.fingerprint)
    if code == NEVER_CREATED:
        return Action.RENDER, (message,)
    if code == NO_LINK:
        return Action.DECIDE, (message, "`kfpipe reconcile` asks for the link again")
    reason, hint = f"failed: {code}: {message}", _advice(code, message, take)
    if not verdict(code, message).may_pass:
        return Action.DECIDE, (reason, hint or "it would fail again")
    if tried >= take.attempts:
        told = f"failed {tried} times, and `attempts` is {take.attempts}"
        return Action.DECIDE, (reason, told) if hint is None else (reason, told, hint)
    return Action.RENDER, (reason, f"attempt {tried + 1} of {take.attempts}")


def _advice(code: str, message: str, take: Take) -> str | None:
    model = catalogue.shipped().model(take.request.model)
    by_address = model is not None and Certainty.DOCUMENTED not in model.handover.values()
    return advice(code, message, take.id, take.request.media, by_address=by_address)


# ---- what no take asks for -------------------------------------------------------------------------------------------


def _unwanted(known: Known, facts: PlanFacts, output_dir: str, *, place: Neighbour | None, is_surplus: bool) -> Step:
    """What remains to be done about a request that no take asks for: nothing paid for is left at the service."""
    key, entry = known
    record = Record(key=key, entry=entry, place=place)
    is_played = is_rehearsal(entry, facts.region)
    action, reasons = (None if is_played else _open_question(record, facts)) or _homecoming(entry, facts)
    take_id = name_of(key)
    why = (
        "another request for the same clip counts"
        if is_surplus and not is_played
        else "no take of the manifest asks for it"
    )
    return Step(
        take_id=take_id,
        shot_id=shot_of(take_id),
        action=action,
        reasons=(*reasons, why, *((f"on record in {place.name}",) if place is not None else ())),
        take=None,
        record=record,
        output=_side_place(key, output_dir),
    )


def _side_place(key: str, output_dir: str) -> str:
    """Where a clip goes that no take asks for: out of the way of those that are wanted, and of each other."""
    take_id, _, token = key.rpartition("/")
    name = PurePosixPath(f"{take_id}.{token}.mp4")
    return (PurePosixPath(output_dir) / name.parent / PREVIOUS / name.name).as_posix()


def _homecoming(entry: Entry, facts: PlanFacts) -> Next:
    """What is owed to a request whatever the manifest wants by now: what was paid for is fetched."""
    if is_rehearsal(entry, facts.region):
        return Action.RETIRED, ("made with the emulator, kept on record",)
    match entry:
        case Submitting():
            return Action.ADOPT, ("its request may have become a task",)
        case Submitted():
            return Action.FOLLOW, ("its task was paid for",)
        case Succeeded() if not has_dead_link(entry, facts.now) and entry.result.refused is None:
            return Action.DOWNLOAD, ("its clip was paid for",)
        case Succeeded() | Rendered() | Failed() | Canceled() | Lost() | Unclear():
            return Action.RETIRED, ("kept on record",)
        case other:
            assert_never(other)
