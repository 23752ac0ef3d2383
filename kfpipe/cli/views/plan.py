"""A plan for a person, and for a program. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

from kfpipe import catalogue
from kfpipe.cli.output.amounts import amount_text, counted, money_text
from kfpipe.cli.output.messages import problem_json
from kfpipe.cli.output.table import Column, Table
from kfpipe.cli.views import order as order_view
from kfpipe.cli.views.words import ACTION_TONES, ACTIONS
from kfpipe.connection import Destination
from kfpipe.domain import LocalMedium, MediaRole, Take
from kfpipe.errors import Problem
from kfpipe.files.scalars import decimal_text
from kfpipe.lock.states import Entry, Failed, Lost, Rendered, Succeeded, Unclear, state_name
from kfpipe.media.facts import Recipe
from kfpipe.plan.model import Action, Plan, Step, Total
from kfpipe.wording import visible

_SUMMED: Final = {
    Action.RENDER: "to render",
    Action.ADOPT: "to look up at the service",
    Action.FOLLOW: "to follow",
    Action.DOWNLOAD: "to download",
    Action.REUSE: "to bring into place",
    Action.WAIT: "waiting for another shot",
    Action.KEEP: "rendered",
    Action.DECIDE: "for you to decide",
}

FEW: Final = 3
MOST_PREPARED: Final = 20
"""Stills, and slices of sounds, that are listed one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A still or a sound that is not sent as it is: what it is for, the file's name, and what is done to it."""

    role: MediaRole
    name: str
    recipe: Recipe

    @property
    def is_slice(self) -> bool:
        """Whether it is a part of a sound."""
        return self.role is MediaRole.DRIVING_AUDIO


def debts(plan: Plan) -> tuple[Step, ...]:
    """What is still owed to requests that no take asks for."""
    return tuple(step for step in plan.steps if step.take is None)


def rows(plan: Plan) -> tuple[Step, ...]:
    """The steps as they are shown: the debts that no take asks for, then the takes."""
    return (*debts(plan), *plan.takes)


def table(plan: Plan) -> Table:
    """A row for each debt that no take asks for, then one for each take."""
    shown = rows(plan)
    return Table(
        columns=(
            Column(title="take", least=40),
            Column(title="action", is_toned=True),
            Column(title="why", rank=2, least=28, wraps=True),
            Column(title="model", rank=3),
            Column(title="size", rank=4),
            Column(title="seconds", is_number=True, rank=5),
            Column(title=plan.currency, is_number=True, rank=1),
        ),
        rows=tuple(map(_row, shown)),
        tones=tuple(ACTION_TONES.get(step.action) for step in shown),
    )


def _row(step: Step) -> tuple[str, ...]:
    seconds = str((step.asked if step.take is None else step.take.request).parameters.duration_s)
    return (step.take_id, ACTIONS[step.action], reasons_text(step), step.model, _size(step), seconds, cost_text(step))


def reasons_text(step: Step) -> str:
    """Why the step is what it is."""
    return "; ".join(step.reasons)


def _size(step: Step) -> str:
    if step.take is None:
        return ""
    if step.take.size is None:
        origin = "shape of its source" if step.take.cuts else "shape of the remote frame"
        return f"{step.take.request.parameters.resolution}, {origin}"
    return f"{step.take.size.width_px}x{step.take.size.height_px}"


def cost_text(step: Step) -> str:
    """What the step may add to the bill; empty where that is nothing."""
    cost = step.cost
    if cost is None:
        return "unknown"
    return amount_text(cost) if cost or step.action is Action.RENDER else ""


def summary(plan: Plan, destination: Destination) -> list[str]:
    """What the rows add up to: takes, money by model, prices that are missing, and where requests would go."""
    lines = [f"{counted(len(plan.takes), 'take')}{_counts(plan.takes)}"] if plan.takes else []
    paid = [total for total in plan.totals() if total.renders]
    lines += [f"  {_total_text(total)}{_rates(plan, total.model)}" for total in paid]
    if len(paid) > 1:
        lines.append(f"  total: {sum_text(plan.cost, len(plan.unpriced), plan.currency)}")
    more = (*_missing_prices(plan), *_dearer_prices(plan), *_unrepeatable(plan), *order_view.lines(plan))
    lines += [f"  {line}" for line in more]
    lines += _prepared(plan)
    lines += _owed(plan)
    if plan.work:
        lines.append(f"sent to {destination.text}")
    return lines


def _counts(steps: Sequence[Step]) -> str:
    counts = Counter(step.action for step in steps)
    return ": " + ", ".join(f"{counts[action]:,} {words}" for action, words in _SUMMED.items() if counts[action])


def _owed(plan: Plan) -> list[str]:
    """What earlier runs have left: money not billed yet, and requests that no take asks for."""
    told = []
    if plan.under_way:
        most = money_text(plan.cap_cost + plan.under_way, plan.currency)
        told.append(
            f"under way, and not billed yet: {money_text(plan.under_way, plan.currency)}; at most {most} in all"
        )
    if debts(plan):
        told.append(f"{counted(len(debts(plan)), 'open request')} that no take asks for{_counts(debts(plan))}")
    if plan.retired:
        told.append(f"{counted(len(plan.retired), 'request')} on record that no take asks for")
    return told


def _prepared(plan: Plan) -> list[str]:
    """The stills that are not sent as they are, and the slices of sounds, each once."""
    unlike = {id(step.take.request.media): step for step in plan.takes if step.take is not None}  # most share theirs
    made = [given for step in unlike.values() for given in _made(step)]
    stills = (f"  {visible(given.name)}: {', '.join(given.recipe)}" for given in made if not given.is_slice)
    slices = (_slice_text(given) for given in made if given.is_slice)
    return [*_some("still", "prepared", stills), *_some("slice", "cut from sounds", slices)]


def _slice_text(given: Prepared) -> str:
    """`slice 12.5-17.5 s of track.mp3`, and what makes it small enough."""
    return f"  {', '.join([f'{given.recipe[0]} of {visible(given.name)}', *given.recipe[1:]])}"


def _some(noun: str, done: str, lines: Iterable[str]) -> list[str]:
    each = list(dict.fromkeys(lines))
    if not each:
        return []
    more = [f"  and {len(each) - MOST_PREPARED:,} more: --json lists all"] if len(each) > MOST_PREPARED else []
    return [f"{counted(len(each), noun)} {done} before sending", *each[:MOST_PREPARED], *more]


def _made(step: Step) -> Iterator[Prepared]:
    media = () if step.take is None else step.take.request.media
    for role, medium in ((given.role, given.medium) for given in media):
        if isinstance(medium, LocalMedium) and medium.original is not None:
            yield Prepared(role=role, name=medium.name, recipe=medium.original.recipe)


def _dearer_prices(plan: Plan) -> list[str]:
    """What a cap counts, where the manifest has lower prices than those that are published."""
    if plan.cap_cost == plan.cost:
        return []
    counted_as = money_text(plan.cap_cost, plan.currency)
    return [f"a budget counts this as {counted_as}: the manifest's prices are lower than the published ones"]


def _unrepeatable(plan: Plan) -> list[str]:
    """The models of which no clip can be asked for a second time."""
    models = dict.fromkeys(step.model for step in plan.takes if step.is_billed and _has_no_seed(step))
    what = "has no seed: a clip of it cannot be repeated, and a `variant` tells takes apart"
    return [f"{model} {what}" for model in models]


def _has_no_seed(step: Step) -> bool:
    return step.take is not None and step.take.request.variant is not None


def _total_text(total: Total) -> str:
    video = f"{counted(total.renders, 'clip')}, {total.seconds:,} s of video"
    return f"{total.model}: {video}, {sum_text(total.cost, total.unpriced, total.currency)}"


def _rates(plan: Plan, model: str) -> str:
    """`; a second costs 0.60 at 720P without sound, 0.90 at 720P with sound`, where sound has a price of its own."""
    known = catalogue.shipped().model(model)
    if known is None or not any(offer.prices_with_sound for offer in known.offers.values()):
        return ""
    asked = [step.take for step in plan.takes if step.take is not None and step.is_billed and step.model == model]
    told = dict.fromkeys(
        f"{amount_text(take.unit_price)} at {take.request.parameters.resolution}{_SOUND[take.request.parameters.audio]}"
        for take in asked
        if take.unit_price is not None
    )
    return f"; a second costs {', '.join(told)}" if told else ""


_SOUND: Final = {None: "", True: " with sound", False: " without sound"}


def sum_text(cost: Decimal, unpriced: int, currency: str) -> str:
    """An amount and what is missing in it."""
    if not unpriced:
        return money_text(cost, currency)
    if not cost:
        return "price unknown"
    return f"{money_text(cost, currency)} and {counted(unpriced, 'clip')} at an unknown price"


def _missing_prices(plan: Plan) -> list[str]:
    """One line for each price that nobody knows, with the way to give it."""
    return [
        f"price unknown: give one with --price {name}=AMOUNT or `prices:` in the manifest"
        for name in plan.unpriced_names
    ]


def next_steps(plan: Plan, command: Callable[..., str]) -> list[str]:
    """The commands to continue with; `command` spells one out for this manifest."""
    steps = [f"next: {command('run')}"] if plan.work else []
    if any(map(_is_unclear, plan.undecided)):
        steps.append(f"to settle lost answers: {command('reconcile')}")
    if any(map(_is_lost, plan.undecided)):
        steps.append(f"to ask the service once more what became of them: {command('reconcile')}")
    steps += [f"{aim}: {command('run', *_retry(some))}" for aim, some in _to_retry(plan) if some]
    return steps or ["nothing to do until that is settled" if plan.undecided else "nothing to do"]


def _is_unclear(step: Step) -> bool:
    return step.record is not None and isinstance(step.record.entry, Unclear)


def _is_lost(step: Step) -> bool:
    return step.record is not None and isinstance(step.record.entry, Lost)


def _to_retry(plan: Plan) -> list[tuple[str, list[Step]]]:
    """What `--retry` is for: takes that failed, and takes whose clip is lost as far as kfpipe can tell.

    A take whose task may be at the service is left out, and so is a file that is on no record: there is a clip that may
    be paid for, and can be had otherwise. A take that is held up by another can only be rendered after that.
    """
    undecided = (step for step in plan.undecided if not step.is_at_hand)
    free = [step for step in undecided if step.record is not None and not (step.take and step.take.cuts)]
    failed = [step for step in free if step.record and _failed_for_free(step.record.entry)]
    lost = [step for step in free if step.record and isinstance(step.record.entry, Succeeded | Rendered)]
    forgotten = [step for step in free if _is_lost(step)]
    return [
        ("to try again", failed),
        ("if no backup has the clip, to render and pay again", lost),
        ("if it knows nothing of them, to render and perhaps pay again", forgotten),
    ]


def _failed_for_free(entry: Entry) -> bool:
    """Whether another try is the first that is paid for."""
    return isinstance(entry, Failed) and not entry.failure.billed


def _retry(steps: Sequence[Step]) -> list[str]:
    """The options for these takes, one by one while they are few."""
    names = [step.take_id for step in steps]
    if len(steps) > FEW:
        names = [*dict.fromkeys(f"state:{state_name(step.record.entry)}" for step in steps if step.record)]
    return [word for name in names for word in ("--retry", name)]


# ---- JSON --------------------------------------------------------------------------------------------------------


def as_json(plan: Plan, destination: Destination, warnings: tuple[Problem, ...]) -> dict[str, Any]:
    """The plan as `plan --json` prints it; amounts are decimal text, null where the price is unknown.

    The takes are made as they are asked for.
    """
    return {
        "takes": (_take_json(step, step.take, plan.currency) for step in plan.takes if step.take is not None),
        "debts": [_request_json(debt.step) for debt in plan.debts],
        "retired": [_request_json(step) for step in plan.retired],
        "totals": _totals_json(plan),
        "provider": {
            "name": destination.provider,
            "region": destination.region,
            "base_url": destination.base_url,
            "charged": destination.is_charged,
            "prices_as_of": destination.prices_as_of.isoformat(),
        },
        "warnings": [problem_json(problem) for problem in warnings],
    }


def _take_json(step: Step, take: Take, currency: str) -> dict[str, Any]:
    asked, size = take.request, take.size
    return {
        "take": take.id,
        "shot": take.shot_id,
        "action": step.action,
        "reasons": list(step.reasons),
        "model": asked.model,
        "resolution": asked.parameters.resolution,
        "seed": asked.parameters.seed,
        "audio": asked.parameters.audio,
        "prompt": asked.prompt,
        "width_px": size and size.width_px,
        "height_px": size and size.height_px,
        "seconds": asked.parameters.duration_s,
        "unit_price": decimal_text(take.unit_price),
        "cost": decimal_text(step.cost),
        "currency": currency,
        "tags": list(take.tags),
        "waits_for": [*dict.fromkeys((*take.origins, *step.sources))],
        "prepared": [{"medium": given.role, "file": given.name, "recipe": list(given.recipe)} for given in _made(step)],
    }


def _request_json(step: Step) -> dict[str, Any]:
    """A request on record, and what is done about it; `account` is null where that was not noted."""
    account = step.asked.account
    return {
        "request": None if step.record is None else step.record.key,
        "take": step.take_id,
        "action": step.action,
        "reasons": list(step.reasons),
        "account": None if account is None else asdict(account),
    }


def _totals_json(plan: Plan) -> dict[str, Any]:
    models = plan.totals()
    return {
        "currency": plan.currency,
        "cost": decimal_text(plan.cost),
        "under_way": decimal_text(plan.under_way),
        "unpriced": len(plan.unpriced),
        "seconds": sum(total.seconds for total in models),
        "takes": len(plan.takes),
        "renders": sum(total.renders for total in models),
        "models": [
            {
                "model": total.model,
                "takes": total.takes,
                "renders": total.renders,
                "seconds": total.seconds,
                "cost": decimal_text(total.cost),
                "unpriced": total.unpriced,
            }
            for total in models
        ],
    }
