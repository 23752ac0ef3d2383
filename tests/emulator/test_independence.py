"""The emulator examines the client, so it must not have learnt from it."""

from __future__ import annotations

import ast
from pathlib import Path

import kfpipe.emulator

ROOM = Path(kfpipe.emulator.__file__).parent


def imported_names(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_emulator_imports_nothing_of_the_client():
    foreign = {
        (path.name, name)
        for path in ROOM.rglob("*.py")
        for name in imported_names(path)
        if name.partition(".")[0] == "kfpipe" and not name.startswith("kfpipe.emulator")
    }
    assert foreign == set()
