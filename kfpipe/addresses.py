"""Which internet addresses belong to this machine or to a private network."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_SERVICE = re.compile(r"(dashscope(-[a-z]+)?|[a-z-]+\.dashscope|[\w-]+\.[a-z0-9-]+\.maas)\.aliyuncs\.com", re.ASCII)
"""The shared hosts, and those of workspaces; others below the domain can be anyone's. Source: API reference, 2.1."""

_LOCAL_NAMES = ("localhost", ".localhost", ".local", ".internal")


def is_service_host(host: str) -> bool:
    """Whether the host is one of the service's own."""
    return _SERVICE.fullmatch(host) is not None


def is_private(host: str) -> bool:
    """Whether the host is inside a private network, by its spelling: names are not resolved."""
    address = _address(host)
    if address is None:
        return "." not in host or host.endswith(_LOCAL_NAMES)
    return not address.is_global


def is_loopback_host(host: str) -> bool:
    """Whether the host is this machine, in any spelling."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a host is, also in the short and numeric spellings that browsers accept; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return _legacy_address(host)


def _legacy_address(host: str) -> ipaddress.IPv4Address | None:
    """`127.1`, `2130706433` and `0x7f.0.0.1` all mean 127.0.0.1 to the resolvers of most systems."""
    numbers = [_number(part) for part in host.split(".")]
    if len(numbers) > 4 or None in numbers:
        return None
    *leading, last = [number for number in numbers if number is not None]
    value = last + sum(number << 8 * (3 - place) for place, number in enumerate(leading))
    return ipaddress.IPv4Address(value % 2**32)


def _number(text: str) -> int | None:
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", text):
        return int(text, 16)
    if re.fullmatch(r"0[0-7]{1,20}", text):
        return int(text, 8)
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text) else None


def is_loopback(url: str) -> bool:
    """Whether the address leads to this machine."""
    try:
        return is_loopback_host(urlsplit(url).hostname or "")
    except ValueError:
        return False


def is_web_address(url: str) -> bool:
    """Whether the text can be read as the address of a web server, its port included, without a login."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        )
    except ValueError:
        return False
