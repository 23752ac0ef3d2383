"""Repeating what may be repeated: harmless requests, until they are answered or clearly will not be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from random import Random
from typing import Final, TypeVar

import anyio

from kfpipe.errors import ServiceRefused, ServiceUnclear
from kfpipe.provider import LARGE_PAGE_SIZE, LIST_PAGE_SIZE, ListedTask, Provider
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


async def all_of(requests: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """The answers to requests that are made at once, in their order; the first error if one of them has none."""
    answers: dict[int, T] = {}
    troubles: list[ServiceRefused | ServiceUnclear] = []

    async def ask(place: int, request: Callable[[], Awaitable[T]]) -> None:
        try:
            answers[place] = await request()
        except (ServiceRefused, ServiceUnclear) as trouble:
            troubles.append(trouble)

    async with anyio.create_task_group() as group:
        for place, request in enumerate(requests):
            group.start_soon(ask, place, request)
    if troubles:
        raise troubles[0]
    return [answers[place] for place in sorted(answers)]


async def all_tasks(provider: Provider, model: str, random: Random, *, tries: int = TRIES) -> list[ListedTask]:
    """The model's tasks of the last 24 h, page by page; in small pages where large ones are refused."""
    try:
        return await _all_pages(provider, model, random, tries=tries, size=LARGE_PAGE_SIZE)
    except ServiceRefused as refusal:
        if may_pass(refusal):
            raise
        return await _all_pages(provider, model, random, tries=tries, size=LIST_PAGE_SIZE)


async def _all_pages(provider: Provider, model: str, random: Random, *, tries: int, size: int) -> list[ListedTask]:
    listed: list[ListedTask] = []
    page, more = 1, True
    while more:
        ask = partial(provider.list_tasks, model, page=page, size=size)
        tasks, more = await with_retries(ask, random, tries=tries)
        listed += tasks
        page += 1
    return listed
