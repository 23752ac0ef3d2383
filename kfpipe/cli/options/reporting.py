"""Options that say who hears of a run: a file of events, a log, people elsewhere, OpenTelemetry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from kfpipe.cli.options.common import Command
from kfpipe.cli.output import event_log, logs, telemetry
from kfpipe.cli.output.event_log import Tell
from kfpipe.errors import ExitCode
from kfpipe.events import Event

NOTIFY: Final = "KFPIPE_NOTIFY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """`notify` are addresses as Apprise has them; `log_level` is None without a log."""

    events: Path | None = None
    notify: tuple[str, ...] = ()
    with_prompts: bool = False
    log_level: str | None = None
    log_json: bool = False

    @property
    def is_logged(self) -> bool:
        """Whether a log on stderr takes the place of the progress that people watch."""
        return self.log_level is not None or self.log_json

    @contextmanager
    def receiving(self) -> Iterator[Tell]:
        """A receiver of events for the file, the log and OpenTelemetry. Raises StorageFailed, Refused."""
        with event_log.appending(self.events) as written, telemetry.sending() as collected:
            logged = logs.receiver(self.log_level or "info", as_json=self.log_json) if self.is_logged else None

            def tell(event: Event, manifest: str | None = None, /) -> None:
                written(event, manifest)
                collected(event, manifest)
                if logged is not None:
                    logged(event, manifest)

            yield tell


def reporting_options(command: Command) -> Command:
    """The options; the command gets them as one `reporting`."""

    @click.option(
        "--events", type=click.Path(path_type=Path), metavar="FILE", help="Append events to a file, as JSON lines."
    )
    @click.option(
        "--notify",
        multiple=True,
        metavar="URL",
        envvar=NOTIFY,
        help="Say how the run ended, what it cost, and what is to be decided; an address of Apprise. Repeatable.",
    )
    @click.option("--notify-prompts", "with_prompts", is_flag=True, help="With --notify: include prompts.")
    @click.option(
        "--log-level",
        type=click.Choice(logs.LEVELS),
        help="Log to stderr from this level on, instead of the progress.",
    )
    @click.option("--log-json", is_flag=True, help="Log JSON lines.")
    @wraps(command)
    def wrapped(
        events: Path | None,
        notify: tuple[str, ...],
        with_prompts: bool,
        log_level: str | None,
        log_json: bool,
        **own: Any,
    ) -> ExitCode:
        telemetry.signals()  # refuses before anything else is done
        reporting = Reporting(
            events=events, notify=notify, with_prompts=with_prompts, log_level=log_level, log_json=log_json
        )
        return command(reporting=reporting, **own)

    return wrapped
