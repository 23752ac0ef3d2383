"""One connection after the other by HTTP/1.1: what is an answer, what is none, and when the connection goes on."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import anyio
import h11
import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kfpipe.errors import ServiceRefused, ServiceUnclear
from kfpipe.provider import connections
from kfpipe.provider.connections import ASIDE_BYTES_MAX
from kfpipe.provider.transport import Answer, Transport
from tests.provider.conftest import KEY, Act, Stub, reply

LIMIT_BYTES = 1_000_000
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def say(*pieces: bytes) -> Act:
    """Send this, piece by piece, and go on listening."""

    def act(connection: socket.socket, stub: Stub) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return act


def say_and_close(*pieces: bytes) -> Act:
    def act(connection: socket.socket, stub: Stub) -> None:
        say(*pieces)(connection, stub)
        connection.shutdown(socket.SHUT_RDWR)

    return act


@pytest.fixture
async def transport(anyio_backend: str) -> AsyncIterator[Transport]:
    async with Transport(headers={}, direct=True, secret=KEY) as transport:
        yield transport


async def ask(transport: Transport, stub: Stub, body: bytes | None = None, **headers: str) -> Answer:
    return await transport.ask(
        "GET" if body is None else "POST",
        f"{stub.origin}/there",
        silence_s=2.0,
        deadline_s=5.0,
        limit_bytes=LIMIT_BYTES,
        headers=headers,
        body=body,
    )


# ---- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([HELLO], id="in one piece"),
        pytest.param([HELLO[at : at + 1] for at in range(len(HELLO))], id="byte by byte"),
        pytest.param([b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", HELLO], id="after an interim answer"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO], id="with an interim answer"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", b"3\r\nllo\r\n0\r\nX: y\r\n\r\n"],
            id="in chunks, with a trailer",
        ),
    ],
)
async def test_answers_of_every_shape_are_read_and_the_connection_goes_on(
    transport: Transport, stub: Stub, pieces: list[bytes]
) -> None:
    stub.script = [say(*pieces)]
    for _ in range(3):
        answer = await ask(transport, stub)
        assert (answer.status, answer.content) == (200, b"hello")
        assert not {"link", "x"} & answer.headers.keys()
    assert stub.connections == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(say_and_close(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo"), id="that ends with the connection"),
        pytest.param(say_and_close(HELLO), id="of a host that closes without a word"),
        pytest.param(reply(200, b"hello", Connection="close"), id="of a host that will close"),
        pytest.param(say(HELLO.replace(b"1.1", b"1.0")), id="by HTTP/1.0"),
        pytest.param(say(HELLO + HELLO), id="with another one behind it"),
        pytest.param(say(HELLO + b"nonsense"), id="with nonsense behind it"),
    ],
)
async def test_after_some_answers_a_new_connection_is_made(transport: Transport, stub: Stub, act: Act) -> None:
    stub.script = [act]
    for number in (1, 2, 3):
        assert (await ask(transport, stub)).content == b"hello"
        assert stub.connections == number
        await anyio.sleep(0.05)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (say_and_close(), "RemoteProtocolError: Server disconnected without sending a response."),
        (say_and_close(b"HTTP/1.1 20"), "Server disconnected without sending a response."),
        (say_and_close(HELLO[:-1]), "closed before the whole answer had come"),
        (say_and_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), "closed before"),
        (say_and_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello"), "closed before"),
        (say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "no answer by HTTP/1.1: Invalid char"),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"), "Duplicate Content-Length"),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), "can't be present"),
        (say(b"HTTP/1.1 101 Over\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "no answer by HTTP/1.1"),
        (say(f"{KEY} is no answer\r\n\r\n".encode()), "no answer by HTTP/1.1: Expected HTTP/"),
        (say(b"HTTP/1.1 200 OK\r\nX: ", b"x" * (ASIDE_BYTES_MAX + 1)), "more than 65,536 bytes of headers"),
        (say(b"HTTP/1.1 100 Continue\r\n\r\n" * 4000), "more than 65,536 bytes of headers"),
        (
            say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * (ASIDE_BYTES_MAX + 1)),
            "more than 65,536 bytes of headers",
        ),
    ],
)
async def test_what_is_no_whole_answer_is_unclear_and_ends_the_connection(
    transport: Transport, stub: Stub, act: Act, reason: str
) -> None:
    stub.script = [act, say(HELLO)]
    with pytest.raises(ServiceUnclear, match=reason.replace(".", r"\.")) as unclear:
        await ask(transport, stub)
    assert KEY not in str(unclear.value)
    assert (await ask(transport, stub)).content == b"hello"
    assert stub.connections == 2


@pytest.mark.anyio
async def test_a_host_that_falls_silent_is_left(transport: Transport, stub: Stub) -> None:
    stub.script = [say(HELLO[:-1]), say(HELLO)]
    with pytest.raises(ServiceUnclear, match="ReadTimeout"):
        await transport.ask("GET", stub.origin, silence_s=0.1, deadline_s=5.0, limit_bytes=LIMIT_BYTES)
    assert (await ask(transport, stub)).content == b"hello"
    assert stub.connections == 2


@pytest.mark.anyio
async def test_a_request_that_is_cancelled_leaves_no_connection_behind(transport: Transport, stub: Stub) -> None:
    stub.script = [say(HELLO[:-1]), say(HELLO)]
    with anyio.move_on_after(0.1) as scope:
        await ask(transport, stub)
    assert scope.cancelled_caught
    assert (await ask(transport, stub)).content == b"hello"
    assert stub.connections == 2


@pytest.mark.anyio
async def test_a_connection_that_rested_too_long_is_not_used_again(
    transport: Transport, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.script = [say(HELLO)]
    await ask(transport, stub)
    monkeypatch.setattr(connections, "KEEPALIVE_S", 0.01)
    await anyio.sleep(0.05)
    await ask(transport, stub)
    assert stub.connections == 2


# ---- requests --------------------------------------------------------------------------------------------------------


async def hears_no_more(transport: Transport, *, breaks_off: bool) -> Answer:
    """The answer of a host that has enough of a request after its head, and reads on or breaks the connection off."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
                while not breaks_off and connection.recv(65536):
                    pass

        async with anyio.create_task_group() as hosts:
            hosts.start_soon(anyio.to_thread.run_sync, refuse)
            answer = await transport.ask(
                "POST",
                f"http://127.0.0.1:{listener.getsockname()[1]}",
                silence_s=2.0,
                deadline_s=5.0,
                limit_bytes=LIMIT_BYTES,
                body=b"x" * 8_000_000,
            )
            await transport.__aexit__()
    return answer


@pytest.mark.anyio
async def test_an_answer_that_comes_before_the_request_is_taken_is_read(transport: Transport) -> None:
    answer = await hears_no_more(transport, breaks_off=False)
    assert (answer.status, answer.content) == (413, b"no")


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])  # asyncio drops what has come when it cannot send
async def test_an_answer_of_a_host_that_breaks_the_request_off_is_read(transport: Transport) -> None:
    answer = await hears_no_more(transport, breaks_off=True)
    assert (answer.status, answer.content) == (413, b"no")


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\rb", "a\0b"])
async def test_no_header_becomes_two(transport: Transport, stub: Stub, value: str) -> None:
    with pytest.raises((ServiceUnclear, ServiceRefused), match="a header holds a line break"):
        await ask(transport, stub, b"{}", X_Kind=value)
    assert stub.heard == []


@pytest.mark.anyio
@pytest.mark.parametrize("size_bytes", [0, 1, 65_536, 3_000_000])
async def test_a_body_arrives_whole(transport: Transport, stub: Stub, size_bytes: int) -> None:
    stub.script = [say(HELLO)]
    body = bytes(range(256)) * (size_bytes // 256) + b"x" * (size_bytes % 256)
    await ask(transport, stub, body)
    [heard] = stub.heard
    assert (heard.method, heard.target, heard.body) == ("POST", "/there", body)


# ---- a law -----------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["Date", "X-Request-Id", "x-oss-hash-crc64ecma", "ETag", "Set-Cookie"])
VALUES = st.text('abc XYZ019"=;,/äß', max_size=20).map(str.strip)
BODIES = st.lists(st.binary(min_size=1, max_size=50), max_size=5)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """What a host may send, in each of the three ways that HTTP/1.1 has to say how long a body is."""
    fields = draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))
    lines = [f"{name}: {value}".encode() for name, value in fields]
    parts = draw(BODIES)
    body = b"".join(parts)
    framing = draw(st.sampled_from(["length", "chunks", "end"]))
    if framing == "length":
        lines.append(b"Content-Length: %d" % len(body))
    if framing == "chunks":
        lines.append(b"Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    head = b"\r\n".join([b"HTTP/1.1 %d Whatever" % draw(st.sampled_from([200, 206, 404, 429, 500])), *lines])
    return interim + head + b"\r\n\r\n" + body[: draw(st.integers(0, len(body))) if draw(st.booleans()) else None]


Told = tuple[int, list[tuple[bytes, bytes]], bytes]


def by_h11(pieces: Sequence[bytes]) -> Told | None:
    """What the reference implementation of HTTP/1.1 makes of it; None: no whole answer."""
    reader = h11.Connection(our_role=h11.CLIENT)
    reader.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    reader.send(h11.EndOfMessage())
    status, headers, body = 0, [], b""
    for piece in [*pieces, b""]:
        reader.receive_data(piece)
        try:
            while (event := reader.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                match event:
                    case h11.Response():
                        status, headers = event.status_code, event.headers.raw_items()
                    case h11.Data():
                        body += event.data
                    case h11.EndOfMessage():
                        return status, headers, body
        except h11.RemoteProtocolError:
            return None
    return None


def by_kfpipe(pieces: Sequence[bytes]) -> Told | None:
    answer, body = connections._Answer(), b""
    try:
        for piece in [*pieces, b""]:
            answer.take_in(piece)
            body += b"".join(answer.pieces)
            answer.pieces.clear()
            if answer.is_whole:
                return answer.status, answer.headers, body
    except httpx.RemoteProtocolError:
        return None
    return None


@given(answers(), st.lists(st.integers(0, 400), max_size=6))
@example(HELLO, [])
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_an_answer_is_what_the_reference_says_however_it_is_cut(sent: bytes, cuts: list[int]) -> None:
    places = [0, *sorted({min(cut, len(sent)) for cut in cuts}), len(sent)]
    pieces = [sent[start:end] for start, end in pairwise(places) if start < end]
    assert by_kfpipe(pieces) == by_h11(pieces)
