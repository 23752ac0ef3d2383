"""Advice that was written for a YAML file, in the words of someone who only knows a table."""

from __future__ import annotations

import json
import re

_ASSIGNMENT = re.compile(r"`([a-z][\w.]*): ((?:[^`\"]|\"(?:[^\"\\]|\\.)*\")+)`")
_PHRASES = (
    (re.compile(r"delete (the|this) line"), "empty the cell"),
    (re.compile(r"add a line like (`[^`]*`)"), r"add \1"),
    (re.compile(r"in this shot\b"), "in this row"),
    (re.compile(r"lines of `key: value`"), "columns such as `vars.sky`"),
    (re.compile(r"\bthe line\b"), "the cell"),
)


def in_cells(text: str) -> str:
    """`text` with cells, rows and columns in place of lines; values as they are typed into a cell."""
    for pattern, words in _PHRASES:
        text = pattern.sub(words, text)
    return _ASSIGNMENT.sub(_cell, text)


def _cell(found: re.Match[str]) -> str:
    """`seed: 7` is a 7 in the column `seed`; the example `key: value` stands for no field."""
    name, value = found.groups()
    if name == "key":
        return found.group()
    if value.startswith('"'):
        value = str(json.loads(value))
    elif value.startswith("["):
        value = value.strip("[]").replace(",", "")
    return f"`{value}` in the column `{name}`"


def cell_name(line: int, column: int) -> str:
    """A cell as a spreadsheet program names it, such as C2; both count from 1."""
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{line}"
