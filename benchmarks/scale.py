"""What a large shot list costs: time as a ratio to reading its YAML alone, and memory.

    python benchmarks/scale.py [TAKES] [--shapes NAME ...] [--runs N]

The measure is the draining of PyYAML's events, with its parser in C, from the same takes written as one shot each.
Every figure is that of a process of its own, from its start to its end: processor time, and the most memory that it
held. `run` has nothing to render: all takes are on record and all clips are here, made by this program.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from kfpipe import api
from kfpipe.domain import Account, Take
from kfpipe.environment import STATE_HOME
from kfpipe.lock import lockfile
from kfpipe.lock.states import Asked, Fidelity, Lock, Render, Rendered, Result, Task

SEEDS = 100
TAKES_OF_A_STILL = 100
CLIP = b"stands for a clip"
OWN = ".own"  # in place of the user's folders
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

HEAD = """\
kfpipe: 1
provider: {name: emulator}
vars: {style: Realistic style}
defaults: {model: wan2.7-i2v, duration: 5}
"""

SHOT = """\
  - id: shot_%(number)06d
    tags: [reel_%(reel)d, night]
    first_frame: stills/%(first)04d.png
    last_frame: stills/%(last)04d.png
    prompt: "{{ style }}. A black kitten passes window %(number)d and looks up at the {{ sky }} sky."
    vars: {sky: evening}
"""

MATRIX_SHOT = """\
  - id: shot_%(number)06d
    first_frame: stills/%(first)04d.png
    last_frame: stills/%(last)04d.png
    prompt: "{{ style }}. A black kitten passes window %(number)d and looks up at the evening sky."
    matrix: {seed: [%(seeds)s]}
"""

ROW = """\
shot_%(number)06d,reel_%(reel)d night,stills/%(first)04d.png,stills/%(last)04d.png,\
"{{ style }}. A black kitten passes window %(number)d and looks up at the {{ sky }} sky.",evening
"""

DRAIN = """\
import sys, yaml
for event in yaml.parse(open(sys.argv[1], "rb"), yaml.CLoader):
    pass
"""

PLAN_FROM_PYTHON = "import sys, pathlib; from kfpipe import api; api.plan(api.load(pathlib.Path(sys.argv[1])))"


# ---- shot lists ----------------------------------------------------------------------------------------------------


def write_shots(folder: Path, takes: int) -> None:
    """A shot for each take, with a prompt of its own."""
    (folder / "shots.yaml").write_text(f"{HEAD}shots:\n{_filled(SHOT, takes, takes)}", "utf-8")


def write_matrix(folder: Path, takes: int) -> None:
    """Few shots with many seeds."""
    limits = f"limits: {{matrix_takes: {takes + SEEDS}}}\n"
    shots = _filled(MATRIX_SHOT, -(-takes // SEEDS), takes, seeds=", ".join(map(str, range(SEEDS))))
    (folder / "shots.yaml").write_text(f"{HEAD}{limits}shots:\n{shots}", "utf-8")


def write_table(folder: Path, takes: int) -> None:
    """A row for each take."""
    (folder / "shots.csv").write_text(
        f"id,tags,first_frame,last_frame,prompt,vars.sky\n{_filled(ROW, takes, takes)}", "utf-8"
    )
    (folder / "shots.yaml").write_text(f"{HEAD}shot_lists: [shots.csv]\n", "utf-8")


SHAPES: Mapping[str, Callable[[Path, int], None]] = {
    "shots": write_shots,
    "matrix": write_matrix,
    "table": write_table,
}


def _filled(template: str, count: int, takes: int, **more: str) -> str:
    stills = _still_count(takes)
    return "".join(
        template
        % {"number": number, "reel": number % 20, "first": number % stills, "last": (number + 1) % stills, **more}
        for number in range(count)
    )


def _still_count(takes: int) -> int:
    return 2 + takes // TAKES_OF_A_STILL


def write_stills(folder: Path, takes: int) -> None:
    """The pictures that the takes begin and end with, no two alike, older than any cache would mistrust."""
    stills = folder / "stills"
    stills.mkdir()
    for number in range(_still_count(takes)):
        still = stills / f"{number:04d}.png"
        Image.new("RGB", (640, 360), (number % 256, number // 256, 99)).save(still)
        os.utime(still, times=(LONG_AGO.timestamp(), LONG_AGO.timestamp()))


# ---- a project in which everything is rendered ---------------------------------------------------------------------


def render_all(folder: Path) -> None:
    """Put every take on record, and a file in the place of its clip."""
    project = api.load(folder / "shots.yaml")
    (folder / project.manifest.output_dir).mkdir()
    for take in project.takes:
        clip = folder / take.output
        clip.write_bytes(CLIP)
        os.utime(clip, times=(LONG_AGO.timestamp(), LONG_AGO.timestamp()))
    requests = {f"{take.id}/{number:010x}": _rendered(take) for number, take in enumerate(project.takes)}
    lockfile.save(project.lockfile_path, Lock(requests=requests))


def _rendered(take: Take) -> Rendered:
    request = take.request
    asked = Asked(
        fingerprint=take.fingerprint,
        model=request.model,
        region="emulator",
        account=Account(host="emulator"),
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        parameters=request.parameters,
        media={given.role: given.medium.digest for given in request.media},
        unit_price=take.unit_price,
        currency=take.currency,
        asked_at=LONG_AGO,
    )
    task = Task(task_id=f"task-{take.id}", request_id=f"request-{take.id}", submitted_at=LONG_AGO)
    result = Result(
        finished_at=LONG_AGO,
        video_url=f"https://results.example.com/{take.id}.mp4",
        url_expires_at=LONG_AGO + timedelta(hours=24),
        actual_prompt=None,
        billed_seconds=Decimal(request.parameters.duration_s),
        cost=take.cost,
    )
    render = Render(
        path=take.output,
        sha256=hashlib.sha256(CLIP).hexdigest(),
        size_bytes=len(CLIP),
        width_px=1280,
        height_px=720,
        fps=Decimal(30),
        duration_s=Decimal(request.parameters.duration_s),
        audio=True,
        fidelity=Fidelity(first=Decimal("1.00"), last=Decimal("1.00")),
    )
    return Rendered(asked=asked, task=task, result=result, render=render)


# ---- measuring -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Spent:
    """What a process took: seconds of processor time, seconds on the clock, and the most memory it held."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def measured(folder: Path, *words: str) -> Spent:
    """What the interpreter takes for `words`. Stops this program when it fails."""
    started_s = time.monotonic()
    variables = {**os.environ, STATE_HOME: str(folder / OWN)}
    process = subprocess.Popen([sys.executable, *words], cwd=folder, env=variables, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Spent(cpu_s=usage.ru_utime + usage.ru_stime, wall_s=time.monotonic() - started_s, peak_mb=peak_bytes / 1e6)


def _median(folder: Path, words: Sequence[str], *, of: int, cold: bool = False) -> Spent:
    """The median of what `words` take, by processor time; `cold` when kfpipe is to remember nothing of the files."""
    runs = []
    for _ in range(of):
        if cold:
            for known in (".kfpipe", OWN):
                shutil.rmtree(folder / known, ignore_errors=True)
        runs.append(measured(folder, *words))
    return sorted(runs)[len(runs) // 2]


DRAINED = ("-c", DRAIN, "shots.yaml")
PLANNED = (
    ("plan, files unknown", ("-m", "kfpipe", "plan", "shots.yaml")),
    ("validate", ("-m", "kfpipe", "validate", "shots.yaml")),
    ("plan, from Python", ("-c", PLAN_FROM_PYTHON, "shots.yaml")),
    ("plan", ("-m", "kfpipe", "plan", "shots.yaml")),
    ("plan --json", ("-m", "kfpipe", "plan", "shots.yaml", "--json")),
)
RUN = ("-m", "kfpipe", "run", "shots.yaml")


def figures(shape: str, takes: int, runs: int) -> Iterator[tuple[str, Spent]]:
    """What each command takes for a shot list of this shape, the commands in the order of their work."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_stills(folder, takes)
        SHAPES[shape](folder, takes)
        for title, words in PLANNED:
            yield title, _median(folder, words, of=runs, cold=title.endswith("unknown"))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:  # a child inherits its parent's peak
            apart.submit(render_all, folder).result()
        yield "run, files unknown", _median(folder, RUN, of=runs, cold=True)
        yield "run, all rendered", _median(folder, RUN, of=runs)


def drained(takes: int, runs: int) -> Spent:
    """The measure of all others."""
    with tempfile.TemporaryDirectory() as name:
        write_shots(Path(name), takes)
        return _median(Path(name), DRAINED, of=runs)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("takes", nargs="?", type=int, default=100_000)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="measure each N times, and print the median")
    given = parser.parse_args(arguments)
    measure = drained(given.takes, given.runs)
    _tell("", "YAML events drained", measure, measure)
    for shape in given.shapes:
        for title, spent in figures(shape, given.takes, given.runs):
            _tell(shape, title, spent, measure)


def _tell(shape: str, title: str, spent: Spent, measure: Spent) -> None:
    seconds = f"{spent.cpu_s:8.2f} s ({spent.wall_s:.2f} s on the clock)"
    sys.stdout.write(f"{shape:8}{title:22}{seconds:34}{spent.cpu_s / measure.cpu_s:6.2f} x{spent.peak_mb:8.0f} MB\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
