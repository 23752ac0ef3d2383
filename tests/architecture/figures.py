"""The house in figures: `python -m tests.architecture.figures`."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.architecture.house import against_the_order, circle, homonyms, rooms

LONGEST_MODULE: Final = 400
LONGEST_FUNCTION: Final = 41

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> dict[str, int]:
    """The lines of every module."""
    return {room: len(_lines(path)) for room, path in rooms()}


def functions() -> dict[str, int]:
    """The lines of every function and method, without its decorators and its docstring, by module, name and line."""
    return {
        f"{room}.{node.name}:{node.lineno}": _end(node) - node.lineno + 1 - _docstring_lines(node)
        for room, path in rooms()
        for node in ast.walk(ast.parse("\n".join(_lines(path))))
        if isinstance(node, Function)
    }


def docstring_share() -> float:
    """The part of all lines that are docstrings, those below constants included; from 0 to 1."""
    return sum(_all_docstring_lines(path) for _, path in rooms()) / sum(modules().values())


def _all_docstring_lines(path: Path) -> int:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return sum(_end(node) - node.lineno + 1 for node in nodes if _is_text(node))


def _docstring_lines(node: Function) -> int:
    first = node.body[0]
    return _end(first) - first.lineno + 1 if _is_text(first) else 0


def _is_text(node: ast.AST) -> bool:
    """Whether this is a text that stands alone, as docstrings do."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _end(node: ast.AST) -> int:
    return getattr(node, "end_lineno", 0) or 0


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def page() -> Iterator[str]:
    """The figures, one a line."""
    sizes, lengths = modules(), functions()
    largest, longest = max(sizes, key=sizes.__getitem__), max(lengths, key=lengths.__getitem__)
    counts = sorted(lengths.values())
    yield f"modules                    {len(sizes)}, the largest {largest} with {sizes[largest]} lines"
    yield f"imports against the order  {len(against_the_order())}"
    yield f"circles                    {1 if circle() else 0}"
    yield f"names with two meanings    {len(homonyms())}"
    yield f"lines of a function        median {statistics.median(counts):g}, ninth decile {_ninth_decile(counts)}"
    yield f"longest function           {longest} with {lengths[longest]} lines"
    yield f"docstrings                 {docstring_share():.1%} of the lines"


def _ninth_decile(counts: list[int]) -> int:
    return counts[len(counts) * 9 // 10]


if __name__ == "__main__":
    print("\n".join(page()))
