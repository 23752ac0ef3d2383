"""A plan for some of its takes: all others are left as they are, and what that holds up is said. Pure."""

from __future__ import annotations

from dataclasses import replace
from graphlib import TopologicalSorter

from kfpipe.steps import Action, Chosen, Plan, Step


def narrowed(plan: Plan, chosen: Chosen) -> Plan:
    """The steps of the chosen takes alone.

    A take that waits for the clip of one that was not chosen is left for a person to decide: to render the other one
    as well would spend money that nobody agreed to.
    """
    coming = {step.take_id for step in plan.work}
    kept = {step.take_id: step for step in plan.steps if chosen(step.take_id)}
    for take_id in TopologicalSorter({step.take_id: _sources(step) for step in kept.values()}).static_order():
        step = kept.get(take_id)
        if step is not None and step.action is Action.WAIT:
            kept[take_id] = _held_up(step, kept, coming) or step
    return replace(plan, steps=tuple(kept.values()))


def _sources(step: Step) -> list[str]:
    """The takes that a step waits for, each once; none when it waits for nothing."""
    if step.action is not Action.WAIT or step.take is None:
        return []
    return [*dict.fromkeys(cut.take_id for _, cut in step.take.cuts)]


def _held_up(step: Step, kept: dict[str, Step], coming: set[str]) -> Step | None:
    """The step as it is when a clip that it waits for will not come; None when all of them will."""
    missing = [source for source in _sources(step) if source in coming and source not in kept]
    if missing:
        names, words = ", ".join(missing), " ".join(f"-s {source}" for source in missing)
        reason = f"goes on from {names}, which has no clip: add {words}"
        return replace(step, action=Action.DECIDE, reasons=(reason,))
    stuck = [source for source in _sources(step) if source in kept and kept[source].action is Action.DECIDE]
    if stuck:
        reason = f"goes on from {', '.join(stuck)}, which this run leaves as it is"
        return replace(step, action=Action.DECIDE, reasons=(reason,))
    return None
