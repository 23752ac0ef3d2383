"""A run in another process, by its record: redrawn on a screen, elsewhere printed line by line as it changes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from kfpipe.cli.output import outlets, streams, table
from kfpipe.cli.output.table import Table
from kfpipe.cli.views import status as status_view
from kfpipe.cli.views import status_by_shot
from kfpipe.lock import claim
from kfpipe.plan.selection import KnownTake
from kfpipe.project import Project

PAUSE_S: Final = 1.0
"""Between two looks at the record."""

Show = Callable[[Sequence[KnownTake]], None]


def until_over(project: Project, look: Callable[[], Sequence[KnownTake]]) -> None:
    """Show what `look` finds on record until no run is under way, or nobody watches; the caller shows the end."""
    with _on_screen() if streams.is_screen(sys.stdout) else _in_lines() as show:
        while claim.is_taken(project.paths.claim_path) and outlets.lost(sys.stdout) is None:
            show(look())
            time.sleep(PAUSE_S)


@contextmanager
def _on_screen() -> Iterator[Show]:
    from rich.console import Console  # a tenth of a second to load, and only screens need it
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False, color_system=streams.colour_system())
    with Live(console=console, transient=True, auto_refresh=False) as live:

        def show(found: Sequence[KnownTake]) -> None:
            rows = table.drawn(status_by_shot.table(found), console.width, coloured=streams.is_coloured())
            summary = map(streams.plain, status_view.summary(found))
            live.update(Text.from_ansi("\n".join((*summary, "", *rows)), no_wrap=True), refresh=True)

        yield show


@contextmanager
def _in_lines() -> Iterator[Show]:
    told: set[tuple[str, ...]] = set()

    def show(found: Sequence[KnownTake]) -> None:
        whole = status_view.table(found)
        fresh = tuple(row for row in whole.rows if row not in told)
        title, *rows = table.lines(Table(columns=whole.columns, rows=fresh))
        streams.result(*([] if told else [title]), *rows)
        told.update(fresh)

    yield show
