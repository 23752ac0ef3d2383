"""The acts that the matrix relies on, as a client meets them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kfpipe.emulator import Emulator
from tests.promises.faults import hurry
from tests.promises.faults.stage import Stage, stage

ONE = "- {id: kitten, prompt: A kitten looks up.}\n"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Stage]:
    """One take is rendered already."""
    with stage(tmp_path) as account:
        account.write(ONE)
        hurry.run(account.run, backend="asyncio")
        yield account


def link(account: Stage) -> str:
    return str(account.lock["kitten"].entry.result.video_url)  # type: ignore[union-attr]


def asked(emulator: Emulator, task_id: str) -> dict[str, object]:
    headers = {"Authorization": "Bearer sk-test"}
    return dict(httpx.get(f"{emulator.base_url}/tasks/{task_id}", headers=headers).json())


def test_a_patch_replaces_some_fields_and_takes_others_away(account: Stage) -> None:
    task_id = account.emulator.account.tasks()[0].id
    fields = {"output": {"task_status": "RUNNING", "video_url": None}}
    account.emulator.script({"on": "query", "nth": 1, "do": "patch", "fields": fields})
    patched, whole = asked(account.emulator, task_id)["output"], asked(account.emulator, task_id)["output"]
    assert isinstance(whole, dict)
    assert patched == {**{key: value for key, value in whole.items() if key != "video_url"}, "task_status": "RUNNING"}


def test_an_expired_link_is_refused_in_xml(account: Stage) -> None:
    account.emulator.script({"on": "download", "do": "expire"})
    refusal = httpx.get(link(account))
    assert (refusal.status_code, "<Message>Request has expired.</Message>" in refusal.text) == (403, True)


def test_a_clip_may_be_said_to_lie_elsewhere(account: Stage) -> None:
    account.emulator.script({"on": "download", "do": "redirect", "to": "https://example.com/clip.mp4"})
    moved = httpx.get(link(account))
    assert (moved.status_code, moved.headers["location"]) == (302, "https://example.com/clip.mp4")


def test_a_clip_may_claim_to_be_another_version(account: Stage) -> None:
    before = httpx.get(link(account)).headers["etag"]
    account.emulator.script({"on": "download", "nth": 1, "do": "retag"})
    assert httpx.get(link(account)).headers["etag"] != before == httpx.get(link(account)).headers["etag"]


def test_a_clip_may_never_end(account: Stage) -> None:
    account.emulator.script({"on": "download", "do": "endless"})
    with httpx.stream("GET", link(account)) as response:
        assert "content-length" not in response.headers
        received = 0
        for chunk in response.iter_raw():
            received += len(chunk)
            if received > 10_000_000:
                break
    assert received > 10_000_000
