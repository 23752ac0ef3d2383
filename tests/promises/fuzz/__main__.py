"""`python -m tests.promises.fuzz [CASES] [--only KIND] [--from NUMBER]`: try so many cases, print what came."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.promises.fuzz.cases import SHARES, open_bench


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a case was answered with anything but exit code 0 to 4 and words."""
    words = argparse.ArgumentParser(prog="python -m tests.promises.fuzz", description=__doc__)
    words.add_argument("cases", type=int, nargs="?", default=10_000)
    words.add_argument("--only", choices=[*SHARES])
    words.add_argument("--from", dest="start", type=int, default=0)
    given = words.parse_args(arguments)
    shares = {given.only: 1.0} if given.only else SHARES
    broken, total, since_s = 0, 0, time.monotonic()
    print("| input | cases | ended with |")
    print("| --- | ---: | --- |")
    with TemporaryDirectory() as folder, open_bench(Path(folder).resolve()) as bench:
        for kind, share in shares.items():
            numbers = range(given.start, given.start + round(given.cases * share))
            for number in numbers:
                found = bench.try_case(kind, number)
                if found is not None:
                    broken += 1
                    print(found, end="\n\n", file=sys.stderr, flush=True)
            total += len(numbers)
            codes = ", ".join(f"exit {code}: {count:,}" for code, count in sorted(bench.codes.get(kind, {}).items()))
            print(f"| {kind} | {len(numbers):,} | {codes} |", flush=True)
    print(f"\n{total:,} cases, {broken:,} broken rules, {time.monotonic() - since_s:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
