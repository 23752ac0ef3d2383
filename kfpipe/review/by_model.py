"""The takes of one shot, model by model: what each costs, how long it took and how well it kept to the stills. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from kfpipe.domain import RenderRequest, Take
from kfpipe.files.scalars import exact_amount
from kfpipe.lock.records import Record
from kfpipe.lock.states import Asked, Rendered, fidelity_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTake:
    """A take as far as its model is compared: `clip` is the request whose clip is shown, None without one."""

    model: str
    unit_price: Decimal | None
    currency: str
    clip: Rendered | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelGroup:
    """What is told of a model at one shot.

    `unit_price` is per second, a span where its takes differ. `took_s` is the median time from sending to the moment
    when the clip was found finished, waiting included. `fidelity` is the lowest of its clips at either end. Each is
    None while it is not known.
    """

    model: str
    currency: str
    takes: int
    unit_price: str | None
    took_s: int | None
    fidelity: tuple[str | None, str | None] | None


def seen(take: Take, record: Record | None, clip: Rendered | None) -> ModelTake:
    """The take as it was last asked for, or as the manifest asks for it."""
    if record is None:
        return ModelTake(model=take.request.model, unit_price=take.unit_price, currency=take.currency, clip=clip)
    asked = record.entry.asked
    return ModelTake(model=asked.model, unit_price=asked.unit_price, currency=asked.currency, clip=clip)


def groups(takes: Iterable[ModelTake]) -> tuple[ModelGroup, ...]:
    """A group for each model, in the order in which they come first; none where all takes are of one model."""
    found: dict[str, list[ModelTake]] = {}
    for take in takes:
        found.setdefault(take.model, []).append(take)
    return tuple(_group(model, members) for model, members in found.items()) if len(found) > 1 else ()


def _group(model: str, members: Sequence[ModelTake]) -> ModelGroup:
    clips = [member.clip for member in members if member.clip is not None]
    times = [(clip.result.finished_at - clip.task.submitted_at).total_seconds() for clip in clips]
    measured = [fidelity for clip in clips if (fidelity := fidelity_of(clip)) is not None]
    return ModelGroup(
        model=model,
        currency=members[0].currency,
        takes=len(members),
        unit_price=_span([member.unit_price for member in members if member.unit_price is not None]),
        took_s=round(median(times)) if times else None,
        fidelity=(_lowest(one.first for one in measured), _lowest(one.last for one in measured)) if measured else None,
    )


def _lowest(ends: Iterable[Decimal | None]) -> str | None:
    known = [end for end in ends if end is not None]
    return f"{min(known):f}" if known else None


def _span(prices: Sequence[Decimal]) -> str | None:
    if not prices:
        return None
    least, most = min(prices), max(prices)
    return exact_amount(least) if least == most else f"{exact_amount(least)} to {exact_amount(most)}"


def seed_text(request: Asked | RenderRequest) -> str | None:
    """The seed as it is shown; None for a request of a model that has none."""
    seed = request.parameters.seed
    return str(seed) if seed is not None else "random" if request.variant is None else None
