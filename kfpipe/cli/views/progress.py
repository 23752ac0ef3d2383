"""The progress of a run, from its events, and the lines that report it. Pure: the time is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from kfpipe.cli.output.amounts import billed_otherwise, counted, money_text, size_text, span_text
from kfpipe.cli.output.tone import Tone
from kfpipe.domain import TaskStatus
from kfpipe.events import (
    Event,
    Interrupted,
    ListDistrusted,
    Paused,
    Resumed,
    RunStarted,
    Slowed,
    TakeAdopted,
    TakeFailed,
    TakePostponed,
    TakeProgressed,
    TakeRendered,
    TakeReused,
    TakeSubmitted,
    TakeSucceeded,
    Unshared,
)

_WAITS: Final = "queued"
_RENDERS: Final = "rendering"
_DOWNLOADS: Final = "downloading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """A take under way, and since when it has been in its state; `cost` once it is billed."""

    state: str
    since_s: float
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A run so far. Times are seconds of a monotonic clock; `paused` says what the whole run is waiting for."""

    started_s: float
    work: int = 0
    currency: str = ""
    rendered: int = 0
    failed: int = 0
    postponed: int = 0
    spent: Decimal = field(default=Decimal(0))
    active: Mapping[str, Active] = field(default_factory=dict)
    slowed_until_s: float = 0.0
    slowed_by: str = ""
    paused: str | None = None
    interrupted: bool = False

    @property
    def done(self) -> int:
        return self.rendered + self.failed + self.postponed


def advanced(progress: Progress, event: Event, now_s: float) -> Progress:
    """The progress after `event`."""
    match event:
        case RunStarted():
            return replace(progress, work=event.work, currency=event.currency)
        case TakeSubmitted() | TakeAdopted():
            return _moved(progress, event.take_id, _WAITS, now_s)
        case TakeProgressed():
            return _moved(progress, event.take_id, _RENDERS if _is_running(event) else _WAITS, now_s)
        case TakeSucceeded():
            spent = progress.spent + (event.cost or 0)
            return _moved(replace(progress, spent=spent), event.take_id, _DOWNLOADS, now_s, event.cost)
        case TakeRendered() | TakeReused():
            return replace(progress, rendered=progress.rendered + 1, active=_without(progress, event.take_id))
        case TakeFailed():
            failed = progress.failed + (not event.retried)
            return replace(progress, failed=failed, active=_without(progress, event.take_id))
        case TakePostponed():
            return replace(progress, postponed=progress.postponed + 1, active=_without(progress, event.take_id))
        case Slowed():
            until_s = max(progress.slowed_until_s, now_s + event.wait_s)
            return replace(progress, slowed_until_s=until_s, slowed_by=event.reason)
        case Paused():
            return replace(progress, paused=event.reason)
        case Resumed():
            return replace(progress, paused=None)
        case Interrupted():
            return replace(progress, interrupted=True)
        case _:
            return progress


def _moved(progress: Progress, take_id: str, state: str, now_s: float, cost: Decimal | None = None) -> Progress:
    before = progress.active.get(take_id)
    since_s = before.since_s if before is not None and before.state == state else now_s
    return replace(progress, active={**progress.active, take_id: Active(state=state, since_s=since_s, cost=cost)})


def _without(progress: Progress, take_id: str) -> Mapping[str, Active]:
    rest = dict(progress.active)
    rest.pop(take_id, None)
    return rest


def _is_running(event: TakeProgressed) -> bool:
    return event.status is TaskStatus.RUNNING


# ---- lines -------------------------------------------------------------------------------------------------------


def outcome(event: Event, before: Progress, *, with_path: bool = True) -> str | None:
    """The line for an event that ends something; None for all others. `before` is the progress ahead of it."""
    match event:
        case RunStarted():
            return _beginning(event)
        case TakeSucceeded() if event.billed_seconds != event.asked_seconds:
            return f"{event.take_id}: {billed_otherwise(event.billed_seconds, event.asked_seconds)}"
        case TakeRendered():
            active = before.active.get(event.take_id)
            cost = "" if active is None or active.cost is None else f", {money_text(active.cost, before.currency)}"
            path = f" {event.path}" if with_path else ""
            told = "".join(f"; {remark}" for remark in event.remarks)
            return f"{event.take_id}: rendered{path} ({size_text(event.size_bytes)}{cost}){told}"
        case TakeReused():
            return f"{event.take_id}: brought {event.path} into place, already paid for"
        case TakeFailed():
            again = "; trying again" if event.retried else ""
            request = f" (request {event.request_id})" if event.request_id else ""
            return f"{event.take_id}: failed: {event.code}: {event.message}{request}{again}"
        case TakePostponed():
            return f"{event.take_id}: left for the next run: {event.reason}"
        case ListDistrusted():
            told = f"the account's task list cannot be relied on for {event.model}: {event.reason}"
            return f"{told}; tasks are checked one by one, so clips may be noticed later"
        case Unshared():
            return f"warning: the account book cannot be used: {event.reason}; this run knows nothing of other runs"
        case Interrupted():
            tasks = counted(event.running, "task")
            price = f" for up to {money_text(event.cost, before.currency)}" if event.cost else ""
            told = f"stopping: no more submissions; {tasks} under way{price}, on record for the next run"
            return f"{told}; `kfpipe cancel` calls off what still waits" if event.running else told
        case _:
            return None


def _beginning(event: RunStarted) -> str:
    """What there is to do, what it should cost, and what it may come to at most."""
    parts = [f"{counted(event.work, 'take')} to do: {money_text(event.cost, event.currency)}"]
    if event.under_way:
        parts.append(f"{money_text(event.under_way, event.currency)} under way from earlier")
    if event.cap is not None:
        parts.append(f"at most {money_text(event.cap, event.currency)}")
    return ", ".join(parts)


def event_tone(event: Event) -> Tone | None:
    """The colour of the take in the line for an event."""
    match event:
        case TakeRendered() | TakeReused():
            return Tone.DONE
        case TakeFailed():
            return Tone.FAILED
        case _:
            return None


def transition(event: Event, before: Progress) -> str | None:
    """The line for an event where nothing can be redrawn; None where it is not worth one."""
    match event:
        case TakeSubmitted():
            return f"{event.take_id}: submitted, task {event.task_id}"
        case TakeAdopted():
            return f"{event.take_id}: found at the service, task {event.task_id}"
        case TakeProgressed() if _is_running(event):
            return f"{event.take_id}: rendering"
        case Slowed():
            return f"slowing down: {event.what}, for {span_text(event.wait_s)}" + (event.reason and f": {event.reason}")
        case Paused():
            return f"waiting: {event.reason}"
        case Resumed():
            return f"continuing after {span_text(event.after_s)}"
        case _:
            return outcome(event, before)


def totals(progress: Progress, now_s: float) -> str:
    """One line: how many takes are done, what they cost, how fast it goes, and how long it will take."""
    parts = [f"{progress.done:,}/{progress.work:,} takes", money_text(progress.spent, progress.currency)]
    elapsed_s = now_s - progress.started_s
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.rendered and elapsed_s > 0:
        per_minute = 60 * progress.rendered / elapsed_s
        left_s = elapsed_s * (progress.work - progress.done) / progress.done
        parts += [f"{per_minute:.1f} clips/min", f"about {span_text(left_s)} left"]
    if progress.slowed_until_s > now_s:
        parts.append("slowed down by the service" + (progress.slowed_by and f": {progress.slowed_by}"))
    if progress.paused is not None:
        parts.append(f"waiting: {progress.paused}")
    if progress.interrupted:
        parts.append("stopping")
    return " · ".join(parts)
