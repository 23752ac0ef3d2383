"""Local frames on their way to the service: once per content and model, and never other bytes than were planned."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from kfpipe.domain import MediaRole, RemoteMedium
from kfpipe.emulator import Emulator
from kfpipe.errors import Refused, ServiceRefused, ServiceUnclear
from kfpipe.provider.client import DashScope
from tests.provider.conftest import KEY, Stub, render_request, reply

pytestmark = pytest.mark.anyio

Client = Callable[..., DashScope]
FIRST, LAST = MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME


def counted(emulator: Emulator, phase: str) -> int:
    return sum(request["phase"] == phase for request in emulator.requests())


def policy(stub: Stub, **changes: Any) -> dict[str, Any]:
    data = {"policy": "p", "signature": "s", "upload_dir": "folder", "upload_host": f"{stub.origin}/store"}
    return {"data": data | {"expire_in_seconds": 300, "oss_access_key_id": "id"} | changes}


def xml(code: str, message: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


async def test_frames_of_one_name_do_not_collide(emulator: Emulator, dashscope: Client, still: Any) -> None:
    request = render_request(still("a/frame.png", "red"), still("b/frame.png", "blue"))
    async with dashscope(emulator.base_url) as provider:
        urls = await provider.media_urls(request)
        await provider.submit(request, urls)
    assert urls[FIRST] != urls[LAST]
    assert all(url.startswith("oss://") for url in urls.values())
    assert (counted(emulator, "policy"), counted(emulator, "upload")) == (1, 2)


async def test_many_askers_share_one_upload(emulator: Emulator, dashscope: Client, still: Any) -> None:
    request = render_request(still("a.png"))
    async with dashscope(emulator.base_url) as provider, anyio.create_task_group() as askers:
        for _ in range(30):
            askers.start_soon(provider.media_urls, request)
    assert counted(emulator, "upload") == 1


async def test_each_model_needs_a_copy_of_its_own(emulator: Emulator, dashscope: Client, still: Any) -> None:
    frame = still("a.png")
    async with dashscope(emulator.base_url) as provider:
        for model in ("wan2.7-i2v", "wan2.2-kf2v-flash"):
            await provider.media_urls(render_request(frame, model=model))
    assert (counted(emulator, "policy"), counted(emulator, "upload")) == (2, 2)


async def test_the_next_run_reuses_a_copy_while_it_lasts(emulator: Emulator, dashscope: Client, still: Any) -> None:
    request = render_request(still("a.png"))
    start = datetime.now(UTC)
    for hours, uploads in ((0, 1), (46, 1), (48, 2)):
        at = start + timedelta(hours=hours)
        async with dashscope(emulator.base_url, now=lambda at=at: at) as provider:
            await provider.media_urls(request)
        assert counted(emulator, "upload") == uploads


async def test_another_key_or_address_does_not_reuse_the_copy(
    emulator: Emulator, dashscope: Client, still: Any
) -> None:
    request = render_request(still("a.png"))
    local = emulator.base_url.replace("127.0.0.1", "localhost")
    for base_url, key in ((emulator.base_url, KEY), (emulator.base_url, "sk-other"), (local, KEY)):
        async with dashscope(base_url, api_key=key) as provider:
            await provider.media_urls(request)
    assert counted(emulator, "upload") == 3


async def test_the_memory_holds_no_key(emulator: Emulator, dashscope: Client, still: Any, tmp_path: Path) -> None:
    async with dashscope(emulator.base_url) as provider:
        await provider.media_urls(render_request(still("a.png")))
    assert KEY not in (tmp_path / "uploads.jsonl").read_text()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: "nonsense\n",
        lambda text: '{"account": 1}\n[]\n',
        lambda text: text.replace("oss://", "https://"),
        lambda text: text.replace("+00:00", ""),
    ],
)
async def test_a_damaged_memory_costs_an_upload_and_nothing_else(
    emulator: Emulator, dashscope: Client, still: Any, tmp_path: Path, damage: Callable[[str], str]
) -> None:
    request, memory = render_request(still("a.png")), tmp_path / "uploads.jsonl"
    for _ in range(2):
        async with dashscope(emulator.base_url) as provider:
            urls = await provider.media_urls(request)
        memory.write_text(damage(memory.read_text()))
    assert urls[FIRST].startswith("oss://")
    assert counted(emulator, "upload") == 2


async def test_a_memory_that_cannot_be_written_is_done_without(
    emulator: Emulator, dashscope: Client, still: Any, tmp_path: Path
) -> None:
    async with dashscope(emulator.base_url, uploads_file=tmp_path / "missing" / "uploads.jsonl") as provider:
        urls = await provider.media_urls(render_request(still("a.png")))
    assert urls[FIRST].startswith("oss://")


async def test_lines_of_dead_copies_leave_the_memory(
    emulator: Emulator, dashscope: Client, still: Any, tmp_path: Path
) -> None:
    start = datetime.now(UTC)
    for days, colour in ((0, "red"), (3, "blue"), (3, "blue")):
        at = start + timedelta(days=days)
        async with dashscope(emulator.base_url, now=lambda at=at: at) as provider:
            await provider.media_urls(render_request(still(f"{colour}.png", colour)))
    assert len((tmp_path / "uploads.jsonl").read_text().splitlines()) == 1


async def test_a_frame_that_changed_since_the_plan_is_not_sent(
    emulator: Emulator, dashscope: Client, still: Any, tmp_path: Path
) -> None:
    changed, gone = still("a.png"), still("b.png")
    still("a.png", "red")
    (tmp_path / "b.png").unlink()
    async with dashscope(emulator.base_url) as provider:
        with pytest.raises(Refused, match="changed since it was planned") as refused:
            await provider.media_urls(render_request(changed))
        with pytest.raises(Refused, match="gone"):
            await provider.media_urls(render_request(gone))
    assert refused.value.problems[0].file == "a.png"
    assert counted(emulator, "upload") == 0


async def test_the_form_ends_with_the_file_and_goes_out_without_the_key(
    stub: Stub, dashscope: Client, still: Any, tmp_path: Path
) -> None:
    stub.script = [reply(200, policy(stub)), reply(200)]
    frame = still("a.png")
    async with dashscope(stub.base_url) as provider:
        urls = await provider.media_urls(render_request(frame))
    key = f"folder/{frame.sha256[:32]}.png"
    assert urls == {FIRST: f"oss://{key}"}
    asked, stored = stub.heard
    assert asked.target == "/api/v1/uploads?action=getPolicy&model=wan2.7-i2v"
    assert (stored.method, stored.target) == ("POST", "/store")
    assert "authorization" not in stored.headers
    *fields, file, end = stored.body.split(b"--" + stored.headers["content-type"].partition("boundary=")[2].encode())
    assert b'name="file"' in file
    assert (tmp_path / "a.png").read_bytes() in file
    assert any(key.encode() in field for field in fields)
    assert end == b"--\r\n"


async def test_leave_that_ran_out_is_asked_for_again(stub: Stub, dashscope: Client, still: Any) -> None:
    late = reply(403, xml("AccessDenied", "Invalid according to Policy: Policy expired."))
    stub.script = [reply(200, policy(stub)), late, reply(200, policy(stub, upload_dir="other")), reply(200)]
    async with dashscope(stub.base_url) as provider:
        urls = await provider.media_urls(render_request(still("a.png")))
    assert urls[FIRST].startswith("oss://other/")


async def test_leave_of_short_life_serves_one_upload_only(stub: Stub, dashscope: Client, still: Any) -> None:
    granted = reply(200, policy(stub, expire_in_seconds="10"))
    stub.script = [granted, reply(200), granted, reply(200)]
    async with dashscope(stub.base_url) as provider:
        await provider.media_urls(render_request(still("a.png", "red"), still("b.png", "blue")))
    assert [heard.method for heard in stub.heard] == ["GET", "POST", "GET", "POST"]


async def test_a_content_that_is_there_already_counts_as_uploaded(stub: Stub, dashscope: Client, still: Any) -> None:
    stub.script = [reply(200, policy(stub)), reply(409, xml("FileAlreadyExists", "The object already exists."))]
    async with dashscope(stub.base_url) as provider:
        urls = await provider.media_urls(render_request(still("a.png")))
    assert urls[FIRST].startswith("oss://folder/")


@pytest.mark.parametrize(
    ("status", "body", "expected", "told"),
    [
        (403, xml("SignatureDoesNotMatch", "no"), ServiceRefused, "kfpipe.Storage.SignatureDoesNotMatch"),
        (400, xml("EntityTooLarge", "too big"), ServiceRefused, "kfpipe.Storage.EntityTooLarge"),
        (400, b"<html>", ServiceRefused, "kfpipe.Storage.Unknown"),
        (500, b"", ServiceUnclear, "HTTP 500"),
    ],
)
async def test_a_refused_upload_says_nothing_about_the_account(
    stub: Stub, dashscope: Client, still: Any, status: int, body: bytes, expected: type[Exception], told: str
) -> None:
    stub.script = [reply(200, policy(stub)), reply(status, body)]
    async with dashscope(stub.base_url) as provider:
        with pytest.raises(expected, match=told):
            await provider.media_urls(render_request(still("a.png")))


async def test_frames_go_to_no_insecure_place(stub: Stub, dashscope: Client, still: Any) -> None:
    stub.script = [reply(200, policy(stub, upload_host="http://host.example/"))]
    async with dashscope(stub.base_url) as provider:
        with pytest.raises(ServiceRefused, match="not a secure address"):
            await provider.media_urls(render_request(still("a.png")))


async def test_small_frames_can_travel_within_the_request(
    stub: Stub, dashscope: Client, still: Any, tmp_path: Path
) -> None:
    frame = still("a.png")
    async with dashscope(stub.base_url, inline_below_bytes=frame.size_bytes + 1) as provider:
        urls = await provider.media_urls(render_request(frame))
    kind, _, data = urls[FIRST].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == (tmp_path / "a.png").read_bytes()
    assert stub.heard == []


async def test_remote_frames_pass_through_untouched(stub: Stub, dashscope: Client) -> None:
    remote = RemoteMedium(url="https://host.example/a.png?x=1", digest="sha256:0")
    async with dashscope(stub.base_url) as provider:
        urls = await provider.media_urls(render_request(remote))
    assert urls == {FIRST: remote.url}
    assert stub.heard == []
