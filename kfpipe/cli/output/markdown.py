"""Text and tables for the comment on a pull request. Pure.

Whatever comes from a manifest stands as code, with every character spelt as an entity that Markdown, HTML or a host of
repositories would make something of: a link, a mention of a person, another cell.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

from kfpipe.cli.output import streams
from kfpipe.cli.output import table as tables
from kfpipe.cli.output.amounts import counted
from kfpipe.cli.output.table import Column, Table

MOST_OPEN: Final = 20
"""Rows that a reader sees without expanding them."""

LONGEST_TABLE: Final = 50_000
"""Characters; a comment that is longer than 65,536 is refused by the common hosts."""

_MARKS: Final = re.compile(r"[&<>|`*_~\[\]()!\\@#:$^{}\"]|(?<=www)\.", re.IGNORECASE)
_HARMLESS: Final = re.compile(r"[A-Za-z]+|[0-9]{1,6}(\.[0-9]{1,6})?")
"""A word or an amount, which nobody takes for anything else."""


def code(text: str) -> str:
    """The text as it is, on one line."""
    return f"<code>{_MARKS.sub(lambda mark: f'&#{ord(mark[0])};', streams.plain(text))}</code>"


def block(lines: Sequence[str]) -> list[str]:
    """The lines as they are, one below the other."""
    return ["<pre>", *(html.escape(streams.plain(line)) for line in lines), "</pre>"]


def table(rows: Table) -> list[str]:
    """The table of takes, collapsed when it is long; rows that a comment cannot hold are counted. Empty for no rows."""
    if not rows.rows:
        return []
    columns, cells = tables.used(rows)
    lines = list(_bounded(cells))
    more = len(cells) - len(lines)
    shown = ["", *_head(columns), *lines, *(["", f"and {more:,} more"] if more else []), ""]
    if len(cells) <= MOST_OPEN:
        return shown
    return ["", "<details>", f"<summary>{counted(len(cells), 'take')}</summary>", *shown, "</details>"]


def _head(columns: Sequence[Column]) -> Iterator[str]:
    yield _line([_cell(column.title) for column in columns])
    yield _line(["---:" if column.is_number else "---" for column in columns])


def _bounded(cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows as far as there is room."""
    room = LONGEST_TABLE
    for row in cells:
        line = _line([_cell(cell) for cell in row])
        room -= len(line)
        if room < 0:
            return
        yield line


def _cell(text: str) -> str:
    return text if not text or _HARMLESS.fullmatch(text) else code(text)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
