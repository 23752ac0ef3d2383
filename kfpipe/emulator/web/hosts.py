"""Who may be asked for: this machine alone. A page in a browser that has its own name lead here gets nothing.

A name that resolves to this machine proves nothing, so names are not resolved: the `Host` has to be a loopback address,
or `localhost`.
"""

import ipaddress
import re
import socket

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kfpipe.emulator.web import wire

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9.]+))(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
_IPV4 = re.compile(r"[0-9a-fx.]+", re.ASCII | re.IGNORECASE)


def guarded(app: ASGIApp) -> ASGIApp:
    """The application, which answers 403 to every request that is meant for another host."""

    async def guarded_app(scope: Scope, receive: Receive, send: Send) -> None:
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) == 1 and is_loopback(hosts[0]):
            await app(scope, receive, send)
            return
        refusal = wire.refusal("AccessDenied", "The emulator answers only to localhost or a loopback address.")
        await JSONResponse(refusal, 403)(scope, receive, send)

    return guarded_app


def is_loopback(host: str) -> bool:
    """Whether a `Host` header, with or without a port, names this machine by itself."""
    parts = _HOST.fullmatch(host)
    if parts is None:
        return False
    inside_brackets, plain = parts.groups()
    if inside_brackets is not None:
        return _is_loopback_ipv6(inside_brackets)
    return plain.lower() == "localhost" or _is_loopback_ipv4(plain)


def _is_loopback_ipv4(text: str) -> bool:
    """In every spelling that resolvers take for an address: `127.1` and `2130706433` are 127.0.0.1."""
    try:
        return _IPV4.fullmatch(text) is not None and socket.inet_aton(text)[0] == 127
    except OSError:
        return False


def _is_loopback_ipv6(text: str) -> bool:
    try:
        return ipaddress.IPv6Address(text).is_loopback
    except ValueError:
        return False
