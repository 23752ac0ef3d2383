"""A connection of its own to one host at a time, kept alive between requests: what httpx's pool does, for one.

A pool looks at all its connections and requests whenever one comes or goes, which costs more than the request; and of
one connection there is nothing to look after.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import anyio
import httpcore
import httpx

KEEPALIVE_S: Final = 60.0
"""Longer than the time between two polls, so that a poll needs no new TLS handshake."""

_FAILURES: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class Direct(httpx.AsyncBaseTransport):
    """One connection, without a proxy, for one request at a time."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._trust = trust
        self._connection: httpcore.AsyncHTTPConnection | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, whose body has to be read or closed before the next request. Raises what httpx raises."""
        url, body = request.url, request.stream
        assert isinstance(body, httpx.AsyncByteStream)
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=body,
            extensions=request.extensions,
        )
        with _as_of_httpx():
            connection = await self._ready_for(asked.url.origin)
            answer = await connection.handle_async_request(asked)
        assert isinstance(answer.stream, AsyncIterable)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(connection, answer.stream))

    async def aclose(self) -> None:
        """Close it, also where all else is cancelled."""
        if self._connection is not None:
            with anyio.CancelScope(shield=True):
                await self._connection.aclose()

    async def _ready_for(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        """The connection, made anew where it leads elsewhere, or the host has closed it or is about to."""
        known = self._connection
        if known is not None:
            if known.can_handle_request(origin) and known.is_idle() and not known.has_expired():
                return known
            await self.aclose()
        self._connection = httpcore.AsyncHTTPConnection(origin, ssl_context=self._trust, keepalive_expiry=KEEPALIVE_S)
        return self._connection


class _Body(httpx.AsyncByteStream):
    """The rest of an answer as it arrives."""

    def __init__(self, connection: httpcore.AsyncHTTPConnection, stream: AsyncIterable[bytes]) -> None:
        self._connection = connection
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_of_httpx():
            async for piece in self._stream:
                yield piece

    async def aclose(self) -> None:
        close = getattr(self._stream, "aclose", self._connection.aclose)
        with anyio.CancelScope(shield=True):
            await close()


@contextmanager
def _as_of_httpx() -> Iterator[None]:
    """Failures by their names in httpx, which are the same."""
    try:
        yield
    except _FAILURES as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
