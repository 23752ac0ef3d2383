"""`kfpipe run` of several manifests: several projects, each with its own account, budget and lockfile."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from kfpipe import api, together
from kfpipe.emulator import Emulator
from kfpipe.errors import ExitCode
from kfpipe.events import Event, TakeSubmitted
from kfpipe.together import ProjectRun
from tests.cli.conftest import Call
from tests.support import surroundings
from tests.support.places import ROOT

KEYS = {"sk-north": "north", "sk-south": "south", "sk-harbour": "harbour"}


def manifest(name: str, *, account: str, budget: str = "max_cost: 5, currency: USD", prompt: str | None = None) -> str:
    return f"""\
kfpipe: 1
provider: {{name: dashscope, region: singapore, account: {account}}}
budget: {{{budget}}}
output: {{dir: renders/{name}}}
defaults: {{model: wan2.7-i2v, resolution: 720P, duration: 2, first_frame: a.png, last_frame: b.png}}
shots:
  - {{id: {name}_shot, tags: [{name}], prompt: {prompt or f"A boat of the {name}."}}}
"""


def write(folder: Path, name: str, text: str | None = None, **facts: str) -> None:
    (folder / f"{name}.yaml").write_text(text or manifest(name, **{"account": name, **facts}), "utf-8")


@pytest.fixture
def service(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A service with an account for each client, and no other key than theirs."""
    for key, name in KEYS.items():
        monkeypatch.setenv(f"DASHSCOPE_API_KEY_{name.upper()}", key)
    for name in ("north", "south"):
        write(folder, name)
    settings = {"film": "tiny", "enforces_rates": False, "api_keys": frozenset(KEYS)}
    with Emulator(factor=200, queue_s=(0, 10), run_s=(20, 60), accounts=KEYS, **settings) as running:  # type: ignore[arg-type]
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", running.base_url)
        yield running


def paid(service: Emulator) -> dict[str, list[str]]:
    """The prompts of the clips that each account was billed for."""
    bills = {name: [charge.prompt for charge in service.bill(name).charges] for name in service.accounts}
    return {name: prompts for name, prompts in bills.items() if prompts}


BOTH = {"north": ["A boat of the north."], "south": ["A boat of the south."]}


def test_each_project_is_rendered_by_its_own_account(folder: Path, kfpipe: Call, service: Emulator) -> None:
    ended = kfpipe("run", "north.yaml", "south.yaml", "--events", "events.ndjson")
    assert ended.code == 0, ended.err
    assert paid(service) == BOTH
    assert "north: 1 clip rendered: USD 0.20\nsouth: 1 clip rendered: USD 0.20\nin all: 2 clips" in ended.out
    assert ended.out.rstrip().endswith("USD 0.40")
    for name in ("north", "south"):
        (entry,) = json.loads((folder / f"{name}.lock.json").read_text("utf-8"))["requests"].values()
        assert entry["account"]["name"] == name
        assert (folder / f"renders/{name}/{name}_shot.mp4").is_file()
    lines = [json.loads(line) for line in (folder / "events.ndjson").read_text("utf-8").splitlines()]
    assert {line["manifest"] for line in lines if line["event"] == "take_rendered"} == {"north.yaml", "south.yaml"}
    again = kfpipe("run", "north.yaml", "south.yaml", "--json").json
    assert [one["manifest"] for one in again["projects"]] == ["north.yaml", "south.yaml"]
    assert again["totals"] == [
        {"currency": "USD", "charged": True, "rendered": 0, "spent": "0", "unpriced": 0},
    ]


def test_the_clients_of_the_example_are_rehearsed_in_one_command(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    surroundings.quicken(monkeypatch)
    shutil.copytree(ROOT / "manifests", folder / "manifests", ignore=shutil.ignore_patterns(".kfpipe", "renders"))
    (folder / ".git").mkdir()
    clients = [f"manifests/clients/{name}.yaml" for name in ("north", "south", "harbour")]
    ended = kfpipe("run", *clients, "--emulator", "--json").json
    assert [[take["state"] for take in one["takes"]] for one in ended["projects"]] == [["rendered"]] * 3
    assert [(one["currency"], one["charged"], one["rendered"]) for one in ended["totals"]] == [
        ("CNY", False, 1),
        ("USD", False, 2),
    ]


def test_the_problems_of_all_manifests_come_at_once_and_nothing_is_sent(
    folder: Path, kfpipe: Call, service: Emulator
) -> None:
    write(folder, "broken", manifest("broken", account="north").replace("720P", "9000P"))
    write(folder, "worse", manifest("worse", account="north").replace("a.png", "missing.png"))
    ended = kfpipe("run", "north.yaml", "broken.yaml", "worse.yaml", "absent.yaml")
    assert ended.code == 2
    assert all(f"{name}.yaml:" in ended.err for name in ("broken", "worse", "absent"))
    assert "north.yaml" not in ended.err
    assert not paid(service)


def test_one_manifest_is_not_run_twice_under_two_names(folder: Path, kfpipe: Call, service: Emulator) -> None:
    (folder / "alias.yaml").symlink_to("north.yaml")
    ended = kfpipe("run", "north.yaml", "./north.yaml", "south.yaml", "alias.yaml")
    assert ended.code == 2
    assert "north.yaml: is given twice" in ended.err
    assert "alias.yaml: is the same file as 'north.yaml'" in ended.err
    assert not paid(service)


def test_two_manifests_with_clips_in_one_place_are_refused(folder: Path, kfpipe: Call, service: Emulator) -> None:
    write(folder, "other", manifest("north", account="south"))
    ended = kfpipe("run", "north.yaml", "other.yaml")
    assert ended.code == 2
    assert "other.yaml: 'renders/north/north_shot.mp4' is also a clip of 'north.yaml'" in ended.err
    assert not paid(service)


@pytest.mark.parametrize("key", ["", "sk-unknown"])
def test_a_refused_key_stops_its_own_project_alone(
    folder: Path, kfpipe: Call, service: Emulator, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY_SOUTH", key)
    ended = kfpipe("run", "south.yaml", "north.yaml")
    assert ended.code == 4
    assert "south: " in ended.err
    assert paid(service) == {"north": BOTH["north"]}


def test_what_is_beyond_one_budget_is_asked_for_before_any_is_run(
    folder: Path, kfpipe: Call, service: Emulator
) -> None:
    write(folder, "south", budget="max_cost: 0.10, currency: USD")
    ended = kfpipe("run", "north.yaml", "south.yaml")
    assert ended.code == 3
    assert "south: the run would cost USD 0.20, USD 0.10 over the budget of USD 0.10" in ended.err
    told = kfpipe("run", "north.yaml", "south.yaml", "--max-cost", "5", "--json")  # no way around a client's own budget
    assert told.code == 3
    assert told.json["totals"] == [
        {"currency": "USD", "charged": True, "cost": "0.40", "under_way": "0", "unpriced": 0}
    ]
    assert not paid(service)


def test_max_cost_is_for_all_projects_together(folder: Path, kfpipe: Call, service: Emulator) -> None:
    ended = kfpipe("run", "north.yaml", "south.yaml", "--max-cost", "0.39")
    assert ended.code == 3
    assert "the runs would cost USD 0.40 together, over the USD 0.39 of --max-cost" in ended.err
    assert not paid(service)
    assert kfpipe("run", "north.yaml", "south.yaml", "--max-cost", "0.40").code == 0
    assert paid(service) == BOTH


def test_amounts_of_different_currencies_have_no_common_cap(folder: Path, kfpipe: Call, service: Emulator) -> None:
    text = manifest("harbour", account="harbour", budget="max_cost: 50, currency: CNY")
    write(folder, "harbour", text.replace("singapore", "beijing"))
    ended = kfpipe("run", "north.yaml", "harbour.yaml", "--max-cost", "99")
    assert ended.code == 2
    assert "one amount cannot be for CNY and USD" in ended.err
    assert not paid(service)


def test_a_clip_that_two_projects_of_one_account_want_is_paid_for_once(
    folder: Path, kfpipe: Call, service: Emulator
) -> None:
    write(folder, "north", prompt="A boat.")
    write(folder, "south", prompt="A boat.", account="north")
    assert kfpipe("run", "north.yaml", "south.yaml").code == 0
    assert paid(service) == {"north": ["A boat."]}
    assert (folder / "renders/south/south_shot.mp4").is_file()


def test_a_clip_that_two_accounts_want_is_paid_for_once(folder: Path, kfpipe: Call, service: Emulator) -> None:
    for name in ("north", "south"):
        write(folder, name, prompt="A boat.")
    assert kfpipe("run", "north.yaml", "south.yaml").code == 0
    assert paid(service) == {"north": ["A boat."]}


def test_projects_of_one_account_run_one_after_another(folder: Path, kfpipe: Call, service: Emulator) -> None:
    write(folder, "south", account="north")
    assert kfpipe("run", "north.yaml", "south.yaml", "--events", "events.ndjson").code == 0
    lines = [json.loads(line) for line in (folder / "events.ndjson").read_text("utf-8").splitlines()]
    steps = [(one["manifest"], one["event"]) for one in lines]
    assert steps.index(("north.yaml", "take_rendered")) < steps.index(("south.yaml", "take_submitted"))


def test_a_project_spends_no_more_than_its_part_of_max_cost(folder: Path, kfpipe: Call, service: Emulator) -> None:
    text = manifest("north", account="north").replace("budget:", "limits: {concurrent_tasks: 1}\nbudget:")
    write(folder, "north", text + "  - {id: later, prompt: A boat at night.}\n")
    service.script({"on": "submit", "do": "charge", "seconds": 9, "prompt_contains": "of the north"})
    ended = kfpipe("run", "north.yaml", "south.yaml", "--max-cost", "0.60")
    assert ended.code == 3
    assert paid(service)["north"] == ["A boat of the north."]


def test_a_selector_may_name_takes_of_one_project_alone(folder: Path, kfpipe: Call, service: Emulator) -> None:
    assert kfpipe("run", "north.yaml", "south.yaml", "-s", "tag:nowhere").code == 2
    ended = kfpipe("run", "north.yaml", "south.yaml", "-s", "tag:south", "-s", "!tag:north")
    assert ended.code == 0, ended.err
    assert "north: nothing to do: no take is selected" in ended.out
    assert paid(service) == {"south": BOTH["south"]}


def test_a_signal_ends_all_projects_and_the_next_run_continues(folder: Path, kfpipe: Call, service: Emulator) -> None:
    write(folder, "later", account="north")
    projects = [api.load(f"{name}.yaml") for name in ("north", "south", "later")]
    submitted: list[Event] = []

    def interrupted(event: Event) -> None:
        submitted.extend([event] if isinstance(event, TakeSubmitted) else [])
        if len(submitted) == 2:
            submitted.clear()
            os.kill(os.getpid(), signal.SIGINT)

    with ExitStack() as stack:
        sessions = [stack.enter_context(api.session(project)) for project in projects]
        ended = together.run(
            [
                ProjectRun(session=one, plan=one.plan(), plan_again=partial(one.plan), cap=None, emit=interrupted)
                for one in sessions
            ]
        )
    assert [one.finished and one.finished.exit_code for one in ended] == [ExitCode.INTERRUPTED] * 3
    assert kfpipe("run", "north.yaml", "south.yaml", "later.yaml").code == 0
    assert paid(service) == {"north": ["A boat of the north.", "A boat of the later."], "south": BOTH["south"]}


def test_a_saved_plan_is_not_for_several(folder: Path, kfpipe: Call) -> None:
    assert kfpipe("run", "a.yaml", "b.yaml", "--plan", "plan.json").code == 2
