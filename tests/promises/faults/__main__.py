"""`python -m tests.promises.faults`: plays everything, and prints the tables of docs/reliability.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.promises.faults import hurry, page
from tests.promises.faults.matrix import ROWS
from tests.promises.faults.play import TAKES, play
from tests.promises.faults.soak import soak
from tests.promises.faults.unclear import LOSSES, SETTINGS
from tests.promises.faults.unclear import TAKES as UNCLEAR_TAKES
from tests.promises.faults.unclear import play as play_unclear


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a promise was not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.promises.faults", description=__doc__)
    parser.add_argument("--takes", type=int, default=UNCLEAR_TAKES, help="takes for each way to lose an answer")
    parser.add_argument("--soak", type=int, default=2000, help="takes of the soak")
    options = parser.parse_args(arguments)
    broken = [*_matrix()]
    print("\n".join(["", *page.table(page.UNCLEAR_HEAD, _unclear(options.takes))]), flush=True)
    with TemporaryDirectory() as folder:
        soaked = hurry.run(soak, Path(folder), options.soak, backend="asyncio")
    print("\n".join(["", *page.table(page.SOAK_HEAD, [page.soak_cells(soaked)])]), flush=True)
    return 1 if broken else 0


def _matrix() -> Iterator[str]:
    """The rows whose promise was not kept."""
    kept = 0
    for row in ROWS:
        for backend in hurry.BACKENDS:
            try:
                with TemporaryDirectory() as folder:
                    hurry.run(play, row, Path(folder), backend=backend)
                kept += 1
            except AssertionError as error:
                print(f"{row.name} ({backend}): {error}", file=sys.stderr)
                yield row.name
    print("\n".join(page.matrix()))
    played = len(ROWS) * len(hurry.BACKENDS)
    print(
        f"\n{len(ROWS)} faults on {len(hurry.BACKENDS)} event loops with {TAKES} takes each: {kept} of {played} kept."
    )


def _unclear(takes: int) -> Iterator[tuple[object, ...]]:
    for column, setting in enumerate(SETTINGS):
        for row, loss in enumerate(LOSSES):
            with TemporaryDirectory() as folder:
                backend = hurry.BACKENDS[(row + column) % len(hurry.BACKENDS)]
                count = hurry.run(play_unclear, loss, setting, Path(folder), takes, backend=backend)
            yield page.unclear_cells(setting, loss, count)


if __name__ == "__main__":
    sys.exit(main())
