"""A connection of its own to one host at a time, by HTTP/1.1, kept alive between requests.

What httpx brings for this looks after pools, two versions of HTTP and several event loops, in Python down to the last
header: that took more than a third of a run's processor time. Here the parser of Node.js takes answers apart, and a
request leaves in one piece.
"""

from __future__ import annotations

import select
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio
import httptools
import httpx
from anyio.abc import ByteStream, SocketAttribute

KEEPALIVE_S: Final = 60.0
"""Longer than the time between two polls, so that a poll needs no new TLS handshake."""

ASIDE_BYTES_MAX: Final = 64 * 1024
"""Of what is no body: the head of an answer, and what stands between two parts of its body."""

_PIECE_BYTES: Final = 64 * 1024
_INTERIM: Final = range(100, 200)
_LENGTHS: Final = frozenset({b"content-length", b"transfer-encoding"})

Origin = tuple[str, str, int]
"""Scheme, host and port."""


class Direct(httpx.AsyncBaseTransport):
    """One connection, without a proxy, for one request at a time."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._trust = trust
        self._channel: _Channel | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, whose body has to be read or closed before the next request. Raises what httpx raises.

        Not for HEAD, whose answers announce a body that does not come.
        """
        channel, answer = await self._ready_for(request), _Answer()
        try:
            await channel.send(request)
            while not answer.has_begun:
                answer.take_in(await channel.receive(request))
            await _reached(request, "receive_response_headers.complete")
        except BaseException:
            await self.aclose()
            raise
        body = _Body(self, channel, request, answer)
        return httpx.Response(answer.status, headers=answer.headers, stream=body)

    async def aclose(self) -> None:
        """Close it, also where all else is cancelled."""
        channel, self._channel = self._channel, None
        if channel is not None:
            with anyio.CancelScope(shield=True):
                await channel.aclose()

    async def _ready_for(self, request: httpx.Request) -> _Channel:
        """The channel, made anew where it leads elsewhere, or the host has closed it or is about to."""
        origin = _origin(request.url)
        if self._channel is not None:
            if self._channel.origin == origin and self._channel.is_fit():
                return self._channel
            await self.aclose()
        self._channel = await _Channel.to(origin, self._trust, request.extensions["timeout"]["connect"])
        return self._channel


class _Channel:
    """An open connection. Raises what httpx raises."""

    def __init__(self, origin: Origin, stream: ByteStream) -> None:
        self.origin = origin
        self._stream = stream
        self._socket = stream.extra(SocketAttribute.raw_socket)  # noqa: S610  # no query of Django's
        self._is_broken = False
        self._rests_since_s = time.monotonic()

    @classmethod
    async def to(cls, origin: Origin, trust: ssl.SSLContext, timeout_s: float) -> _Channel:
        scheme, host, port = origin
        with _as_of_httpx(httpx.ConnectTimeout, httpx.ConnectError), anyio.fail_after(timeout_s):
            if scheme == "http":
                return cls(origin, await anyio.connect_tcp(host, port))
            stream = await anyio.connect_tcp(
                host, port, ssl_context=trust, tls_hostname=host, tls_standard_compatible=False
            )
            return cls(origin, stream)

    def is_fit(self) -> bool:
        """Whether another request may go out: all that an idle host has to say is that it closes the connection."""
        has_expired = time.monotonic() - self._rests_since_s > KEEPALIVE_S
        return not (self._is_broken or has_expired or _has_something_to_read(self._socket.fileno()))

    def rest(self) -> None:
        """Nothing is under way any more."""
        self._rests_since_s = time.monotonic()

    async def send(self, request: httpx.Request) -> None:
        """The request, as far as the host takes it: one that has heard enough may answer and close."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        parts = [_head(request), *[part async for part in request.stream]]
        await _reached(request, "send_request_headers.started", "send_request_body.started")
        try:
            for piece in _in_few_pieces(parts):
                await self._write(piece, request)
        except httpx.WriteError:
            self._is_broken = True
        await _reached(request, "send_request_body.complete")

    async def receive(self, request: httpx.Request) -> bytes:
        """What comes next; nothing at the end."""
        timeout_s = request.extensions["timeout"]["read"]
        with _as_of_httpx(httpx.ReadTimeout, httpx.ReadError), anyio.fail_after(timeout_s):
            try:
                return await self._stream.receive(_PIECE_BYTES)
            except anyio.EndOfStream:
                return b""

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def _write(self, piece: bytes, request: httpx.Request) -> None:
        timeout_s = request.extensions["timeout"]["write"]
        with _as_of_httpx(httpx.WriteTimeout, httpx.WriteError), anyio.fail_after(timeout_s):
            await self._stream.send(piece)


class _Answer:
    """An answer as far as it has come, by what the parser calls here.

    `has_begun`: status and headers are known. `is_whole`: so is the body, whose `pieces` are there to be taken.
    `leaves_fit`: another request may follow on the same connection.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.has_begun = False
        self.is_whole = False
        self.leaves_fit = False
        self._aside_bytes = 0
        self._parser = httptools.HttpResponseParser(self)

    def take_in(self, data: bytes) -> None:
        """What has come; nothing at the end. Raises `httpx.RemoteProtocolError` where that makes no answer."""
        if not data:
            return self._end()
        self._aside_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.leaves_fit = False
            if not self.is_whole:
                raise httpx.RemoteProtocolError(f"no answer by HTTP/1.1: {error}") from None
        if self._aside_bytes > ASIDE_BYTES_MAX:
            raise httpx.RemoteProtocolError(f"more than {ASIDE_BYTES_MAX:,} bytes of headers")
        return None

    def _end(self) -> None:
        if not self.has_begun:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        if any(name.lower() in _LENGTHS for name, _ in self.headers):
            raise httpx.RemoteProtocolError("the connection was closed before the whole answer had come")
        self.is_whole = True

    # ---- what the parser calls -------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.leaves_fit = False  # what follows a whole answer was not asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.has_begun:  # else of a trailer, or of what was not asked for
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status in _INTERIM:
            self.headers.clear()
        elif not self.has_begun:
            self.status, self.has_begun = status, True

    def on_body(self, body: bytes) -> None:
        if not self.is_whole:
            self._aside_bytes = 0
            self.pieces.append(body)

    def on_message_complete(self) -> None:
        if self.has_begun and not self.is_whole:
            self.is_whole, self.leaves_fit = True, self._parser.should_keep_alive()


class _Body(httpx.AsyncByteStream):
    """The body of an answer as it arrives."""

    def __init__(self, connection: Direct, channel: _Channel, request: httpx.Request, answer: _Answer) -> None:
        self._connection = connection
        self._channel = channel
        self._request = request
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        answer = self._answer
        while True:
            pieces, answer.pieces = answer.pieces, []
            for piece in pieces:
                yield piece
            if answer.is_whole:
                break
            answer.take_in(await self._channel.receive(self._request))
        await _reached(self._request, "receive_response_body.complete")

    async def aclose(self) -> None:
        if self._answer.is_whole and self._answer.leaves_fit:
            self._channel.rest()
        else:
            await self._connection.aclose()


async def _reached(request: httpx.Request, *moments: str) -> None:
    """Tell whoever wants to know of it, as httpcore does. What that raises, the request raises."""
    if "trace" in request.extensions:
        for moment in moments:
            await request.extensions["trace"](f"http11.{moment}", {})


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)


def _head(request: httpx.Request) -> bytes:
    """Raises `httpx.LocalProtocolError` where a header would be taken for two."""
    target = request.extensions.get("target", request.url.raw_path)
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), target)]
    lines += [b"%s: %s" % header for header in request.headers.raw]
    head = b"\r\n".join((*lines, b"", b""))
    if not head.count(b"\r") == head.count(b"\n") == len(lines) + 1 or b"\0" in head:
        raise httpx.LocalProtocolError("a header holds a line break")
    return head


def _in_few_pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    piece = b""
    for part in parts:
        piece += part
        if len(piece) >= _PIECE_BYTES:
            yield piece
            piece = b""
    if piece:
        yield piece


def _has_something_to_read(descriptor: int) -> bool:
    """Or the end, or an error; so has one that was closed here."""
    if descriptor < 0:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


@contextmanager
def _as_of_httpx(timeout: type[httpx.TimeoutException], failure: type[httpx.NetworkError]) -> Iterator[None]:
    """Failures by their names in httpx."""
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error)) from error
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream) as error:
        raise failure(str(error)) from error
