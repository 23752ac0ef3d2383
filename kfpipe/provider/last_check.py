"""A last check before a request: when its connection stands, and nothing but its body has yet to leave.

A service carries out no request whose body has not come. So what must not be sent any more need not be, however long a
connection took, or this machine stood still meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

_CHECK: Final[ContextVar[Callable[[], None] | None]] = ContextVar("last_check", default=None)


@contextmanager
def last_check(check: Callable[[], None]) -> Iterator[None]:
    """Have requests that are made inside checked; what the check raises, they raise, and do not leave."""
    before = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(before)


def hook() -> Mapping[str, Any]:
    """The check that is in force, as an extension of a request that httpcore knows."""
    check = _CHECK.get()
    if check is None:
        return {}

    async def on_event(name: str, _: Mapping[str, Any]) -> None:
        if name.endswith(".send_request_body.started"):
            check()

    return {"trace": on_event}
