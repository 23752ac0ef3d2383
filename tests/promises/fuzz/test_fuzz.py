"""Whatever it is fed with, the command line ends with an exit code that means something, and tells no secrets.

A cheap share of the cases runs with every test run. `KFPIPE_FUZZ_CASES=10000` asks for more of them here;
`python -m tests.promises.fuzz 10000` tries as many and prints the counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from random import Random

import pytest

from tests.promises.fuzz.cases import KEY, KINDS, SHARES, Bench, open_bench
from tests.support.places import ROOT
from tests.support.surroundings import neutral

ASKED_FOR = int(os.environ.get("KFPIPE_FUZZ_CASES", "0"))
CHEAP = {"manifests": 150, "lockfiles": 40, "journals": 30, "environments": 8, "answers": 6}
PROCESSES = {"manifests": 1, "lockfiles": 1, "answers": 1}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(tmp_path_factory.mktemp("bench").resolve()) as bench:
        yield bench


@pytest.mark.timeout(0 if ASKED_FOR else 120)
@pytest.mark.parametrize("kind", SHARES)
def test_no_input_brings_the_command_line_down(bench: Bench, kind: str) -> None:
    cases = range(round(ASKED_FOR * SHARES[kind]) or CHEAP[kind])
    found = [str(found) for number in cases if (found := bench.try_case(kind, number)) is not None]
    assert not found, "\n\n".join(found[:5])
    print(f"{kind}: {len(cases):,} cases, exit codes {bench.codes[kind]}")


@pytest.mark.parametrize("kind", PROCESSES)
def test_a_process_of_its_own_fares_no_worse(bench: Bench, kind: str) -> None:
    for number in range(PROCESSES[kind]):
        bench.clean()
        for words, environment in KINDS[kind](bench, Random(f"process {kind} {number}")):
            bench.service.begin(Random(number), 0.0)  # real time: waiting for a liar would take long
            ended = subprocess.run(
                [sys.executable, "-m", "kfpipe", *words],
                cwd=bench.folder,
                env={**neutral(), "PYTHONPATH": str(ROOT), **environment},
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            said = ended.stdout + ended.stderr
            assert ended.returncode in range(5), said
            assert "Traceback" not in said
            assert KEY not in said
