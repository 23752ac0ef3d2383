"""What the command line is treated with: five kinds of hostile input, each case made from its number alone."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml
from PIL import Image

from kfpipe.lock import journal
from kfpipe.lock import text as locktext
from kfpipe.lock.states import Entry, Lock
from tests.promises.fuzz import bench, mutations
from tests.promises.fuzz.service import Service
from tests.support import makers
from tests.support.places import ROOT

KEY: Final = "sk-fuzz-5e1f0c2d9a7b4483"
EXAMPLES: Final = ROOT / "manifests"
LONGEST_SHOWN: Final = 4000

SMALL: Final = """\
kfpipe: 1
provider: {name: dashscope, region: singapore}
limits: {submissions_per_second: 50, concurrent_tasks: 4, queries_per_second: 50}
budget: {max_cost: 100, currency: USD}
output: {dir: renders}
vars: {style: calm}
defaults: {model: wan2.7-i2v, duration: 2, first_frame: a.png, last_frame: b.png}
shots:
  - {id: kitten, tags: [hero], prompt: A kitten looks up.}
  - id: monster
    prompt: "A monster, {{ mood }}, {{ style }}."
    vars: {mood: calm}
    matrix: {seed: [1, 2], exclude: [{seed: 2}]}
"""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A case in which a rule was broken."""

    kind: str
    number: int
    complaint: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number}: {self.complaint[:LONGEST_SHOWN]}"


class Bench:
    """A folder with stills and a service, in which one case after the other is tried."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.folder = folder
        self.service = service
        self.codes: dict[str, dict[int, int]] = {}
        for name, colour in (("a.png", (40, 60, 120)), ("b.png", (230, 180, 90))):
            Image.new("RGB", (640, 360), colour).save(folder / name)
        for name in ("frames", "morphs"):
            shutil.copytree(EXAMPLES / name, folder / name)
        for path in [*folder.glob("*.png"), *folder.glob("*/*")]:
            os.utime(path, (time.time() - 3600,) * 2)  # old enough to be remembered as already read

    def try_case(self, kind: str, number: int) -> Found | None:
        """Make the case and try it."""
        self.clean()
        random = Random(f"{kind} {number}")
        for words, environment in KINDS[kind](self, random):
            ended = bench.call(words, folder=self.folder, environment=environment)
            codes = self.codes.setdefault(kind, {})
            codes[ended.code or 0] = codes.get(ended.code or 0, 0) + 1
            complaint = ended.complaint(KEY)
            if complaint is None and (leaks := bench.files_with(KEY, self.folder)):
                complaint = f"the key is in {', '.join(leaks)}"
            if complaint is not None:
                return Found(kind=kind, number=number, complaint=f"{' '.join(words)}: {complaint}")
        return None

    def write(self, name: str, content: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(errors="replace"))

    def clean(self) -> None:
        """Take away what the case before has left."""
        for name in ("shots.yaml", "shots.lock.json", ".env"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "renders", ignore_errors=True)
        for path in (self.folder / ".kfpipe").glob("*"):
            if path.name != "digests.json":
                path.unlink() if path.is_file() else shutil.rmtree(path)


Steps = Iterator[tuple[Sequence[str], Mapping[str, str]]]
LOOKS: Final = (["validate"], ["plan"], ["plan", "--json"], ["status"], ["status", "--json"], ["validate", "--json"])
NOWHERE: Final = {"DASHSCOPE_HTTP_BASE_URL": "http://127.0.0.1:9/api/v1", "DASHSCOPE_API_KEY": KEY}


def _look(random: Random) -> list[str]:
    verb, *more = random.choice(LOOKS)
    return [verb, "shots.yaml", *more]


# ---- manifests ---------------------------------------------------------------------------------------------------


@cache
def _examples() -> tuple[str, ...]:
    return (SMALL, *(path.read_text("utf-8") for path in sorted(EXAMPLES.glob("*.yaml"))))


def _manifests(at: Bench, random: Random) -> Steps:
    text = random.choice(_examples())
    match random.randrange(4):
        case 0:
            at.write("shots.yaml", mutations.scribbled(text, random, random.randrange(1, 6)))
        case 1:
            at.write("shots.yaml", mutations.flipped(text.encode(), random, random.randrange(1, 6)))
        case 2:
            data = mutations.damaged(yaml.safe_load(text), random, random.choice((1, 1, 1, 4)))
            at.write("shots.yaml", _yaml(data, random))
        case _:
            at.write("shots.yaml", _yaml(_invented(random), random))
    yield _look(random), NOWHERE


def _yaml(data: Any, random: Random) -> str:
    if random.random() < 0.3:
        return json.dumps(data)  # JSON is YAML, and lets everything through
    return str(yaml.safe_dump(data, allow_unicode=True, default_flow_style=random.choice((None, False, True))))


def _invented(random: Random) -> dict[str, Any]:
    """A manifest with the right words in it, and now and then a wrong one."""

    def some(fields: Mapping[str, Callable[[], Any]], share: float) -> dict[str, Any]:
        return {
            name: mutations.value(random) if random.random() < 0.02 else make()
            for name, make in fields.items()
            if random.random() < share
        }

    words = [*mutations.TEXTS, "A kitten.", "{{ seed }} of {{ shot }}", "{{ mood }}", "{{ index }}/{{ count }}"] * 2
    shot_fields: dict[str, Callable[[], Any]] = {
        "tags": lambda: ["hero"] * random.randrange(3),
        "first_frame": lambda: random.choice(("a.png", "b.png", "frames/dawn_a.jpg", "https://example.com/a.png")),
        "last_frame": lambda: random.choice((*["b.png"] * 9, random.choice(mutations.TEXTS))),
        "prompt": lambda: random.choice((random.choice(words), {"file": random.choice(("a.png", "p.txt", ".env"))})),
        "negative_prompt": lambda: random.choice(words),
        "vars": lambda: {"mood": mutations.value(random)},
        "seed": lambda: random.choice((1, 2**31 - 1, "random")),
        "model": lambda: random.choice(("wan2.7-i2v", "wan2.2-kf2v-flash", "wan2.1-kf2v-plus")),
        "resolution": lambda: random.choice(("720P", "480P", "1080P")),
        "duration": lambda: random.randrange(1, 16),
        "attempts": lambda: random.randrange(1, 11),
        "priority": lambda: random.randrange(-5, 5),
        "matrix": lambda: {
            random.choice(("seed", "mood", "resolution", "duration")): [1, 2, *([mutations.value(random, 0)] * 2)],
            **random.choice(({}, {"exclude": [{"seed": 1}]}, {"include": [{"mood": mutations.value(random, 0)}]})),
        },
    }
    top: dict[str, Callable[[], Any]] = {
        "title": lambda: random.choice(mutations.TEXTS),
        "provider": lambda: random.choice(
            ({"name": "emulator"}, {"name": "dashscope", "base_url": random.choice(mutations.TEXTS)})
        ),
        "budget": lambda: {"max_cost": random.choice((1, 2.5, 10**20)), "currency": "USD"},
        "output": lambda: {"dir": random.choice(("renders", "a/b", "x", random.choice(mutations.TEXTS)))},
        "vars": lambda: {"mood": mutations.value(random), "style": random.choice(words)},
        "defaults": lambda: some(shot_fields, 0.5),
        "prices": lambda: {"wan2.7-i2v": {"720P": random.choice((0.1, 0, -1, 10**20))}},
    }
    shots = [
        {"id": f"shot_{number}", "first_frame": "a.png", "model": "wan2.7-i2v", **some(shot_fields, 0.3)}
        for number in range(random.choice((0, 1, 1, 1, 2, 3, 40)))
    ]
    return {"kfpipe": 1, "provider": {"name": "dashscope"}, **some(top, 0.25), "shots": shots}


# ---- what kfpipe itself has written ------------------------------------------------------------------------------


@cache
def _lock() -> Lock:
    requests: dict[str, list[Entry]] = {
        "kitten": [makers.rendered()],
        "monster": [makers.failed(number=2), makers.succeeded(number=3)],
        "gone": [makers.submitting(number=4)],
        "gone@seed=1": [makers.submitted(number=5)],
        "lost": [makers.unclear(number=6)],
        "x": [makers.failed(code="DataInspectionFailed", number=7)],
    }
    keyed = {
        makers.key(take_id, number): entry
        for take_id, entries in requests.items()
        for number, entry in enumerate(entries, 1)
    }
    return Lock(requests=keyed, picked={"x": "x"})


def _lockfiles(at: Bench, random: Random) -> Steps:
    content = b"".join(locktext.pieces(_lock()))
    match random.randrange(3):
        case 0:
            content = mutations.flipped(content, random, random.randrange(1, 4))
        case 1:
            content = mutations.scribbled(content.decode(), random, random.randrange(1, 4)).encode(errors="replace")
        case _:
            content = json.dumps(mutations.damaged(json.loads(content), random, random.randrange(1, 5))).encode()
    at.write("shots.lock.json", content)
    yield from _use(at, random)


def _journals(at: Bench, random: Random) -> Steps:
    opening = journal.header(lockfile="shots.lock.json", host="desk", pid=1, started_at=makers.NOW)
    requests = _lock().requests
    each = (journal.line({key: entry}) for key, entry in requests.items())
    lines = [opening, *each, journal.line(requests), journal.seen_line(["task-8", "task-9"], makers.NOW)]
    match random.randrange(3):
        case 0:
            content = mutations.flipped(b"".join(lines), random, random.randrange(1, 4))
        case 1:
            random.shuffle(lines)
            content = b"".join(lines[random.randrange(3) :])
        case _:
            content = b"".join(_resealed(line, random) for line in lines)
    at.write(".kfpipe/shots.journal", content)
    yield from _use(at, random)


def _resealed(line: bytes, random: Random) -> bytes:
    """A line of which the checksum is right and the rest may be anything."""
    data = json.loads(line[9:])
    if random.random() < 0.4:
        data = mutations.damaged(data, random, random.randrange(1, 4))
    seal: Any = journal._line
    return bytes(seal(data))


def _use(at: Bench, random: Random) -> Steps:
    """Look at the records, or try to continue from them; the service is away."""
    at.write("shots.yaml", SMALL)
    if random.random() < 0.15:
        yield ["run", "shots.yaml", "--retry", "*"], NOWHERE
    yield _look(random), NOWHERE


def _environments(at: Bench, random: Random) -> Steps:
    at.write("shots.yaml", SMALL)
    text = f"DASHSCOPE_API_KEY={KEY}\nDASHSCOPE_HTTP_BASE_URL=http://127.0.0.1:9/api/v1\nKFPIPE_SUBMIT_TIMEOUT=60\n"
    damage = mutations.flipped(text.encode(), random, random.randrange(1, 4))
    scribble = mutations.scribbled(text, random, random.randrange(1, 4)).encode(errors="replace")
    at.write(".env", random.choice((damage, scribble)))
    yield random.choice((_look(random), ["run", "shots.yaml"])), {}


def _answers(at: Bench, random: Random) -> Steps:
    """A run against a service that lies, another one against it, and then the records must still be sound."""
    at.write("shots.yaml", SMALL)
    at.service.begin(random, random.choice((0.1, 0.3, 0.6, 1.0)))
    there = {"DASHSCOPE_HTTP_BASE_URL": at.service.base_url, "DASHSCOPE_API_KEY": KEY}
    for _ in range(2):
        yield ["run", "shots.yaml", *random.choice(([], ["--json"]))], there
    yield ["status", "shots.yaml", "--json"], there


KINDS: Final[Mapping[str, Callable[[Bench, Random], Steps]]] = {
    "manifests": _manifests,
    "lockfiles": _lockfiles,
    "journals": _journals,
    "environments": _environments,
    "answers": _answers,
}
SHARES: Final = {"manifests": 0.65, "lockfiles": 0.15, "journals": 0.12, "environments": 0.04, "answers": 0.04}


@contextmanager
def open_bench(folder: Path) -> Iterator[Bench]:
    """A bench in the empty `folder`."""
    with Service(KEY) as service:
        yield Bench(folder, service)
