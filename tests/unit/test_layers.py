"""The house: imports go down only, form no cycle, and the pure rooms touch nothing of the world."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import WORLD, floor_of, rooms

KNOWN = {name for name, _ in rooms()}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports; `from package import module` means the module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner.removeprefix("kfpipe.") in KNOWN else node.module


def own_imports(path: Path) -> Iterator[str]:
    for name in imports(path):
        room = name.removeprefix("kfpipe.")
        if name.startswith("kfpipe.") and room in KNOWN:
            yield room


@pytest.mark.parametrize(("room", "path"), [pytest.param(*room, id=room[0]) for room in rooms()])
def test_imports_go_down_only(room: str, path: Path) -> None:
    if room.split(".")[0] == "emulator":
        assert all(other.split(".")[0] == "emulator" for other in own_imports(path))
        return
    floor = floor_of(room)
    assert floor is not None, f"{room} stands on no floor: give it one in FLOORS"
    for other in own_imports(path):
        if other.split(".")[0] == "emulator":
            assert floor == 4, f"{room} imports {other}"
            continue
        below = floor_of(other)
        assert below is not None and below <= floor, f"{room} (floor {floor}) imports {other} (floor {below})"


@pytest.mark.parametrize(
    ("room", "path"), [pytest.param(*room, id=room[0]) for room in rooms() if floor_of(room[0]) in (0, 1)]
)
def test_pure_rooms_do_without_the_world(room: str, path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & WORLD


def test_imports_form_no_cycle() -> None:
    graph = {name: {other for other in own_imports(path) if other != name} for name, path in rooms()}
    done: set[str] = set()

    def visit(room: str, trail: tuple[str, ...]) -> None:
        assert room not in trail, " -> ".join((*trail, room))
        if room not in done:
            for other in graph[room]:
                visit(other, (*trail, room))
            done.add(room)

    for room in graph:
        visit(room, ())
