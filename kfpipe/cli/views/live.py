"""A run as a person watches it: a progress bar on a screen, lines with the time anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from kfpipe.cli.output import streams
from kfpipe.cli.output.amounts import span_text
from kfpipe.cli.output.backlog import Backlog
from kfpipe.cli.output.tone import Tone
from kfpipe.cli.views.progress import Progress, advanced, event_tone, outcome, totals, transition
from kfpipe.events import Event, RunStarted

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

FRAMES_PER_SECOND: Final = 8
SHOWN_TAKES: Final = 10
BAR_WIDTH: Final = 20


class Emit(Protocol):
    """Takes an event; `name` is that of its project, where there are several."""

    def __call__(self, event: Event, name: str = "", /) -> None: ...


@contextmanager
def watching(names: Sequence[str] = ("",)) -> Iterator[Emit]:
    """A receiver of events; they are shown on stderr as long as the block lasts. `names` are those of the projects."""
    if streams.is_screen(sys.stderr):
        with _on_screen(names) as emit:
            yield emit
    else:
        with Backlog() as backlog:
            yield _Log(names, backlog).tell


class _Standing:
    """Each project's progress as of its last event; replaced as a whole, so that another thread can draw it."""

    def __init__(self, names: Sequence[str]) -> None:
        self.progress = {name: Progress(started_s=time.monotonic()) for name in names}

    def follow(self, event: Event, name: str) -> Progress:
        """Take the event in; the progress before it."""
        before = self.progress[name]
        if isinstance(event, RunStarted):
            before = replace(before, started_s=time.monotonic())  # one that had to wait for another's account
        self.progress[name] = advanced(before, event, time.monotonic())
        return before


def _of(name: str) -> str:
    return name and f"{name}: "


class _Log:
    def __init__(self, names: Sequence[str], backlog: Backlog) -> None:
        self._standing = _Standing(names)
        self._backlog = backlog

    def tell(self, event: Event, name: str = "", /) -> None:
        line = transition(event, self._standing.follow(event, name))
        if line is not None:
            self._backlog.add(f"{datetime.now().astimezone():%H:%M:%S} {_of(name)}{line}")


@contextmanager
def _on_screen(names: Sequence[str]) -> Iterator[Emit]:
    from rich.console import Console  # a tenth of a second to load, and only screens need it
    from rich.live import Live
    from rich.text import Text

    standing = _Standing(names)
    console = Console(stderr=True, highlight=False, color_system=streams.colour_system())
    with Live(
        console=console,
        get_renderable=lambda: _picture(standing.progress, time.monotonic()),
        refresh_per_second=FRAMES_PER_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):

        def tell(event: Event, name: str = "", /) -> None:
            line = outcome(event, standing.follow(event, name), with_path=False)
            if line is not None:
                console.print(Text(streams.plain(_of(name))) + _coloured(Text(streams.plain(line)), event))

        yield tell


def _coloured(line: Text, event: Event) -> Text:
    """The line with the take at its beginning in the colour of what became of it."""
    tone = event_tone(event)
    if tone is not None:
        line.stylize("red" if tone is Tone.FAILED else "green", 0, line.plain.index(":"))
    return line


def _picture(all_progress: Mapping[str, Progress], now_s: float) -> RenderableType:
    """A bar with totals for each project, and the takes that have been under way longest."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    begun = {name: progress for name, progress in all_progress.items() if progress.work}
    if not begun:
        return Text("starting")
    head = Table.grid(padding=(0, 1, 0, 0))
    for name, progress in begun.items():
        bar = ProgressBar(
            total=progress.work,
            completed=progress.done,
            width=BAR_WIDTH,
            style="dim",
            complete_style="green",
            finished_style="green",
        )
        head.add_row(*([Text(name)] if name else []), bar, Text(totals(progress, now_s)))
    rows = Table.grid(padding=(0, 2, 0, 0))
    takes = [(f"{_of(name)}{take}", active) for name, one in begun.items() for take, active in one.active.items()]
    for take, active in islice(sorted(takes, key=lambda shown: shown[1].since_s), SHOWN_TAKES):
        age = span_text(now_s - active.since_s)
        rows.add_row(Text(take), Text(active.state, style="dim"), Text(age, style="dim"))
    more = len(takes) - SHOWN_TAKES
    hidden = [Text(f"and {more:,} more", style="dim")] if more > 0 else []
    return Group(head, rows, *hidden)
