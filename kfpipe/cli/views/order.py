"""What waits for what in a plan, as chains that a person can follow. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from kfpipe.plan.model import Action, Plan

MOST_CHAINS: Final = 5
LONGEST: Final = 4


def lines(plan: Plan) -> list[str]:
    """`order: kitten -> walk -> home`: each continues from the clip to its left."""
    chains = list(islice(_chains(plan), MOST_CHAINS + 1))
    shown = [f"order: {' -> '.join(_shortened(chain))}" for chain in chains[:MOST_CHAINS]]
    return shown if len(chains) <= MOST_CHAINS else [*shown, "order: and more; see the rows above"]


def _shortened(chain: list[str]) -> list[str]:
    if len(chain) <= LONGEST:
        return chain
    return [*chain[: LONGEST - 2], f"{len(chain) - LONGEST + 1} more", chain[-1]]


def _chains(plan: Plan) -> Iterator[list[str]]:
    """Every pair of a take and one that waits for it stands in one chain; those that wait for nothing come first."""
    following: dict[str, list[str]] = {}
    for step in plan.steps:
        if step.action is Action.WAIT and step.take is not None:
            for source in step.take.sources:
                following.setdefault(source, []).append(step.take_id)
    waiting = {take_id for waiters in following.values() for take_id in waiters}
    for start in sorted(following, key=waiting.__contains__):
        while following[start]:
            chain = [start]
            while following.get(chain[-1]):
                chain.append(following[chain[-1]].pop(0))
            yield chain
