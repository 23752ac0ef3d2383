"""When the service is down, the whole run pauses, says so, and checks from time to time whether it is back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Final, TypeVar

import anyio

from kfpipe.domain import MediaRole, RenderRequest, TaskStatus
from kfpipe.errors import ServiceRefused, ServiceUnclear, ServiceUnreachable
from kfpipe.events import Event, Paused, Resumed
from kfpipe.provider import LIST_PAGE_SIZE, Accepted, Body, ListedTask, Provider, TaskReport
from kfpipe.provider.codes import NOT_CONNECTED
from kfpipe.runner.pacing import backoff_s

T = TypeVar("T")

SILENCES: Final = 8
"""This many requests in a row without an answer are no coincidence."""

LONGEST_PAUSE_S: Final = 3600.0
"""After this, the run ends in good order and leaves the rest to the next one."""


class Breaker:
    """A provider that is not called while it does not answer.

    Every request waits here while the run is paused; one at a time checks the account, until that is answered.
    """

    def __init__(self, provider: Provider, random: Random, emit: Callable[[Event], None]) -> None:
        self._provider = provider
        self._random = random
        self._emit = emit
        self._silences = 0
        self._last = ""
        self._probing = anyio.Lock()

    async def check_account(self) -> None:
        await self._ask(self._provider.check_account)

    async def media_urls(self, request: RenderRequest) -> Mapping[MediaRole, str]:
        return await self._ask(lambda: self._provider.media_urls(request))

    async def submit(
        self, request: RenderRequest, media_urls: Mapping[MediaRole, str], *, take_id: str | None = None
    ) -> Accepted:
        return await self._ask(lambda: self._provider.submit(request, media_urls, take_id=take_id))

    async def look(self, task_id: str) -> TaskReport:
        return await self._ask(lambda: self._provider.look(task_id))

    async def list_tasks(
        self, model: str, *, page: int, size: int = LIST_PAGE_SIZE, status: TaskStatus | None = None
    ) -> tuple[Sequence[ListedTask], bool]:
        return await self._ask(lambda: self._provider.list_tasks(model, page=page, size=size, status=status))

    async def cancel(self, task_id: str) -> None:
        await self._ask(lambda: self._provider.cancel(task_id))

    def download(self, url: str, *, offset_bytes: int = 0, tag: str | None = None) -> AbstractAsyncContextManager[Body]:
        """Clips are on other hosts: their silence says nothing about the service."""
        return self._provider.download(url, offset_bytes=offset_bytes, tag=tag)

    async def ready(self) -> None:
        """Return when requests may be made. Raises `ServiceUnreachable` when the service stays down."""
        while self._silences >= SILENCES:
            async with self._probing:
                if self._silences >= SILENCES:
                    await self._wait_for_the_service()

    async def _ask(self, request: Callable[[], Awaitable[T]]) -> T:
        await self.ready()
        try:
            answer = await request()
        except (ServiceUnclear, ServiceRefused) as trouble:
            is_silence = isinstance(trouble, ServiceUnclear) or trouble.code == NOT_CONNECTED
            self._silences, self._last = self._silences + 1 if is_silence else 0, str(trouble)
            raise
        self._silences = 0
        return answer

    async def _wait_for_the_service(self) -> None:
        since_s, attempt = anyio.current_time(), 0
        self._emit(Paused(reason=f"the service does not answer: {self._last}"))
        while True:
            attempt += 1
            await anyio.sleep(backoff_s(attempt, None, self._random.random()))
            try:
                await self._provider.check_account()
            except (ServiceUnclear, ServiceRefused) as trouble:
                if not isinstance(trouble, ServiceUnclear) and trouble.code != NOT_CONNECTED:
                    break
                if anyio.current_time() - since_s > LONGEST_PAUSE_S:
                    raise ServiceUnreachable(f"the service has not answered for an hour: {trouble}") from trouble
            else:
                break
        self._silences = 0
        self._emit(Resumed(after_s=anyio.current_time() - since_s))
