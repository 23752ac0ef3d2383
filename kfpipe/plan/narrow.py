"""A plan for some of its takes: all others are left as they are, and what that blocks is reported. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from kfpipe.domain import in_order
from kfpipe.plan.model import NO_WISH, Action, Chosen, Plan, Step, debts_of


def narrowed(plan: Plan, chosen: Chosen) -> Plan:
    """The steps of the chosen takes alone, each clip asked for once.

    A take that waits for the clip of one that was not chosen is left for a person to decide: rendering the other one
    as well would spend money that was not agreed to.
    """
    coming = {step.take_id for step in plan.work if step.take is not None}
    kept = {step.id: step for step in plan.steps if chosen(step.take_id)}
    waiting = [step.take for step in kept.values() if step.action is Action.WAIT and step.take is not None]
    for take in in_order(waiting):
        kept[take.id] = _held_up(kept[take.id], take.sources, kept, coming) or kept[take.id]
    steps = tuple(_without_twins(kept.values()))
    return replace(
        plan,
        steps=steps,
        retired=tuple(step for step in plan.retired if chosen(step.take_id)),
        debts=debts_of(steps),
        under_way=plan.under_way + _left_alone(plan, chosen),
    )


def _left_alone(plan: Plan, chosen: Chosen) -> Decimal:
    """What requests without an answer may still cost, as a cap counts it, whose takes were not chosen."""
    left = (debt.step for debt in plan.debts if not chosen(debt.step.take_id))
    return sum((step.cap_cost or Decimal(0) for step in left), Decimal(0))


def _without_twins(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps; of takes that ask for the very same clip, the first alone gets it from the service."""
    first: dict[str, Step] = {}
    for step in steps:
        take = step.ready
        if take is None or take.request.draws_seed:
            yield step
            continue
        twin = first.setdefault(take.fingerprint, step)
        if twin is step or step.action in (Action.KEEP, Action.REUSE, Action.DECIDE):
            yield step
        elif (step.wish.rerender and not twin.wish.rerender) or (step.wish.retry and twin.action is Action.DECIDE):
            first[take.fingerprint] = step
            yield step
        elif twin.action is Action.DECIDE:
            yield replace(step, action=Action.DECIDE, reasons=(f"asks for the same clip as {twin.take_id}",))
        else:
            reason = f"asks for the same clip as {twin.take_id}, which is paid for once"
            yield replace(step, action=Action.WAIT, reasons=(reason,), twin=twin.take_id, wish=NO_WISH)


def _held_up(step: Step, sources: Sequence[str], kept: Mapping[str, Step], coming: set[str]) -> Step | None:
    """The step as it is when a clip that it waits for will not come; None when all of them will."""
    missing = [source for source in sources if source in coming and source not in kept]
    if missing:
        names, words = ", ".join(missing), " ".join(f"-s {source}" for source in missing)
        reason = f"continues from {names}, which has no clip: add {words}"
        return replace(step, action=Action.DECIDE, reasons=(reason,))
    stuck = [source for source in sources if source in kept and kept[source].action is Action.DECIDE]
    if stuck:
        reason = f"continues from {', '.join(stuck)}, which this run leaves as it is"
        return replace(step, action=Action.DECIDE, reasons=(reason,))
    return None
