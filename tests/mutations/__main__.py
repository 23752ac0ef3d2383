"""`python -m tests.mutations [NAME...]`: the tests notice each change of the table; prints which test does.

Works on a copy of the project. `--list` prints the table as docs/reliability.md has it instead. Ends with 1 when a
mutation survives, with 2 when the table does not fit the code any more.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.mutations.mutation import Mutation, OutOfDate
from tests.mutations.table import MUTATIONS
from tests.support.places import ROOT

_PYTEST: Final = ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=no")
_LEFT_OUT: Final = shutil.ignore_patterns(".git", ".venv", ".cache", ".*_cache", ".hypothesis", "node_modules", "site")


def listed() -> list[str]:
    """The table as Markdown."""
    rows = [_row(f"`{one.file}`", f"`{one.name}`", ", ".join(f"`{test}`" for test in one.tests)) for one in MUTATIONS]
    return [*_head("file", "mutation", "noticed by"), *rows]


def _head(*titles: str) -> tuple[str, str]:
    return _row(*titles), _row(*["---"] * len(titles))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _write(path: Path, text: str) -> None:
    """Python tells a new module by its second and its size, which may both be those of the one before."""
    path.write_text(text, "utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()


def killer(copy: Path, tests: Iterable[str]) -> str | None:
    """The first of these tests that fails in the copy. Raises OutOfDate when they cannot be run."""
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    command = [sys.executable, *_PYTEST, *tests]
    ran = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode == 0:
        return None
    failed = re.search(r"^FAILED (.+?)(?: - .*)?$", ran.stdout, re.MULTILINE)
    if ran.returncode != 1 or failed is None:
        raise OutOfDate(f"the tests cannot be run ({ran.returncode}):\n{ran.stdout}{ran.stderr}")
    return failed[1]


def run(mutations: Sequence[Mutation]) -> list[str]:
    """Apply one after the other; the names of those that no test notices. Raises OutOfDate."""
    survivors = []
    for mutation in mutations:
        mutation.applied((ROOT / mutation.file).read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="kfpipe-mutations-") as folder:
        copy = Path(folder, "project")
        shutil.copytree(ROOT, copy, symlinks=True, ignore=_LEFT_OUT)
        if (broken := killer(copy, dict.fromkeys(test for one in mutations for test in one.tests))) is not None:
            raise OutOfDate(f"{broken} fails without any mutation")
        print("\n".join(_head("mutation", "killed by", "seconds")), flush=True)
        for mutation in mutations:
            path, began_s = copy / mutation.file, time.monotonic()
            text = path.read_text("utf-8")
            _write(path, mutation.applied(text))
            found = killer(copy, mutation.tests)
            _write(path, text)
            if found is None:
                survivors.append(mutation.name)
            print(_row(mutation.name, found or "nothing", f"{time.monotonic() - began_s:.1f}"), flush=True)
    return survivors


def main(words: Collection[str]) -> int:
    """Returns the exit code."""
    if "--list" in words:
        print("\n".join(listed()))
        return 0
    if unknown := set(words) - {mutation.name for mutation in MUTATIONS}:
        print(f"no such mutation: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    try:
        survivors = run([mutation for mutation in MUTATIONS if not words or mutation.name in words])
    except OutOfDate as error:
        print(f"the table of mutations is out of date: {error}", file=sys.stderr)
        return 2
    print(f"\nsurvivors: {', '.join(survivors) or 'none'}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
