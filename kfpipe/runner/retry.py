"""Repeating what may be repeated: harmless requests, until they are answered or clearly will not be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, TypeVar

import anyio

from kfpipe.errors import ServiceRefused, ServiceUnclear
from kfpipe.provider import ListedTask, Provider
from kfpipe.provider.codes import verdict
from kfpipe.runner.pacing import retry_s

T = TypeVar("T")

TRIES: Final = 6
"""How often a harmless request is made in total: with the waits between, about a minute."""


def may_pass(trouble: ServiceRefused | ServiceUnclear) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(trouble, ServiceUnclear):
        return True
    return verdict(trouble.code, trouble.message).may_pass


async def with_retries(request: Callable[[], Awaitable[T]], random: Random, *, tries: int = TRIES) -> T:
    """The answer to a request that costs nothing and may be made again; the last error if there is none."""
    for attempt in range(1, tries):
        try:
            return await request()
        except (ServiceRefused, ServiceUnclear) as trouble:
            if not may_pass(trouble):
                raise
            await anyio.sleep(retry_s(attempt, trouble.retry_after_s, random.random()))
    return await request()


async def all_tasks(provider: Provider, model: str, random: Random, *, tries: int = TRIES) -> list[ListedTask]:
    """The model's tasks of the last 24 h, page by page."""
    listed: list[ListedTask] = []
    page, more = 1, True
    while more:
        tasks, more = await with_retries(lambda: provider.list_tasks(model, page=page), random, tries=tries)  # noqa: B023
        listed += tasks
        page += 1
    return listed
