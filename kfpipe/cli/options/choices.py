"""`--select`, `--retry`, `--rerender`, `--new-seed`: which takes a command is about, and which are rendered again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from typing import Any, Final

import click

from kfpipe.cli.options.common import Command
from kfpipe.errors import ExitCode, Refused
from kfpipe.plan import gather, selection
from kfpipe.plan.gather import Standing
from kfpipe.plan.model import Chosen, Plan, everything, nothing
from kfpipe.values import dataclass

MOST_NAMED: Final = 10
"""Takes that a suggested command names one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selectors:
    """The values of `--select`: without any, all takes are meant."""

    texts: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The same as options."""
        return _options("-s", self.texts)

    def among(self, now: Standing) -> Chosen:
        """Whether a take is selected. Raises Refused when a selector matches nothing."""
        if not self.texts:
            return lambda _: True
        return gather.chosen(now, self.texts, "--select")

    def words_after(self, plan: Plan) -> tuple[str, ...]:
        """Options for what is left of `plan`: what a run has done changes which takes a selector means.

        Empty where that would be too many names: then all takes of the manifest are meant.
        """
        if not any(map(selection.is_passing, self.texts)):
            return self.words
        left = [step.take_id for step in (*plan.work, *plan.undecided)]
        return _options("-s", left) if len(left) <= MOST_NAMED else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Which takes a person means, and what they decided about those that a run would leave alone, as selectors."""

    select: Selectors
    retry: tuple[str, ...]
    rerender: tuple[str, ...]
    new_seed: bool

    @property
    def words(self) -> tuple[str, ...]:
        """The same as options."""
        again = (*_options("--retry", self.retry), *_options("--rerender", self.rerender))
        return (*self.select.words, *again, *(("--new-seed",) if self.new_seed else ()))

    def words_for(self, verb: str) -> tuple[str, ...]:
        """Those of them that another command takes."""
        return self.words if verb == "run" else self.select.words

    def among(self, now: Standing) -> dict[str, Any]:
        """The arguments of `gather.plan` that say the same. Raises Refused when a selector matches nothing."""
        return {
            "select": self.select.among(now),
            "retry": gather.chosen(now, self.retry, "--retry", is_of_manifest=True),
            "rerender": gather.chosen(now, self.rerender, "--rerender", is_of_manifest=True),
            "new_seed": self.new_seed,
        }


def among_each(choices: Choices, standings: Sequence[Standing]) -> list[dict[str, Any]]:
    """The arguments of `gather.plan` for each of several projects: a selector may name takes of any of them.

    Raises Refused when one matches nothing in all of them. Where none of those that choose takes matches, none is
    chosen.
    """
    return [
        {
            "select": select if choices.select.texts else everything,
            "retry": retry,
            "rerender": rerender,
            "new_seed": choices.new_seed,
        }
        for select, retry, rerender in zip(
            _among_each(choices.select.texts, standings, "--select"),
            _among_each(choices.retry, [now.of_manifest for now in standings], "--retry"),
            _among_each(choices.rerender, [now.of_manifest for now in standings], "--rerender"),
            strict=True,
        )
    ]


def _among_each(texts: Sequence[str], standings: Sequence[Standing], option: str) -> list[Chosen]:
    known: list[list[str]] = [[] for _ in standings]
    for text in texts:
        refusals = []
        for now, own in zip(standings, known, strict=True):
            try:
                gather.chosen(now, text, option)
                own.append(text)
            except Refused as refused:
                refusals.append(refused)
        if len(refusals) == len(standings):
            raise refusals[0]
    chooses = any(not text.startswith("!") for text in texts)
    return [
        gather.chosen(now, own, option)
        if own and (not chooses or any(not text.startswith("!") for text in own))
        else (nothing if chooses or not texts else everything)
        for now, own in zip(standings, known, strict=True)
    ]


def _options(name: str, texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for text in texts for word in (name, text))


def select_option(command: Command) -> Command:
    """`--select`; the command gets it as `select`."""

    @click.option("-s", "--select", "texts", multiple=True, metavar="SELECT", help="Only these takes. Repeatable.")
    @wraps(command)
    def wrapped(texts: tuple[str, ...], **own: Any) -> ExitCode:
        return command(select=Selectors(texts=texts), **own)

    return wrapped


def choice_options(command: Command) -> Command:
    """`--select`, `--retry`, `--rerender` and `--new-seed`; the command gets them as `choices`."""

    @select_option
    @click.option(
        "--retry", multiple=True, metavar="SELECT", help="Render takes that are left to you to decide. Repeatable."
    )
    @click.option("--rerender", multiple=True, metavar="SELECT", help="Render takes again that are done. Repeatable.")
    @click.option(
        "--new-seed", is_flag=True, help="With --retry or --rerender: another seed, where the manifest gives none."
    )
    @wraps(command)
    def wrapped(
        select: Selectors, retry: tuple[str, ...], rerender: tuple[str, ...], new_seed: bool, **own: Any
    ) -> ExitCode:
        if new_seed and not (retry or rerender):
            raise click.UsageError("--new-seed says how to render again: add --retry SELECT or --rerender SELECT")
        return command(choices=Choices(select=select, retry=retry, rerender=rerender, new_seed=new_seed), **own)

    return wrapped
