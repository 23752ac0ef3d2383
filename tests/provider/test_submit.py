"""Creating a task: what is sent, and what each kind of answer, or none, means for the money."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from kfpipe.domain import MediaRole
from kfpipe.errors import AccountRefused, KfpipeError, ServiceRefused, ServiceUnclear
from kfpipe.provider.client import DashScope
from kfpipe.provider.codes import NOT_CONNECTED
from kfpipe.provider.last_check import last_check
from tests.provider.conftest import KEY, Act, Stub, hang_up, render_request, reply, reset, stay_silent, talk_forever

pytestmark = pytest.mark.anyio

URLS = {MediaRole.FIRST_FRAME: "https://host.example/a.png", MediaRole.LAST_FRAME: "https://host.example/b.png"}
CREATED = {"request_id": "r1", "output": {"task_id": "t1", "task_status": "PENDING"}}

Client = Callable[..., DashScope]


async def submit(client: DashScope, urls: dict[MediaRole, str] = URLS, **changes: Any) -> Any:
    async with client:
        return await client.submit(render_request(**changes), urls)


async def test_the_request_carries_all_that_the_service_asks_for(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(200, CREATED)]
    accepted = await submit(dashscope(stub.base_url, workspace="ws-1"), negative_prompt="blurry")
    assert (accepted.task_id, accepted.request_id) == ("t1", "r1")
    [heard] = stub.heard
    assert (heard.method, heard.target) == ("POST", "/api/v1/services/aigc/video-generation/video-synthesis")
    assert heard.headers["authorization"] == f"Bearer {KEY}"
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["x-dashscope-async"] == "enable"
    assert heard.headers["x-dashscope-workspace"] == "ws-1"
    assert "x-dashscope-ossresourceresolve" not in heard.headers
    assert json.loads(heard.body) == {
        "model": "wan2.7-i2v",
        "input": {
            "prompt": "A kitten looks up.",
            "negative_prompt": "blurry",
            "media": [
                {"type": "first_frame", "url": "https://host.example/a.png"},
                {"type": "last_frame", "url": "https://host.example/b.png"},
            ],
        },
        "parameters": {"resolution": "720P", "duration": 5, "prompt_extend": False, "watermark": False, "seed": 42},
    }


async def test_what_may_not_leave_any_more_when_its_connection_stands_is_never_heard(
    stub: Stub, dashscope: Client
) -> None:
    def too_late() -> None:
        raise ServiceRefused(NOT_CONNECTED, "too late", status=0)

    stub.script = [reply(200, CREATED)] * 2
    async with dashscope(stub.base_url) as client:
        with last_check(too_late), pytest.raises(ServiceRefused, match="too late"):
            await client.submit(render_request(), URLS)
        accepted = await client.submit(render_request(), URLS)
    assert accepted.task_id == "t1"
    assert len(stub.heard) == 1


async def test_a_keyframe_model_has_its_own_path_and_fields(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(200, CREATED)]
    await submit(dashscope(stub.base_url), model="wan2.2-kf2v-flash")
    [heard] = stub.heard
    assert heard.target == "/api/v1/services/aigc/image2video/video-synthesis"
    assert json.loads(heard.body)["input"] == {
        "prompt": "A kitten looks up.",
        "first_frame_url": "https://host.example/a.png",
        "last_frame_url": "https://host.example/b.png",
    }


async def test_uploaded_frames_are_announced_in_a_header(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(200, CREATED)]
    await submit(dashscope(stub.base_url), URLS | {MediaRole.LAST_FRAME: "oss://folder/b.png"})
    assert stub.heard[0].headers["x-dashscope-ossresourceresolve"] == "enable"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"code": "InvalidParameter", "message": "url error, please check url", "request_id": "r1"}),
        (400, {"code": "InternalError.Algo.InvalidParameter", "message": "no", "request_id": "r1"}),
        (400, {"code": "NeverHeardOf", "message": "no", "request_id": "r1"}),
        (404, b"<html>no such page</html>"),
        (429, {"code": "Throttling.RateQuota", "message": "slow down", "request_id": "r1"}),
        (200, {"code": "InvalidParameter", "message": "no", "request_id": "r1"}),
    ],
)
async def test_a_decided_refusal_means_that_there_is_no_task(
    stub: Stub, dashscope: Client, status: int, body: Any
) -> None:
    stub.script = [reply(status, body)]
    with pytest.raises(ServiceRefused) as refused:
        await submit(dashscope(stub.base_url))
    assert refused.value.status == status
    if isinstance(body, dict):
        assert (refused.value.code, refused.value.message) == (body["code"], body["message"])
        assert refused.value.request_id == "r1"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"code": "InvalidApiKey", "message": "Invalid API-key provided."}),
        (401, b"<html>who are you</html>"),
        (400, {"code": "Arrearage", "message": "overdue"}),
        (403, {"code": "Model.AccessDenied", "message": "not yours"}),
        (429, {"code": "PrepaidBillOverdue", "message": "overdue"}),
        (429, {"code": "Throttling.AllocationQuota", "message": "Free allocated quota exceeded."}),
    ],
)
async def test_a_refused_account_is_told_apart_by_its_code(
    stub: Stub, dashscope: Client, status: int, body: Any
) -> None:
    stub.script = [reply(status, body)]
    with pytest.raises(AccountRefused):
        await submit(dashscope(stub.base_url))


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(hang_up, id="closed without an answer"),
        pytest.param(reset, id="reset"),
        pytest.param(stay_silent, id="silence"),
        pytest.param(reply(200, b'{"output": {"task_id": "t', Content_Length="9999"), id="answer cut off"),
        pytest.param(reply(200, b"<html>welcome</html>"), id="unreadable answer"),
        pytest.param(reply(200, b"[" * 100_000), id="answer nested too deep"),
        pytest.param(reply(200, {"request_id": "r1", "output": {"task_status": "PENDING"}}), id="no task id"),
        pytest.param(reply(200, {"request_id": "r1", "code": "InternalError"}), id="200 with a code"),
        pytest.param(reply(302, b"", Location="https://elsewhere.example/"), id="redirect"),
        pytest.param(reply(408, b""), id="408"),
        pytest.param(reply(500, {"code": "InternalError", "message": "sorry"}), id="500 without a verdict"),
        pytest.param(reply(500, {"code": "NeverHeardOf"}), id="500 with an unknown code"),
        pytest.param(reply(429, b"<html>slow down</html>"), id="429 of a gateway"),
        pytest.param(reply(500, {"code": "DataInspectionFailed", "message": "no"}), id="500 with a code that decides"),
        pytest.param(reply(503, {"code": "Throttling", "message": "no"}), id="503 with a code that decides"),
        pytest.param(reply(502, b"<html>bad gateway</html>"), id="502 page"),
        pytest.param(reply(503, {"code": "ModelUnavailable", "message": "later"}), id="503 with a code"),
        pytest.param(reply(504, b""), id="504"),
    ],
)
async def test_an_unclear_outcome_is_said_to_be_unclear_and_the_request_is_not_repeated(
    stub: Stub, dashscope: Client, act: Act
) -> None:
    stub.script = [act]
    with pytest.raises(ServiceUnclear):
        await submit(dashscope(stub.base_url, submit_timeout_s=0.3))
    assert len(stub.heard) == 1


async def test_an_endless_answer_is_cut_off(stub: Stub, dashscope: Client) -> None:
    stub.script = [talk_forever]
    with pytest.raises(ServiceUnclear, match="longer than 4,194,304 bytes"):
        await submit(dashscope(stub.base_url))


async def test_without_a_connection_there_is_certainly_no_task(dashscope: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServiceRefused) as refused:
        await submit(dashscope(f"http://127.0.0.1:{port}/api/v1"))
    assert (refused.value.code, refused.value.status) == ("kfpipe.NotConnected", 0)


@pytest.mark.parametrize(
    ("wish", "expected_s"),
    [("7", 7.0), ("1.5", 1.5), ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0), ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0)]
    + [(nonsense, None) for nonsense in ("soon", "nan", "", "1e400", "Sun, 99 Nov 2026 12:00:30 GMT")],
)
async def test_the_services_wish_for_a_pause_is_passed_on(
    stub: Stub, dashscope: Client, wish: str, expected_s: float | None
) -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    stub.script = [reply(429, {"code": "Throttling"}, Retry_After=wish)]
    with pytest.raises(ServiceRefused) as refused:
        await submit(dashscope(stub.base_url, now=lambda: noon))
    assert refused.value.retry_after_s == expected_s


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_an_echoed_key_reaches_no_error(stub: Stub, dashscope: Client, status: int) -> None:
    code = {400: "InvalidParameter", 401: "InvalidApiKey", 500: "InternalError"}[status]
    stub.script = [reply(status, {"code": code, "message": f"you sent {KEY}!", "request_id": KEY})]
    client = dashscope(stub.base_url)
    with pytest.raises(KfpipeError) as raised:
        await submit(client)
    told = f"{raised.value!s} {vars(raised.value)} {client!r}"
    assert "you sent ***!" in told
    assert KEY not in told


@pytest.mark.parametrize("act", [hang_up, stay_silent, reply(200, b"nonsense")])
async def test_no_error_drags_the_request_and_its_key_along(stub: Stub, dashscope: Client, act: Act) -> None:
    stub.script = [act]
    with pytest.raises(KfpipeError) as raised:
        await submit(dashscope(stub.base_url, submit_timeout_s=0.2))
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


async def test_messages_are_cut_and_lose_their_control_characters(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(400, {"code": "InvalidParameter", "message": "\x1b[31mred\x1b[0m\u202e " + "x" * 5000})]
    with pytest.raises(ServiceRefused) as refused:
        await submit(dashscope(stub.base_url))
    assert refused.value.message.isprintable()
    assert len(refused.value.message) == 500
