"""A plan that people agree to: saved by `kfpipe plan -o`, and compared with what `kfpipe run --plan` would do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from kfpipe.cli.options import default_manifest
from kfpipe.cli.options.choices import Choices, Selectors, choice_options
from kfpipe.cli.options.common import Command
from kfpipe.cli.options.source import Source, overlay_options, price_text
from kfpipe.cli.output.amounts import money_text
from kfpipe.connection import Destination
from kfpipe.errors import ExitCode, Problem, Refused
from kfpipe.lock.states import Approval
from kfpipe.manifest.model import PriceLine
from kfpipe.plan import planfile, saved
from kfpipe.plan.diff import Difference
from kfpipe.plan.model import Plan
from kfpipe.plan.planfile import ApprovedCost, PlanFile
from kfpipe.plan.saved import PlannedStep
from kfpipe.project import Options
from kfpipe.wording import echoed

MOST_TOLD: Final = 20


LONGEST_NAME: Final = 200


def approved_by(name: str, output: Path | None, now: datetime) -> Approval:
    """The value of `--approve`. Raises UsageError without a file to keep it, Refused."""
    if output is None:
        raise click.UsageError("--approve is kept in the plan's file: add -o FILE")
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Refused.because(
            "--approve",
            f"{echoed(name)} is not a name",
            expected=f"1 to {LONGEST_NAME} characters, and none that controls a terminal",
        )
    return Approval(by=name, at=now)


def _approved_cost(plan: Plan, approval: Approval) -> ApprovedCost:
    """What is agreed to. Raises Refused where nobody can say."""
    if plan.unpriced:
        options = " ".join(f"--price {name}=AMOUNT" for name in plan.unpriced_names)
        raise Refused.because(
            "--approve", "the plan's cost is unknown", expected="a price for every take", fix=f"give it with {options}"
        )
    return ApprovedCost(approval=approval, cost=plan.cap_cost + plan.under_way, currency=plan.currency)


def as_file(
    plan: Plan, goal: Destination, source: Source, choices: Choices, approval: Approval | None = None
) -> PlanFile:
    """The plan, and everything it was made from. Raises Refused where an approved one has no price."""
    return PlanFile(
        manifest=source.path,
        options=source.options,
        prices=tuple(map(price_text, source.options.prices)),
        select=choices.select.texts,
        retry=choices.retry,
        rerender=choices.rerender,
        new_seed=choices.new_seed,
        circumstances={
            "provider": goal.provider,
            "region": goal.region,
            "base_url": goal.base_url,
            "currency": plan.currency,
            "prices_as_of": goal.prices_as_of.isoformat(),
        },
        steps={step.id: PlannedStep.of(step) for step in plan.steps},
        approved=None if approval is None else _approved_cost(plan, approval),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """The plan in the file at `path`, and the prices given by the person who runs it."""

    path: Path
    plan: PlanFile
    prices: tuple[str, ...]

    @property
    def told(self) -> list[str]:
        """Who approved it; empty where nobody did."""
        approved = self.plan.approved
        if approved is None:
            return []
        at, cost = approved.approval.at, money_text(approved.cost, approved.currency)
        return [f"approved by {approved.approval.by} on {at:%Y-%m-%d %H:%M} UTC, up to {cost}"]

    def command(self, *more: str) -> str:
        """The command that carries the plan out, ready to paste into a shell."""
        prices = (word for text in self.prices for word in ("--price", text))
        return shlex.join(["kfpipe", "run", "--plan", str(self.path), *prices, *more])

    def check(self, now: PlanFile, choices: Choices) -> None:
        """Raise Refused, with all that has changed, unless `now`, made with the same choices, is the same plan.

        Ordinary events change a plan: a shot was edited, another run was faster, a link has expired.
        """
        told = [*self._circumstances(now.circumstances), *self._takes(now)]
        if told:
            more = len(told) - MOST_TOLD
            end = [Problem(file=str(self.path), what=f"and {more:,} more")] if more > 0 else []
            raise Refused([self._summary(now, choices), *told[:MOST_TOLD], *end])

    def _circumstances(self, now: Mapping[str, str | None]) -> Iterator[Problem]:
        for field, before in self.plan.circumstances.items():
            if before != now[field]:
                difference = Difference(field=field, before=str(before), after=str(now[field]))
                yield Problem(file=str(self.path), what=difference.text)

    def _takes(self, now: PlanFile) -> Iterator[Problem]:
        for take_id, what in saved.moved(self.plan.steps, now.steps).items():
            yield Problem(file=str(self.path), where=take_id, what=what)

    def _summary(self, now: PlanFile, choices: Choices) -> Problem:
        missing = [text for text in self.plan.prices if text not in self.prices]
        if missing:
            fix = f"a plan file cannot set prices; give them again: {' '.join(f'--price {text}' for text in missing)}"
        else:
            source = Source(path=now.manifest, options=now.options)
            fix = f"make a new plan: {source.command('plan', *choices.words, '-o', str(self.path))}"
        return Problem(file=str(self.path), what="this plan is out of date; nothing was sent", fix=fix)


def manifest_or_plan(command: Command) -> Command:
    """MANIFEST ... with the options that override them, or `--plan FILE`, which holds all of that.

    The command gets them as `sources` and `choices`, and the plan as `saved_plan`, None where there is none.
    """

    @click.argument("manifests", nargs=-1, metavar="[MANIFEST]...", type=click.Path(path_type=Path))
    @overlay_options
    @choice_options
    @click.option(
        "--plan",
        "file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Carry out a plan saved by `kfpipe plan -o`, or refuse.",
    )
    @wraps(command)
    def wrapped(
        manifests: tuple[Path, ...], options: Options, choices: Choices, file: Path | None, **own: Any
    ) -> ExitCode:
        if file is not None:
            if manifests or choices.words or replace(options, prices=()) != Options():
                raise click.UsageError(
                    "--plan already names the manifest and its options; only --price can be given with it"
                )
            return command(**_agreed(file, options.prices), **own)
        paths = manifests or (default_manifest.found(),)
        return command(
            sources=[Source(path=path, options=options) for path in paths], choices=choices, saved_plan=None, **own
        )

    return wrapped


def _agreed(file: Path, prices: tuple[PriceLine, ...]) -> dict[str, Any]:
    """What a command gets from a saved plan. Prices decide what a budget allows, so a file may not set them."""
    plan = planfile.load(file)
    return {
        "sources": [Source(path=plan.manifest, options=replace(plan.options, prices=prices))],
        "choices": Choices(
            select=Selectors(texts=plan.select), retry=plan.retry, rerender=plan.rerender, new_seed=plan.new_seed
        ),
        "saved_plan": SavedPlan(path=file, plan=plan, prices=tuple(map(price_text, prices))),
    }
