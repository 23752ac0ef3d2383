"""Who may use the application: one browser on this machine, which has shown the one-time token.

A page of another host that has its name lead here gets nothing, and neither does one that merely sends requests here:
`Host` and `Origin` must be this server's own. Every answer bears the headers that keep the page to itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

OPEN_PREFIX: Final = "/static/"
"""Style sheet and scripts are no secret, and the page that turns a stranger away needs the first."""


@dataclass(slots=True, kw_only=True)
class Keyring:
    """The token, which opens once, and the cookie that it is exchanged for. `port` tells one server's from another's:
    browsers send cookies to every port of a host.
    """

    token: str = field(repr=False)
    cookie: str = field(repr=False)
    port: int
    is_used: bool = False

    @property
    def cookie_name(self) -> str:
        return f"kfpipe-review-{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """The values of `Host` that mean this server."""
        return frozenset(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost"))

    def opens(self, token: str) -> bool:
        """Whether it is the token, for the first time."""
        if self.is_used or not _is_same(token, self.token):
            return False
        self.is_used = True
        return True

    def is_known(self, cookie: str | None) -> bool:
        return cookie is not None and _is_same(cookie, self.cookie)


def guarded(app: ASGIApp, keyring: Keyring, stranger: Callable[[Request], Response]) -> ASGIApp:
    """The application for its own browser; `stranger` answers who has no cookie."""

    async def guarded_app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_kept(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        request = Request(scope, receive)
        answer = _answer(request, keyring, stranger)
        await (app if answer is None else answer)(scope, receive, send_kept)

    return guarded_app


def _answer(request: Request, keyring: Keyring, stranger: Callable[[Request], Response]) -> Response | None:
    """What to answer in the application's place; None lets the request through."""
    hosts, origins = request.headers.getlist("host"), request.headers.getlist("origin")
    if len(hosts) != 1 or hosts[0].lower() not in keyring.hosts:
        return Response(status_code=403)
    is_own = [origin.lower() == f"http://{hosts[0].lower()}" for origin in origins]
    if not all(is_own) or len(origins) > 1 or (request.method not in ("GET", "HEAD") and not is_own):
        return Response(status_code=403)
    if request.url.path.startswith(OPEN_PREFIX):
        return None
    is_known = keyring.is_known(request.cookies.get(keyring.cookie_name))
    token = request.query_params.get("token")
    if request.method == "GET" and request.url.path == "/" and token is not None:
        if is_known or keyring.opens(token):
            return _let_in(keyring)
        return stranger(request)
    return None if is_known else stranger(request)


def _let_in(keyring: Keyring) -> Response:
    """To the page, by an address without the token."""
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(keyring.cookie_name, keyring.cookie, httponly=True, samesite="strict", path="/")
    return answer


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
