"""The house: which rooms stand on which floor. `python -m tests.house` names the files of the pure floors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import kfpipe

PACKAGE = Path(kfpipe.__file__).parent
WORLD = {"anyio", "httpx", "time", "random", "os", "rich", "socket", "subprocess", "threading", "tempfile"}

FLOORS: dict[int, set[str]] = {
    0: {"errors", "domain"},
    1: {
        "adoption", "audit", "budget", "catalogue", "changes", "collector", "comparison", "compose", "conflict",
        "consent", "differences", "document", "entries", "events", "excerpts", "expand", "export", "findings",
        "fingerprint", "footage", "inheritance", "journal", "jsonplace", "jsontext", "links", "lock", "lockschema",
        "locktext", "manifest", "material", "matrix", "media_rules", "merge", "narrowing", "pacing", "picking",
        "planned", "planning", "polling", "prices", "prompts", "provider", "provider.codes", "provider.wire",
        "references", "rules", "schema", "shape", "shots", "steps", "tables", "takes", "timeline", "wording",
    },
    2: {
        "assets", "chain", "claim", "clip", "cuts", "digests", "doctor", "durable", "environment", "gathering",
        "handout", "lockfile", "lockplace", "media", "memory", "mergedriver", "names", "neighbours", "planfile",
        "project", "provider.client", "provider.gate", "provider.transport", "provider.upload_memory",
        "provider.uploads", "recordings", "renders", "revision", "sources", "starter", "stills",
    },
    3: {"pruning", "runner", "upkeep"},
    4: {"__main__", "api", "cli", "service"},
}  # fmt: skip


def rooms() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name:
            yield name, path


def floor_of(room: str) -> int | None:
    """The floor of a room, or of the room it is a corner of."""
    while room:
        for floor, names in FLOORS.items():
            if room in names:
                return floor
        room = room.rpartition(".")[0]
    return None


def pure_files() -> Iterator[Path]:
    """The files that touch nothing of the world: floors 0 and 1."""
    return (path for name, path in rooms() if floor_of(name) in (0, 1))


if __name__ == "__main__":
    sys.stdout.write(",".join(str(path) for path in pure_files()))
