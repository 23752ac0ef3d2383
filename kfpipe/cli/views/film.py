"""The making of a film as a person watches it: a bar on a screen, nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kfpipe.cli.output import streams


@contextmanager
def filming(frames: int) -> Iterator[Callable[[int], object]]:
    """Takes how many of the film's frames there are so far, and shows it on stderr as long as the block lasts."""
    if not streams.is_screen(sys.stderr):
        yield lambda _: None
        return
    from rich.console import Console  # a tenth of a second to load, and only screens need it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False, color_system=streams.colour_system())
    columns = (
        TextColumn("film"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("film", total=frames)
        yield lambda done: bar.update(task, completed=done)
