"""The example that `kfpipe init` writes: a manifest, its stills, and a .gitignore."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from kfpipe.errors import Problem, Refused
from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir, storage
from kfpipe.files.schemas import schema_file
from kfpipe.lock.paths import STATE_DIR

MANIFEST: Final = "shots.yaml"
SCHEMA: Final = f"{STATE_DIR}/manifest.schema.json"
"""The schema that the manifest's first line refers editors to; always that of the installed version."""

_GITIGNORE: Final = ".gitignore"


def write(folder: Path) -> tuple[str, ...]:
    """Write the example into `folder`; the files that did not exist before, as paths below it.

    No file is overwritten; a `.gitignore` gets the lines that it lacks. Raises Refused when other files are in the
    way (then nothing is written), and StorageFailed.
    """
    example = dict(_example())
    missing = [name for name in example if not (folder / name).exists()]
    in_the_way = [
        name for name, content in example.items() if name not in missing and not _holds(folder, name, content)
    ]
    if in_the_way:
        raise Refused(_problem(folder / name) for name in in_the_way)
    with storage(folder):
        for name in missing:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(example[name])
        ignored = _ignore(folder / _GITIGNORE)
    write_schema(folder)
    return (*missing, *((_GITIGNORE,) if ignored else ()))


def write_schema(folder: Path) -> None:
    """Put the manifest's schema where editors look for it that have `folder` open. Raises StorageFailed."""
    with storage(folder):
        make_state_dir(folder / STATE_DIR)
        durable.replace(folder / SCHEMA, [json.dumps(schema_file("manifest"), indent=2).encode()])


def _example() -> Iterator[tuple[str, bytes]]:
    home = files("kfpipe.cli.starter")
    yield MANIFEST, home.joinpath(MANIFEST).read_bytes()
    for still in sorted(home.joinpath("frames").iterdir(), key=_name):
        yield f"frames/{still.name}", still.read_bytes()


def _name(file: Traversable) -> str:
    return file.name


def _holds(folder: Path, name: str, content: bytes) -> bool:
    path = folder / name
    return path.is_file() and path.read_bytes() == content


def _problem(path: Path) -> Problem:
    what = "this file exists and differs from the example"
    return Problem(file=str(path), what=what, fix="choose another folder: `kfpipe init FOLDER`")


def _ignore(path: Path) -> bool:
    """Have git ignore what can be made again or is secret; whether lines had to be added."""
    text = path.read_text("utf-8") if path.exists() else ""
    known = text.splitlines()
    lacking = [line for line in _ignored() if line not in known]
    if lacking:
        separator = "" if text.endswith("\n") or not text else "\n"
        durable.replace(path, [text.encode(), separator.encode(), *(f"{line}\n".encode() for line in lacking)])
    return bool(lacking)


def _ignored() -> list[str]:
    return files("kfpipe.cli.starter").joinpath("gitignore").read_text("utf-8").splitlines()
