"""HTTP with bounded answers and two kinds of failure: never sent, or unclear."""

from __future__ import annotations

import os
import re
import ssl
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import Any, Final, Self
from urllib.parse import urlencode
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx

from kfpipe.addresses import is_loopback, is_private
from kfpipe.errors import KfpipeError, Refused, ServiceRefused, ServiceUnclear
from kfpipe.provider import last_check
from kfpipe.provider.codes import CERTIFICATE, NOT_CONNECTED
from kfpipe.provider.connections import KEEPALIVE_S, Direct

CONNECTIONS: Final = 16
CONNECT_TIMEOUT_S: Final = 10.0

_STRUCK: Final = "***"
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@cache
def _trust(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """The certificates to trust, from the two variables if set; loading them takes longer than a request."""
    trust = httpx.create_ssl_context()
    trust.set_alpn_protocols(["http/1.1"])
    return trust


@lru_cache(maxsize=1024)
def _parsed(url: str) -> httpx.URL:
    """The address; a task's and a page's are asked for again and again. Raises what httpx raises."""
    return httpx.URL(url)


@cache
def _mistrust() -> ssl.SSLContext:
    """For plain addresses, which show no certificate: it trusts none, and takes no time to load."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def is_inside(url: str) -> bool:
    """Whether the address, which is HTTPS, leads into a private network."""
    return is_private(_parsed(url).host.rstrip("."))


def is_secure(url: str, *, local: bool) -> bool:
    """Whether the address may be visited: by HTTPS, or when `local` by plain HTTP on this machine."""
    try:
        address = _parsed(url)
    except (httpx.InvalidURL, ValueError):
        return False
    if address.userinfo or not address.host:
        return False
    return address.scheme == "https" or (address.scheme == "http" and local and is_loopback(url))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An answer whose body is still on its way, as it travels: nothing is decompressed."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A multipart form whose file comes last, as the file storage requires."""

    fields: Mapping[str, str]
    file_name: str
    mime_type: str
    content: bytes


class Transport:
    """A pool of connections, of which the one that was used last is used next: so few are kept alive.

    `headers` go with every request; `direct` bypasses the proxies of the environment.

    `secret` is struck out of all that a server may echo: headers, whole bodies, and the HTTP library's complaints about
    a malformed answer, which quote it.

    All requests raise `ServiceRefused` (`kfpipe.NotConnected`) when they never left, and `ServiceUnclear` when it
    is unknown. These are raised outside the handlers on purpose: an httpx exception holds the request, and with it
    the key, and must not be the cause or context of ours.
    """

    def __init__(self, *, headers: Mapping[str, str], direct: bool, secret: str) -> None:
        self._headers = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "keep-alive", **headers}
        self._secret = secret
        self._places = anyio.Semaphore(CONNECTIONS, fast_acquire=True)
        self._proxies = {} if direct else _proxies()
        self._idle: defaultdict[tuple[str | None, bool], list[httpx.AsyncBaseTransport]] = defaultdict(list)
        if not direct:  # else nothing may be wanted of the environment's proxies and certificates
            for proxy in (None, *self._proxies.values()):
                self._idle[proxy, True] = [_connection(proxy, is_tls=True)]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in chain.from_iterable(self._idle.values()):
            await connection.aclose()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        silence_s: float,
        deadline_s: float,
        limit_bytes: int,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | Form | None = None,
    ) -> Answer:
        """One request and its whole answer, of at most `limit_bytes`.

        `silence_s` bounds the wait for the next piece in either direction, `deadline_s` the whole once a connection
        exists. Raises `ServiceUnclear` when one of them runs out, or the answer is cut off or too long.
        """
        content, fields, files = _parts(body)
        request = httpx.Request(
            method,
            _parsed(f"{url}?{urlencode(params)}" if params else url),
            headers={**self._headers, **(headers or {})},
            content=content,
            data=fields,
            files=files,
            extensions={**_timeouts(silence_s), **last_check.hook()},
        )
        async with self._places:
            with anyio.move_on_after(CONNECT_TIMEOUT_S + deadline_s):
                async with self._opened(request) as opening:
                    return Answer(
                        status=opening.status,
                        headers=opening.headers,
                        content=await self.read(opening, limit_bytes=limit_bytes),
                    )
        raise ServiceUnclear(f"no complete answer within {deadline_s:g} s")

    @asynccontextmanager
    async def open(self, url: str, *, silence_s: float, headers: Mapping[str, str]) -> AsyncIterator[Opening]:
        """Begin to read from an address, asked for to the byte, for it may be signed. Redirects are not followed."""
        address, extensions = _parsed(url), _timeouts(silence_s)
        if _proxy_for(address, self._proxies) is None:  # a proxy would take it for its own
            extensions = {**extensions, **_as_it_is(url)}
        request = httpx.Request("GET", address, headers={**self._headers, **headers}, extensions=extensions)
        async with self._places, self._opened(request) as opening:
            yield opening

    async def read(self, opening: Opening, *, limit_bytes: int) -> bytes:
        """The whole body. Raises `ServiceUnclear` when it is longer than the limit, or breaks off."""
        content = bytearray()
        async for chunk in opening.chunks:
            content += chunk
            if len(content) > limit_bytes:
                raise ServiceUnclear(f"the answer is longer than {limit_bytes:,} bytes")
        return bytes(content).replace(self._secret.encode(), _STRUCK.encode())

    @asynccontextmanager
    async def _opened(self, request: httpx.Request) -> AsyncIterator[Opening]:
        proxy, is_tls = _proxy_for(request.url, self._proxies), request.url.scheme == "https"
        idle = self._idle[proxy, is_tls]
        connection = idle.pop() if idle else _connection(proxy, is_tls=is_tls)
        try:
            response = await self._sent(connection, request)
            headers = {name.lower(): self._struck(value) for name, value in response.headers.items()}
            chunks = self._chunks(response)
            try:
                yield Opening(status=response.status_code, headers=headers, chunks=chunks)
            finally:
                if not response.is_closed:
                    await _abandon(chunks)
                    await response.aclose()
        finally:
            idle.append(connection)

    async def _sent(self, connection: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
        try:
            return await connection.handle_async_request(request)
        except httpx.HTTPError as error:
            failure = _untrusted(error, request.url.host) or self._failure(error)
        raise failure

    async def _chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        assert isinstance(response.stream, httpx.AsyncByteStream), "as it comes from an asynchronous connection"
        try:
            async for chunk in response.stream:
                yield chunk
            await response.aclose()
            return
        except httpx.HTTPError as error:
            failure = self._failure(error)
        raise failure

    def _failure(self, error: httpx.HTTPError) -> KfpipeError:
        reason = self._struck(f"{type(error).__name__}: {error}".rstrip(": "))
        if isinstance(error, _NEVER_SENT):
            return ServiceRefused(NOT_CONNECTED, reason, status=0)
        return ServiceUnclear(reason)

    def _struck(self, text: str) -> str:
        return text.replace(self._secret, _STRUCK)


def _untrusted(error: BaseException | None, host: str) -> ServiceRefused | None:
    """The refusal of a host's certificate, if that is at the bottom of an error."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    if error is None:
        return None
    reason = f"the certificate of {host} is not trusted: {error.verify_message or error.reason or error}"
    return ServiceRefused(CERTIFICATE, reason.rstrip("."), status=0)


async def _abandon(chunks: AsyncIterator[bytes]) -> None:
    """End a body that was not read to its end.

    The cancellation runs through all the generators that httpx has nested, and ends them. Closing the outermost alone
    would leave the others to the garbage collector, and trio warns about that.
    """
    with anyio.CancelScope() as scope, suppress(KfpipeError):
        scope.cancel()
        async for _ in chunks:
            pass


def _connection(proxy: str | None, *, is_tls: bool) -> httpx.AsyncBaseTransport:
    """One connection, for one request at a time.

    The layer below httpx's client: what that adds, cookies, logins, redirects and a log, is not wanted here.
    """
    variables = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        trust = _trust(*variables) if is_tls else _mistrust()
        if proxy is None:
            return Direct(trust)
        one = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_S)
        return httpx.AsyncHTTPTransport(limits=one, proxy=proxy, verify=trust)
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
        raise Refused.because(
            "environment",
            f"the proxy or CA variables cannot be used: {error}",
            fix="correct HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE or SSL_CERT_DIR",
        ) from error


def _proxies() -> dict[str, str]:
    """The proxies of the environment, or of the system, by the scheme that they are for; `all` is any."""
    found = {scheme: proxy for scheme, proxy in getproxies().items() if scheme in ("http", "https", "all") and proxy}
    return {scheme: proxy if "://" in proxy else f"http://{proxy}" for scheme, proxy in found.items()}


def _proxy_for(url: httpx.URL, proxies: Mapping[str, str]) -> str | None:
    proxy = proxies.get(url.scheme, proxies.get("all"))
    return None if proxy is None or proxy_bypass(url.netloc.decode("ascii")) else proxy


@cache
def _timeouts(silence_s: float) -> Mapping[str, Any]:
    """As httpx hands them down."""
    return {"timeout": httpx.Timeout(silence_s, connect=CONNECT_TIMEOUT_S, pool=CONNECT_TIMEOUT_S).as_dict()}


def _as_it_is(url: str) -> Mapping[str, bytes]:
    """What is asked for, untouched, where httpx would write it in another way."""
    found = _TARGET.match(url)
    return {} if found is None else {"target": (found[1] or "/").encode("ascii")}


_TARGET: Final = re.compile(r"[a-z]+://[^/?#]*(/?[!-\"$-~]*)(?:#|$)", re.IGNORECASE)
"""The path and the query of an address without blanks or letters of other scripts, which have to be encoded."""


def _parts(
    body: bytes | Form | None,
) -> tuple[bytes | None, Mapping[str, str] | None, Mapping[str, tuple[str, bytes, str]] | None]:
    if isinstance(body, Form):
        return None, body.fields, {"file": (body.file_name, body.content, body.mime_type)}
    return body, None, None
