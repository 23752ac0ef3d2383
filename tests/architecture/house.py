"""The house: the order of its packages, and the rooms that touch nothing of the world.

`python -m tests.architecture.house` names the files of the pure rooms that have tests of their own.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import kfpipe

PACKAGE: Final = Path(kfpipe.__file__).parent

_FROM_LEFT_TO_RIGHT: Final = """
version wording names errors values domain gcpause addresses | catalogue keychain environment events | files provider
| lock manifest | media | takes | project | plan | runner review | connection accounts maintenance | cluster | session
| together | api | cli | handover
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
        "accounts": "",
        "api": "",
        "cli": "entry ci.github commands.cancel commands.ci_comment commands.doctor commands.models commands.prune "
        "commands.reconcile commands.review commands.run commands.run_several completion.candidates completion.shells "
        "output.backlog output.collector output.outlets output.spans output.streams "
        "output.telemetry output.cells options.waiting views.film views.live views.watch",
        "cluster": "clips database desk door handover ledger presence stills store worker",
        "connection": "",
        "emulator": "",
        "environment": "",
        "files": "durable git statcache",
        "handover": "",
        "lock": "book.account_book book.database book.presence claim ledger workspace",
        "maintenance": "cancel doctor reconcile",
        "manifest": "document.memory",
        "media": "download examination heap placement renders",
        "plan": "gather planfile revision",
        "provider": "connections transport upload_cache uploads",
        "review": "app.routes app.server app.watcher bundle output",
        "runner": "adopter breaker company context delivery examiner fetcher follower gate holding interlock lane "
        "lifecycle plan_queue retry run settings shares shields signals slots snapshot submitter sweeps watches",
        "session": "",
        "together": "",
    }.items()
    for room in named.split() or [""]
)
"""The rooms that ask the clock, the system, the network or chance, or hand that on; all others are pure."""


_PLAYED: Final = """
cli maintenance project keychain cluster.marker cluster.queues cluster.status cluster.upkeep cluster.wishes files.read
lock.book.elsewhere lock.mergedriver lock.tidy media.frames media.pictures plan.chain
review.film.conform review.film.pictures review.film.sound review.film.writing review.prepared_stills
review.row_results runner.outcome
"""

PLAYED: Final = frozenset(_PLAYED.split())
"""Pure rooms that whole runs and commands put to the test, with files and clips: their own tests cover them in part."""


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


def against_the_order() -> tuple[str, ...]:
    """Imports that run from left to right, as `plan.model imports runner.run`."""
    rank = {package: place for place, package in enumerate(ORDER)}
    return tuple(
        f"{room} imports {other}"
        for room, path in rooms()
        if room not in ENTRANCES
        for other in own_imports(path)
        if not _is_allowed(package_of(room), package_of(other), rank)
    )


def _is_allowed(importer: str, imported: str, rank: dict[str, int]) -> bool:
    if importer == imported:
        return True
    if importer == "emulator":
        return False
    if imported == "emulator":
        return importer in HOSTS
    return rank.get(imported, len(rank)) < rank.get(importer, -1)


def circle() -> tuple[str, ...]:
    """The rooms of a circle of imports, in their order; none when there is no circle."""
    graph = {room: {other for other in own_imports(path) if other != room} for room, path in rooms()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1]))
    return ()


def homonyms() -> dict[str, tuple[str, ...]]:
    """Public names of the client with two meanings, and the rooms that give them one.

    A class or a type has its name for itself. A function may share it (`journal.parsed`, `locktext.parsed`) as long as
    everyone says it with its room: once a third room imports one of them by itself, the name alone has two meanings.
    Methods, constants, private names, and what the doors of the house pass on, do not count.
    """
    types: dict[str, set[str]] = {}
    functions: dict[str, set[str]] = {}
    by_itself: set[tuple[str, str]] = set()
    for room, path in rooms():
        if package_of(room) == "emulator" or room in ENTRANCES:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        for node in tree.body:
            for name in _public_types(node):
                types.setdefault(name, set()).add(room)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                functions.setdefault(node.name, set()).add(room)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                by_itself |= {(alias.name, node.module.removeprefix("kfpipe.")) for alias in node.names}
    ambiguous = {
        name: homes
        for name, homes in functions.items()
        if len(homes) > 1 and any((name, home) in by_itself for home in homes)
    }
    shared = {name: homes for name, homes in types.items() if len(homes) > 1}
    return {name: tuple(sorted(homes)) for name, homes in sorted((ambiguous | shared).items())}


def _public_types(node: ast.stmt) -> Iterator[str]:
    """The name of a class, or of a type like `Json = dict[str, Any]`; type variables do not count."""
    names = [node.name] if isinstance(node, ast.ClassDef) else []
    if isinstance(node, ast.Assign):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
    yield from (name for name in names if name[:1].isupper() and not name.isupper())


_NAMES: Final = {name for name, _ in rooms()}

if __name__ == "__main__":
    measured = (path for room, path in rooms() if is_pure(room) and not {room, package_of(room)} & PLAYED)
    sys.stdout.write(",".join(map(str, measured)))
