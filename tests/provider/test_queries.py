"""Asking for tasks: which request is made, and what an odd answer amounts to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from kfpipe.domain import TaskStatus
from kfpipe.emulator import Emulator
from kfpipe.errors import AccountRefused, Refused, ServiceRefused, ServiceUnclear
from kfpipe.provider import LARGE_PAGE_SIZE, Provider, TaskReport
from kfpipe.provider.client import DashScope
from tests.provider.conftest import KEY, Stub, hang_up, render_request, reply

pytestmark = pytest.mark.anyio

Client = Callable[..., DashScope]


async def finished(provider: Provider, task_id: str) -> TaskReport:
    for _ in range(1000):
        report = await provider.look(task_id)
        if report.status.is_final:
            return report
        await anyio.sleep(0.02)
    raise AssertionError("the task does not end")


async def test_a_task_is_followed_from_submission_to_its_line_in_the_list(
    emulator: Emulator, dashscope: Client, still: Any
) -> None:
    request = render_request(still("a.png"), still("b.png", "gold"))
    async with dashscope(emulator.base_url) as provider:
        await provider.check_account()
        accepted = await provider.submit(request, await provider.media_urls(request))
        report = await finished(provider, accepted.task_id)
        tasks, more = await provider.list_tasks("wan2.7-i2v", page=1)
    assert report.status is TaskStatus.SUCCEEDED, report
    assert report.orig_prompt == request.prompt
    assert (report.billed_seconds, report.resolution) == (5, "720P")
    [task] = tasks
    assert (task.task_id, task.request_id, more) == (accepted.task_id, accepted.request_id, False)


async def test_all_pages_of_the_list_can_be_read(emulator: Emulator, dashscope: Client) -> None:
    request = render_request()
    async with dashscope(emulator.base_url) as provider:
        made = {(await provider.submit(request, {})).task_id for _ in range(23)}
        listed, page, more = set(), 0, True
        while more:
            page += 1
            tasks, more = await provider.list_tasks("wan2.7-i2v", page=page)
            listed |= {task.task_id for task in tasks}
    assert listed == made
    assert page == 3


@pytest.mark.parametrize(
    "said",
    [
        {"total": 30, "total_page": 1, "page_size": 100},
        {"total": 30, "total_page": 1},
        {"total_page": 1, "page_size": 100},
        {"total": 10, "total_page": 1, "page_size": 0},
    ],
    ids=["too few", "no size", "no total", "no room"],
)
async def test_a_large_page_that_may_hide_tasks_is_refused(stub: Stub, dashscope: Client, said: dict[str, int]) -> None:
    """A task that is overlooked is paid for twice; the documented size is asked for then."""
    row = {"request_id": "r", "status": "RUNNING", "model_name": "wan2.7-i2v", "gmt_create": 1_760_000_000_000}
    rows = [{"task_id": f"task-{number}", **row} for number in range(10)]
    stub.script = [reply(200, {"request_id": "r", "data": rows, "page_no": 1, **said})]
    async with dashscope(stub.base_url) as provider:
        with pytest.raises(ServiceRefused):
            await provider.list_tasks("wan2.7-i2v", page=1, size=LARGE_PAGE_SIZE)


async def test_a_task_that_nobody_knows_is_unknown(emulator: Emulator, dashscope: Client) -> None:
    async with dashscope(emulator.base_url) as provider:
        report = await provider.look("3f6fa5d8-4b81-47d7-9315-b432c86cc8da")
    assert report.status is TaskStatus.UNKNOWN


async def test_cancelling_a_finished_task_is_refused(emulator: Emulator, dashscope: Client) -> None:
    async with dashscope(emulator.base_url) as provider:
        accepted = await provider.submit(render_request(), {})
        await finished(provider, accepted.task_id)
        with pytest.raises(ServiceRefused) as refused:
            await provider.cancel(accepted.task_id)
    assert refused.value.code == "UnsupportedOperation"


async def test_a_refused_key_is_noticed_before_anything_is_paid(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(401, {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "r"})]
    async with dashscope(stub.base_url) as provider:
        with pytest.raises(AccountRefused):
            await provider.check_account()
    [heard] = stub.heard
    assert (heard.method, heard.target) == ("GET", "/api/v1/tasks/?page_no=1&page_size=1")
    assert heard.headers["authorization"] == f"Bearer {KEY}"


async def test_a_task_id_cannot_lead_to_another_place(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(200, {"output": {"task_status": "UNKNOWN"}})]
    async with dashscope(stub.base_url) as provider:
        await provider.look("../uploads?x=1")
    assert stub.heard[0].target == "/api/v1/tasks/..%2Fuploads%3Fx%3D1"


async def test_one_connection_serves_one_query_after_the_other(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(200, {"output": {"task_status": "RUNNING"}})]
    async with dashscope(stub.base_url) as provider:
        for _ in range(3):
            await provider.look("t")
        assert stub.connections == 1


async def test_the_same_client_asks_on_after_broken_connections(stub: Stub, dashscope: Client) -> None:
    stub.script = [*[hang_up] * 20, reply(200, {"output": {"task_status": "RUNNING"}})]
    async with dashscope(stub.base_url) as provider:
        for _ in range(20):
            with pytest.raises(ServiceUnclear):
                await provider.look("t")
        assert (await provider.look("t")).status is TaskStatus.RUNNING


async def test_more_queries_at_once_than_connections_all_get_their_answer(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(200, {"output": {"task_status": "RUNNING"}})]
    async with dashscope(stub.base_url) as provider, anyio.create_task_group() as queries:
        for number in range(40):
            queries.start_soon(provider.look, f"t{number}")
    assert len(stub.heard) == 40
    assert stub.connections <= 16


@pytest.mark.parametrize(
    "url",
    [
        "http://host.example/api/v1",
        "http://localhost.host.example/api/v1",
        "https://user:pass@host.example/api/v1",
        "https://host.example/api/v1?x=1",
        "ftp://host.example",
        "https://",
        "http://[x",
        "a b",
        "",
    ],
)
async def test_an_address_that_would_expose_the_key_is_refused(dashscope: Client, url: str) -> None:
    with pytest.raises(Refused):
        dashscope(url)


@pytest.mark.parametrize("key", ["", "sk-with space", "sk-line\nbreak", "sk-ключ"])
async def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(dashscope: Client, key: str) -> None:
    with pytest.raises(Refused) as refused:
        dashscope("https://host.example/api/v1", api_key=key)
    assert not key or key not in str(refused.value)


async def test_this_machine_is_reached_past_the_proxy_of_the_environment(
    stub: Stub, dashscope: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example:1")
    stub.script = [reply(200, {"output": {"task_status": "RUNNING"}})]
    async with dashscope(stub.base_url) as provider:
        assert (await provider.look("t")).status is TaskStatus.RUNNING


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "HTTPS_PROXY"])
async def test_a_broken_environment_is_the_users_to_correct(
    dashscope: Client, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "nonsense://nowhere")
    with pytest.raises(Refused):
        dashscope("https://host.example/api/v1")
