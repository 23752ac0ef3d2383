"""A plan for some of its takes: all others are left as they are, and what that blocks is reported. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kfpipe.domain import in_order
from kfpipe.plan.model import Action, Chosen, Plan, Step


def narrowed(plan: Plan, chosen: Chosen) -> Plan:
    """The steps of the chosen takes alone.

    A take that waits for the clip of one that was not chosen is left for a person to decide: rendering the other one
    as well would spend money that was not agreed to.
    """
    coming = {step.take_id for step in plan.work}
    kept = {step.take_id: step for step in plan.steps if chosen(step.take_id)}
    waiting = [step.take for step in kept.values() if step.action is Action.WAIT and step.take is not None]
    for take in in_order(waiting):
        kept[take.id] = _held_up(kept[take.id], take.sources, kept, coming) or kept[take.id]
    return replace(plan, steps=tuple(kept.values()))


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
