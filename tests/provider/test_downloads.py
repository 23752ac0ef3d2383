"""Fetching clips: whole, in parts, past redirects, and never with the key."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from kfpipe.errors import ServiceRefused, ServiceUnclear
from kfpipe.provider import Body
from kfpipe.provider.client import DashScope
from tests.provider.conftest import Act, Stub, hang_up, reply, reset, stay_silent, talk_forever

pytestmark = pytest.mark.anyio

Client = Callable[..., DashScope]
CLIP = bytes(range(256)) * 100
TAG = '"v1"'


async def fetched(client: DashScope, url: str, *, offset_bytes: int = 0, tag: str | None = None) -> tuple[Body, bytes]:
    async with client, client.download(url, offset_bytes=offset_bytes, tag=tag) as body:
        return body, b"".join([chunk async for chunk in body.chunks])


async def test_a_whole_clip_comes_with_its_size_and_tag_and_is_asked_for_without_the_key(
    stub: Stub, dashscope: Client
) -> None:
    stub.script = [reply(200, CLIP, ETag=TAG)]
    body, content = await fetched(dashscope(stub.base_url), f"{stub.origin}/clip.mp4?Signature=a%2Bb")
    assert (body.offset_bytes, body.size_bytes, body.tag) == (0, len(CLIP), TAG)
    assert content == CLIP
    [heard] = stub.heard
    assert heard.target == "/clip.mp4?Signature=a%2Bb"
    assert "authorization" not in heard.headers
    assert heard.headers["accept-encoding"] == "identity"


async def test_the_rest_of_a_clip_is_asked_for_by_range_and_tag(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(206, CLIP[100:], ETag=TAG, Content_Range=f"bytes 100-{len(CLIP) - 1}/{len(CLIP)}")]
    body, content = await fetched(dashscope(stub.base_url), f"{stub.origin}/clip.mp4", offset_bytes=100, tag=TAG)
    assert (body.offset_bytes, body.size_bytes, content) == (100, len(CLIP), CLIP[100:])
    assert stub.heard[0].headers["range"] == "bytes=100-"
    assert stub.heard[0].headers["if-range"] == TAG


async def test_another_version_of_the_clip_is_fetched_from_its_start(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(200, CLIP, ETag='"v2"')]
    body, content = await fetched(dashscope(stub.base_url), f"{stub.origin}/clip.mp4", offset_bytes=100, tag=TAG)
    assert (body.offset_bytes, body.tag, content) == (0, '"v2"', CLIP)


async def test_without_a_tag_a_clip_is_fetched_from_its_start(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(200, CLIP, ETag='W/"weak"')]
    body, _ = await fetched(dashscope(stub.base_url), f"{stub.origin}/clip.mp4", offset_bytes=100)
    assert (body.offset_bytes, body.tag) == (0, None)
    assert "range" not in stub.heard[0].headers


async def test_an_offset_past_the_end_is_answered_from_the_start(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(416), reply(200, CLIP)]
    body, content = await fetched(dashscope(stub.base_url), f"{stub.origin}/clip.mp4", offset_bytes=10**6, tag=TAG)
    assert (body.offset_bytes, content) == (0, CLIP)


@pytest.mark.parametrize("content_range", ["", "bytes 7-9/10", "bytes */10", "bytes 100-" + "9" * 9999 + "/1"])
async def test_another_part_than_was_asked_for_is_not_taken(stub: Stub, dashscope: Client, content_range: str) -> None:
    stub.script = [reply(206, CLIP, Content_Range=content_range)]
    with pytest.raises(ServiceUnclear):
        await fetched(dashscope(stub.base_url), f"{stub.origin}/clip.mp4", offset_bytes=100, tag=TAG)


async def test_a_few_redirects_are_followed(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(302, Location="/b"), reply(307, Location=f"{stub.origin}/c"), reply(200, CLIP)]
    _, content = await fetched(dashscope(stub.base_url), f"{stub.origin}/a")
    assert content == CLIP
    assert [heard.target for heard in stub.heard] == ["/a", "/b", "/c"]


async def test_redirects_in_a_circle_end(stub: Stub, dashscope: Client) -> None:
    stub.script = [reply(302, Location="/a")]
    with pytest.raises(ServiceRefused, match="more than 3 redirects"):
        await fetched(dashscope(stub.base_url), f"{stub.origin}/a")
    assert len(stub.heard) == 4


@pytest.mark.parametrize("elsewhere", ["http://host.example/", "file:///etc/passwd", "//host.example/x", "http://[x"])
async def test_redirects_lead_to_no_insecure_place(stub: Stub, dashscope: Client, elsewhere: str) -> None:
    stub.script = [reply(302, Location=elsewhere)]
    with pytest.raises(ServiceRefused) as refused:
        await fetched(dashscope(stub.base_url), f"{stub.origin}/a")
    assert refused.value.code == "kfpipe.LinkRefused"


async def test_a_link_of_a_foreign_lockfile_reaches_nothing_on_this_machine(stub: Stub, dashscope: Client) -> None:
    with pytest.raises(ServiceRefused, match="not a secure address"):
        await fetched(dashscope("https://host.example/api/v1"), f"{stub.origin}/admin")
    assert stub.heard == []


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_dead_link_is_refused_and_says_nothing_about_the_account(
    stub: Stub, dashscope: Client, status: int
) -> None:
    expired = b"<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>"
    stub.script = [reply(status, expired)]
    with pytest.raises(ServiceRefused) as refused:
        await fetched(dashscope(stub.base_url), f"{stub.origin}/a")
    assert (refused.value.code, refused.value.status) == ("kfpipe.LinkRefused", status)
    assert refused.value.message == "AccessDenied: Request has expired."


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_busy_server_may_be_asked_again(stub: Stub, dashscope: Client, status: int) -> None:
    stub.script = [reply(status, Retry_After="9")]
    with pytest.raises(ServiceUnclear) as unclear:
        await fetched(dashscope(stub.base_url), f"{stub.origin}/a")
    assert unclear.value.retry_after_s == 9


@pytest.mark.parametrize(
    "act",
    [hang_up, reset, reply(200, CLIP, Content_Length="99999"), stay_silent],
    ids=["closed", "reset", "cut", "mute"],
)
async def test_a_broken_download_is_unclear_and_keeps_what_came(
    stub: Stub, dashscope: Client, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kfpipe.provider.client.DOWNLOAD_SILENCE_S", 0.2)
    stub.script = [act]
    came = b""
    with pytest.raises(ServiceUnclear):
        async with dashscope(stub.base_url) as client, client.download(f"{stub.origin}/a") as body:
            async for chunk in body.chunks:
                came += chunk
    assert CLIP.startswith(came)


async def test_a_reader_may_leave_in_the_middle(stub: Stub, dashscope: Client) -> None:
    stub.script = [talk_forever]
    async with dashscope(stub.base_url) as client:
        async with client.download(f"{stub.origin}/a") as body:
            async for _ in body.chunks:
                break
        with anyio.move_on_after(0.1):
            async with client.download(f"{stub.origin}/a") as body:
                await anyio.sleep(10)
        with pytest.raises(ValueError, match="full"):
            async with client.download(f"{stub.origin}/a") as body:
                async for _ in body.chunks:
                    raise ValueError("full")


async def test_a_plain_link_is_tried_by_https(stub: Stub, dashscope: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", stub.origin)
    stub.script = [reply(403)]
    with pytest.raises(ServiceRefused):
        await fetched(dashscope("https://service.example/api/v1"), "http://clips.example:80/a.mp4?Signature=a")
    assert [(heard.method, heard.target) for heard in stub.heard] == [("CONNECT", "clips.example:443")]


async def test_a_host_that_needs_no_proxy_is_reached_past_it(
    stub: Stub, dashscope: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", stub.origin)
    monkeypatch.setenv("NO_PROXY", "localhost,.invalid")
    with pytest.raises(ServiceRefused):
        await fetched(dashscope("https://service.example/api/v1"), "https://clips.invalid/a.mp4")
    assert stub.heard == []


@pytest.mark.parametrize(
    "target",
    [
        "/x%2Fy%2fz/clip_seed7.mp4",
        '/a/../b//c.mp4?X-Amz-Date=20261120T023658Z&X-Amz-Signature=a%3D%3d+b~\'[1]|{2}"3"',
        "/?cacheKey=ChtzZWN1cml0eS5rbGluZw==&t=1",
    ],
)
async def test_a_link_is_asked_for_as_it_was_given_to_the_byte(stub: Stub, dashscope: Client, target: str) -> None:
    stub.script = [reply(200, CLIP)]
    assert (await fetched(dashscope(stub.base_url), f"{stub.origin}{target}"))[1] == CLIP
    assert stub.heard[-1].target == target
    assert "authorization" not in stub.heard[-1].headers
