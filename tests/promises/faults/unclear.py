"""Submissions whose answer is lost, every third one: by each way to lose it, with and without a task behind it.

The bill decides: no take is paid for twice, no paid task is without its take, and none of a stranger is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import anyio
import httpx

from kfpipe.emulator.film.scene import RemoteFile
from kfpipe.emulator.tasks import Task
from kfpipe.errors import ExitCode
from kfpipe.events import Event, TakeAdopted, TakeSubmitted
from kfpipe.lock import lockfile
from kfpipe.lock.states import Lock, Unclear, task_ids
from tests.promises.faults.matrix import FOREVER_S
from tests.promises.faults.stage import HEAD, KEY, Stage, stage

TAKES: Final = 50
EVERY: Final = 3

STRANGER: Final = "sk-stranger"
COLLEAGUE: Final = "sk-colleague"
"""Of an account of its own."""

CHARGED: Final = HEAD.replace("{name: emulator}", "{name: dashscope, region: singapore}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A way to lose an answer; `created` says whether there is a task all the same."""

    how: str
    created: bool
    acts: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        return f"{self.how}, task {'created' if self.created else 'not created'}"


LOSSES: Final = tuple(
    Loss(how=how, created=created, acts=acts)
    for how, created, acts in (
        ("reset", False, [{"do": "drop"}]),
        ("reset", True, [{"do": "drop", "when": "after"}]),
        ("time-out", False, [{"do": "hang", "seconds": FOREVER_S}, {"do": "drop"}]),
        ("time-out", True, [{"do": "hang", "seconds": FOREVER_S, "when": "after"}]),
        ("502", False, [{"do": "html", "status": 502}]),
        ("502", True, [{"do": "html", "status": 502, "when": "after"}]),
        ("504", False, [{"do": "html", "status": 504}]),
        ("504", True, [{"do": "html", "status": 504, "when": "after"}]),
        ("unreadable 200", False, [{"do": "html", "status": 200}]),
        ("unreadable 200", True, [{"do": "garble"}]),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What makes the lost tasks hard to tell apart, or what happens before they are looked for.

    `acts` are more faults of the account. With a `meanwhile` the first run is broken off, and the world moves.
    `stranger` is the key of a second client of the account. One that uses our prompts cannot be told from ourselves
    by the task list: a take may be left for a decision, or be given a clip that the other client has paid for.
    """

    name: str
    shared_prompt: bool = False
    stranger: str | None = None
    copies_prompts: bool = False
    acts: Sequence[Mapping[str, Any]] = ()
    meanwhile: Callable[[Stage], Awaitable[None]] | None = None

    @property
    def is_certain(self) -> bool:
        """Whether each task can be told to be ours, and whose it is."""
        return not self.copies_prompts and not any(act["do"] == "resend" for act in self.acts)


async def _another_account(account: Stage) -> None:
    """A colleague runs the project with their own key, which leaves our debts alone."""
    account.key = COLLEAGUE
    await account.run()
    account.key = KEY


async def _merge(account: Stage) -> None:
    """Git brings the lockfile of a branch that knows nothing of this run."""
    lockfile.save(account.project.lockfile_path, Lock())


SETTINGS: Final = (
    Setting(name="alone, a prompt for each take"),
    Setting(name="alone, one prompt for all takes", shared_prompt=True),
    Setting(name="a second client with the same key, other prompts", stranger=KEY),
    Setting(name="a second client with another key, the same prompts", stranger=STRANGER, copies_prompts=True),
    Setting(name="a second client with the same key and prompts", stranger=KEY, copies_prompts=True),
    Setting(name="a gateway sends it twice", acts=[{"on": "submit", "every": EVERY, "do": "resend"}]),
    Setting(name="the list lags", acts=[{"on": "submit", "every": 1, "do": "lag", "seconds": 0.5}]),
    Setting(name="the list shows nothing", acts=[{"on": "list", "every": 1, "do": "blind"}]),
    Setting(name="killed, and run with another account", meanwhile=_another_account),
    Setting(name="killed, and an older lockfile merged", meanwhile=_merge),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What the bill and the record say when no run can settle any more by itself."""

    takes: int
    adopted: int
    paid_twice: int
    lost: int
    taken_from_others: int
    undecided: int


async def play(loss: Loss, setting: Setting, folder: Path, takes: int = TAKES) -> Count:
    """Runs under the fault, and one without it, which only finds what they have left."""
    script = [{"on": "submit", "every": EVERY, "prompt_contains": "kitten", **act} for act in loss.acts]
    with stage(folder, *script, *setting.acts, accounts={COLLEAGUE: "colleague"}) as account:
        account.write(_shots(setting, takes), CHARGED)
        async with anyio.create_task_group() as others:
            if setting.stranger is not None:
                others.start_soon(partial(_live_beside, account, setting))
            if setting.meanwhile is not None:
                await _broken_off(account, takes // 2)
                await setting.meanwhile(account)
            assert await account.run() in (ExitCode.OK, ExitCode.INCOMPLETE)
            adopted = len(account.told(TakeAdopted))
            others.cancel_scope.cancel()
        account.emulator.forgive()
        await account.run()
        return _count(account, adopted + len(account.told(TakeAdopted)))


async def _broken_off(account: Stage, tasks: int) -> None:
    """A run that ends when it has made so many tasks."""
    made = count()
    with anyio.CancelScope() as scope:

        def heard(event: Event) -> None:
            if isinstance(event, TakeSubmitted) and next(made) == tasks:
                scope.cancel()

        await account.run(heard)


def _shots(setting: Setting, takes: int) -> str:
    numbers = ", ".join(map(str, range(1, takes + 1)))
    prompt = "A kitten looks up." if setting.shared_prompt else "A kitten looks at {{ seed }} stars."
    return f'- {{id: kitten, prompt: "{prompt}", matrix: {{seed: [{numbers}]}}}}\n'


async def _live_beside(account: Stage, setting: Setting) -> None:
    """Another client of the same account, which submits tasks of the same model all the time."""
    headers = {"Authorization": f"Bearer {setting.stranger}", "X-DashScope-Async": "enable"}
    frames = [{"type": role, "url": f"https://example.com/{role}.png"} for role in ("first_frame", "last_frame")]
    async with httpx.AsyncClient(base_url=account.emulator.base_url, headers=headers, timeout=60) as client:
        for number in range(1, 1000):
            prompt = f"A kitten looks at {number} stars." if setting.copies_prompts else f"A dog, number {number}."
            body = {
                "model": "wan2.7-i2v",
                "input": {"prompt": prompt, "media": frames},
                "parameters": {"resolution": "720P", "duration": 2, "seed": 1},
            }
            with suppress(httpx.HTTPError):
                await client.post("services/aigc/video-generation/video-synthesis", json=body)
            await anyio.sleep(10.0)


def _count(account: Stage, adopted: int) -> Count:
    lock, charges = account.lock, account.emulator.bill().charges
    foreign = {task.id for task in account.emulator.account.tasks() if _is_foreign(task)}
    own = [charge for charge in charges if charge.task_id not in foreign]
    owned, requests = task_ids(account.ledger), account.ledger.requests.values()
    waiting = [entry for entry in requests if isinstance(entry, Unclear)]
    doubtful = {task_id for entry in waiting for task_id in entry.doubts.candidates}
    per_request = Counter(charge.request_digest for charge in own if charge.task_id not in doubtful)
    return Count(
        takes=len(lock),
        adopted=adopted,
        paid_twice=sum(count - 1 for count in per_request.values()),
        lost=sum(charge.task_id not in owned | doubtful for charge in own),
        taken_from_others=len(owned & foreign),
        undecided=len(waiting),
    )


def _is_foreign(task: Task) -> bool:
    """The second client hands over addresses, kfpipe its own stills."""
    return task.order is not None and any(isinstance(medium, RemoteFile) for medium in task.order.media.values())
