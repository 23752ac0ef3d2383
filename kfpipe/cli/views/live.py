"""A run as a person watches it: a progress bar on a screen, lines with the time anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

from kfpipe.cli.output import streams
from kfpipe.cli.output.amounts import span_text
from kfpipe.cli.output.tone import Tone
from kfpipe.cli.views.progress import Progress, advanced, event_tone, outcome, totals, transition
from kfpipe.events import Event

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

FRAMES_PER_SECOND: Final = 8
SHOWN_TAKES: Final = 10
BAR_WIDTH: Final = 20

Emit = Callable[[Event], None]


@contextmanager
def watching() -> Iterator[Emit]:
    """A receiver of events; they are shown on stderr as long as the block lasts."""
    if streams.is_screen(sys.stderr):
        with _on_screen() as emit:
            yield emit
    else:
        yield _Log().tell


class _Standing:
    """The progress as of the last event; replaced as a whole, so that another thread can draw it at any time."""

    def __init__(self) -> None:
        self.progress = Progress(started_s=time.monotonic())

    def follow(self, event: Event) -> Progress:
        """Take the event in; the progress before it."""
        before = self.progress
        self.progress = advanced(before, event, time.monotonic())
        return before


class _Log:
    def __init__(self) -> None:
        self._standing = _Standing()

    def tell(self, event: Event) -> None:
        line = transition(event, self._standing.follow(event))
        if line is not None:
            streams.note(f"{datetime.now().astimezone():%H:%M:%S} {line}")


@contextmanager
def _on_screen() -> Iterator[Emit]:
    from rich.console import Console  # a tenth of a second to load, and only screens need it
    from rich.live import Live
    from rich.text import Text

    standing = _Standing()
    console = Console(stderr=True, highlight=False, color_system=streams.colour_system())
    with Live(
        console=console,
        get_renderable=lambda: _picture(standing.progress, time.monotonic()),
        refresh_per_second=FRAMES_PER_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):

        def tell(event: Event) -> None:
            line = outcome(event, standing.follow(event), with_path=False)
            if line is not None:
                console.print(_coloured(Text(streams.plain(line)), event))

        yield tell


def _coloured(line: Text, event: Event) -> Text:
    """The line with the take at its beginning in the colour of what became of it."""
    tone = event_tone(event)
    if tone is not None:
        line.stylize("red" if tone is Tone.FAILED else "green", 0, line.plain.index(":"))
    return line


def _picture(progress: Progress, now_s: float) -> RenderableType:
    """The bar with the totals, and the takes that have been under way longest."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    if not progress.work:
        return Text("starting")
    head = Table.grid(padding=(0, 1, 0, 0))
    head.add_row(
        ProgressBar(
            total=progress.work,
            completed=progress.done,
            width=BAR_WIDTH,
            style="dim",
            complete_style="green",
            finished_style="green",
        ),
        Text(totals(progress, now_s)),
    )
    rows = Table.grid(padding=(0, 2, 0, 0))
    for take_id, active in islice(progress.active.items(), SHOWN_TAKES):
        age = span_text(now_s - active.since_s)
        rows.add_row(Text(take_id), Text(active.state, style="dim"), Text(age, style="dim"))
    more = len(progress.active) - SHOWN_TAKES
    hidden = [Text(f"and {more:,} more", style="dim")] if more > 0 else []
    return Group(head, rows, *hidden)
