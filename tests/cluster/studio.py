"""Several machines on this one: workers as processes of their own, runs of several people, one emulator for all."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from kfpipe.cluster.address import Address
from kfpipe.emulator import Emulator
from kfpipe.lock import lockfile
from kfpipe.lock.states import Rendered
from tests.support import outputs, stills
from tests.support.processes import Running, ended
from tests.support.surroundings import neutral

FACTOR = 60.0
"""How much faster than ours the service's clock runs."""

KEY = "sk-cluster-4711-secret"

MANIFEST = """\
kfpipe: 1
provider: {{name: dashscope, region: singapore}}
limits: {limits}
budget: {{max_cost: 1000, currency: USD}}
defaults: {{model: wan2.7-i2v, resolution: 720P, duration: 2, first_frame: a.png, last_frame: b.png}}
shots:
"""

LIMITS = "{submissions_per_second: 40, concurrent_tasks: 40, queries_per_second: 60}"


def project(folder: Path, shots: Mapping[str, str], limits: str = LIMITS) -> Path:
    """A manifest with these prompts by shot, and its stills."""
    folder.mkdir()
    stills.save(folder, stills.PAIR)
    rows = [f"  - {{id: {shot}, prompt: {prompt}}}\n" for shot, prompt in shots.items()]
    (folder / "shots.yaml").write_text(MANIFEST.format(limits=limits) + "".join(rows), "utf-8")
    return folder


def numbered(count: int, name: str = "shot") -> dict[str, str]:
    return {f"{name}{number}": f"The kitten looks at {name} {number}" for number in range(count)}


@dataclass
class Studio:
    """One database, one emulator, and whatever a test starts."""

    address: Address
    emulator: Emulator
    home: Path
    running: list[Running] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **neutral(),
            "DASHSCOPE_API_KEY": KEY,
            "DASHSCOPE_HTTP_BASE_URL": self.emulator.base_url,
            "KFPIPE_CLUSTER": self.address.url,
            "KFPIPE_DEBUG": "1",
        }

    def worker(self, *words: str, **environment: str) -> Running:
        started = Running("worker", *words, cwd=self.home, env=self.environment | environment)
        self.running.append(started)
        return started

    def workers(self, count: int, *words: str) -> list[Running]:
        """So many, ready."""
        started = [self.worker(*words) for _ in range(count)]
        self.until(lambda: self.query("SELECT count(*) FROM kfpipe.worker")[0][0] >= count)
        return started

    def run(self, folder: Path, *words: str) -> Running:
        started = Running("run", "shots.yaml", *words, cwd=folder, env=self.environment)
        self.running.append(started)
        return started

    def command(self, *words: str, cwd: Path | None = None, **environment: str) -> Any:
        return ended(*words, cwd=cwd or self.home, env=self.environment | environment)

    def json(self, *words: str) -> Any:
        """What a command prints for programs, as its schema has it."""
        told = self.command(*words, "--json")
        outputs.check([*words, "--json"], told.stdout)
        return json.loads(told.stdout)

    def query(self, sql: str) -> list[Any]:
        try:
            with psycopg.connect(self.address.url, autocommit=True) as link:
                return link.execute(sql).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.OperationalError):
            return [(0,)]

    def until(self, is_so: Any, limit_s: float = 60) -> float:
        """Wait until it is so; how long that took."""
        began_s = time.monotonic()
        while not is_so():
            dead = [process for process in self.running if process.returncode not in (None, 0, 130, -signal.SIGKILL)]
            assert not dead, "\n".join(text for process in dead for text in process.communicate())
            assert time.monotonic() - began_s < limit_s, "\n".join(
                text for process in self.running for text in self.told(process)
            )
            time.sleep(0.05)
        return time.monotonic() - began_s

    @staticmethod
    def told(process: Running) -> tuple[str, str]:
        """What it has printed before it was ended."""
        process.kill()
        return process.communicate(timeout=10)

    def states(self) -> Counter[str]:
        return Counter(dict(self.query("SELECT state, count(*) FROM kfpipe.request GROUP BY state")))

    def stop(self) -> None:
        for process in self.running:
            process.kill()

    @property
    def bill(self) -> Counter[str]:
        """How often each prompt was paid for."""
        return Counter(str(charge.prompt) for charge in self.emulator.bill().charges)


def finished(process: Running, code: int = 0) -> str:
    """What the run has printed at its end."""
    out, err = process.communicate(timeout=90)
    assert process.returncode == code, err + out
    return out + err


def interrupt(process: Running) -> str:
    process.send_signal(signal.SIGINT)
    return finished(process, 130)


def rendered(folder: Path) -> dict[str, Rendered]:
    """The clips that a project has on record, each in its place."""
    lock = lockfile.load(folder / "shots.lock.json")
    clips = {key.partition("/")[0]: entry for key, entry in lock.requests.items() if isinstance(entry, Rendered)}
    assert all((folder / entry.render.path).exists() for entry in clips.values())
    return clips


def planned(studio: Studio, folder: Path) -> Counter[str]:
    """What a plan without the cluster says, by action."""
    told = ended("plan", "shots.yaml", "--json", cwd=folder, env=studio.environment | {"KFPIPE_CLUSTER": ""})
    assert told.returncode == 0, told.stderr
    return Counter(take["action"] for take in json.loads(told.stdout)["takes"])
