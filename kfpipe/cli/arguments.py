"""The words that several commands share: `--json`, `--select`, and the takes that a person decided about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from kfpipe.cli import selection
from kfpipe.domain import Take
from kfpipe.errors import ExitCode
from kfpipe.lock import Lock
from kfpipe.plan import Chosen

Command = Callable[..., ExitCode]

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
select_option = click.option(
    "-s", "--select", "selectors", multiple=True, metavar="SELECT", help="These takes alone. Repeatable."
)
json_problems_option = click.option("--json", is_flag=True, expose_value=False, help="Print problems as JSON.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person decided about takes that a run would leave alone, as selectors."""

    retry: tuple[str, ...]
    rerender: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The same as options."""
        retry = (word for text in self.retry for word in ("--retry", text))
        return (*retry, *(word for text in self.rerender for word in ("--rerender", text)))

    def among(self, takes: Sequence[Take], lock: Lock) -> dict[str, Chosen]:
        """The arguments of `api.plan` that say the same. Raises Refused when a selector names nothing."""
        return {
            "retry": selection.chosen(self.retry, takes, lock, "--retry").__contains__,
            "rerender": selection.chosen(self.rerender, takes, lock, "--rerender").__contains__,
        }


def choice_options(command: Command) -> Command:
    """`--retry` and `--rerender`; the command gets them as `choices`."""

    @click.option("--retry", multiple=True, metavar="SELECT", help="Render again what is left to decide. Repeatable.")
    @click.option("--rerender", multiple=True, metavar="SELECT", help="Render again what is done. Repeatable.")
    @wraps(command)
    def wrapped(retry: tuple[str, ...], rerender: tuple[str, ...], **own: Any) -> ExitCode:
        return command(choices=Choices(retry=retry, rerender=rerender), **own)

    return wrapped
