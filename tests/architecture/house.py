"""The house: the order of its packages, and the rooms that touch nothing of the world.

`python -m tests.architecture.house` names the files of the pure rooms.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import kfpipe

PACKAGE: Final = Path(kfpipe.__file__).parent

_FROM_LEFT_TO_RIGHT: Final = """
version wording errors domain gcpause addresses | catalogue environment events | files provider | lock manifest | media
| takes | project | plan | runner review | connection maintenance | session | api | cli
"""

ORDER: Final = tuple(name for name in _FROM_LEFT_TO_RIGHT.split() if name != "|")
"""A package imports from itself and from those to its left; `emulator` from nobody."""

ENTRANCES: Final = ("__init__", "__main__")
"""The doors of the house lead everywhere."""

HOSTS: Final = ("connection", "cli")
"""Who may start the emulator."""

WORLD: Final = {"anyio", "httpx", "time", "random", "os", "rich", "socket", "subprocess", "threading", "tempfile"}

WORLDLY: Final = frozenset(
    f"{package}.{room}" if room else package
    for package, named in {
        "api": "",
        "cli": "entry commands.cancel commands.doctor commands.prune commands.reconcile commands.run "
        "completion.candidates completion.shells output.streams output.cells views.live views.watch",
        "connection": "",
        "emulator": "",
        "environment": "",
        "files": "durable git statcache",
        "lock": "claim ledger workspace",
        "maintenance": "cancel doctor reconcile",
        "media": "download placement",
        "plan": "planfile revision",
        "provider": "transport upload_cache uploads",
        "review": "output",
        "runner": "adopter breaker context fetcher follower gate interlock lane plan_queue retry run settings shields "
        "signals slots submitter",
        "session": "",
    }.items()
    for room in named.split() or [""]
)
"""The rooms that ask the clock, the system, the network or chance, or hand that on; all others are pure."""


def rooms() -> Iterator[tuple[str, Path]]:
    """Every module of the package by its name, `plan.decide`, and its file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts), path


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever it does; `from package import module` means the module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner.removeprefix("kfpipe.") in _NAMES else node.module


def own_imports(path: Path) -> Iterator[str]:
    """Those of the package's own rooms."""
    return (name.removeprefix("kfpipe.") for name in imports(path) if name.startswith("kfpipe."))


def package_of(room: str) -> str:
    return room.partition(".")[0]


def is_pure(room: str) -> bool:
    return room not in ENTRANCES and room not in WORLDLY and package_of(room) not in WORLDLY


_NAMES: Final = {name for name, _ in rooms()}

if __name__ == "__main__":
    sys.stdout.write(",".join(str(path) for room, path in rooms() if is_pure(room)))
