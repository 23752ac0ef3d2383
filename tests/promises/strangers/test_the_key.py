"""The key stands in the request header and nowhere else, whatever the other side does with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe.catalogue import shipped
from kfpipe.errors import KfpipeError
from kfpipe.provider.client import DashScope
from tests.promises.fuzz.cases import KEY
from tests.provider.conftest import Act, Stub, reply

pytestmark = pytest.mark.anyio


def raw(text: str) -> Act:
    """Whatever that is, it is no HTTP answer."""

    def act(connection: object, stub: Stub) -> None:
        connection.sendall(text.encode("latin-1"))  # type: ignore[attr-defined]
        connection.close()  # type: ignore[attr-defined]

    return act


ECHOES: dict[str, Act] = {
    "in the status line": raw(f"HTTP/1.1 {KEY}\r\n\r\n"),
    "in place of an answer": raw(f"{KEY}\r\n\r\n"),
    "in a header without a colon": raw(f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n"),
    "in a length": raw(f"HTTP/1.1 200 OK\r\nContent-Length: {KEY}\r\n\r\n"),
    "in an encoding": raw(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {KEY}\r\n\r\n"),
    "in a chunk's size": raw(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{KEY}\r\n"),
    "as a redirect": reply(302, Location=f"ftp://{KEY}/{KEY}"),
    "in XML": reply(403, f"<Error><Code>{KEY}</Code><Message>You sent {KEY}.</Message></Error>".encode()),
    "in JSON": reply(400, {"code": KEY, "message": f"You sent {KEY}.", "request_id": KEY}),
    "in JSON, spelt out": reply(400, f'{{"code": "x", "message": "\\u0073{KEY[1:]}"}}'.encode()),
    "between escape sequences": reply(400, {"code": "x", "message": f"{KEY[:9]}\x1b[31m{KEY[9:]}"}),
    "between marks of direction": reply(400, {"code": "x", "message": f"{KEY[:9]}\u200e{KEY[9:]}"}),
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("asked", ["the service", "the storage"])
async def test_an_error_never_quotes_the_key(tmp_path: Path, stub: Stub, echo: Act, asked: str) -> None:
    stub.script = [echo]
    client = DashScope(
        base_url=stub.base_url,
        api_key=KEY,
        region="emulator",
        catalogue=shipped(),
        project=tmp_path,
        uploads_file=tmp_path / "uploads.jsonl",
    )
    async with client as dashscope:
        with pytest.raises(KfpipeError) as refused:
            await dashscope.look("task-1") if asked == "the service" else await _downloaded(dashscope, stub)
    told = _told(refused.value)
    assert KEY not in told


async def _downloaded(dashscope: DashScope, stub: Stub) -> None:
    async with dashscope.download(f"{stub.origin}/clip.mp4") as body:
        async for _ in body.chunks:
            pass


def _told(error: BaseException | None) -> str:
    """All that an exception and those behind it could show of themselves."""
    from kfpipe.cli.output.streams import plain

    text = ""
    while error is not None:
        text += plain(f"{error!r} {error} {vars(error)}")
        error = error.__cause__ or error.__context__
    return text
