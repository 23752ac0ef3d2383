"""Whose account is whose: what the service shows to a key is its own, and nobody else's group is ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from kfpipe import accounts, api
from kfpipe.domain import Account, TaskStatus
from kfpipe.environment import API_KEY, Environment, now
from kfpipe.lock.states import Submitted
from kfpipe.provider import TaskReport
from tests.support.makers import asked, task

SHOTS = """\
kfpipe: 1
provider: {name: dashscope, region: singapore}
shots: [{id: kitten, model: wan2.7-i2v, first_frame: a.png, prompt: A kitten looks up.}]
"""


class Service:
    """It says the same of every task."""

    def __init__(self, status: TaskStatus) -> None:
        self.status = status

    async def look(self, task_id: str) -> TaskReport:
        return TaskReport(task_id=task_id, status=self.status)

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)


def with_key(key: str) -> Environment:
    return Environment(keys={API_KEY: key}, base_url=None, submit_timeout_s=1.0, emulator_factor=1.0)


@pytest.fixture
def project(tmp_path: Path) -> api.Project:
    Image.new("RGB", (640, 360)).save(tmp_path / "a.png")
    (tmp_path / "shots.yaml").write_text(SHOTS, "utf-8")
    return api.load(tmp_path / "shots.yaml")


def of_account(account: Account) -> Submitted:
    return Submitted(asked=asked(account=account), task=replace(task(), submitted_at=now()))


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "is_ours"), [(TaskStatus.RUNNING, True), (TaskStatus.UNKNOWN, False)])
async def test_another_account_is_ours_once_the_service_shows_its_task_to_us(
    project: api.Project, status: TaskStatus, is_ours: bool
) -> None:
    ours, before = (accounts.known(project, with_key(key)) for key in ("sk-new", "sk-old"))
    entry = of_account(before.account)
    assert not ours.is_ours(entry.asked)
    found = await accounts.recognised(project, ours, [entry], Service(status), Random(1))
    assert found.is_ours(entry.asked) is is_ours
    assert accounts.known(project, with_key("sk-new")).is_ours(entry.asked) is is_ours, "it is remembered"


def test_what_was_learned_of_one_key_is_said_of_no_other(project: api.Project) -> None:
    ours, before, stranger = (accounts.known(project, with_key(key)) for key in ("sk-new", "sk-old", "sk-strange"))
    accounts.taken_for_same(project, ours, [before.account])
    assert accounts.known(project, with_key("sk-old")).is_ours(asked(account=ours.account))
    assert accounts.known(project, with_key("sk-strange")) == stranger
