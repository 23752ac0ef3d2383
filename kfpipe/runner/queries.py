"""What is only asked of the service, within its limit on queries, whoever asks: looks, lists, the check of the key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from kfpipe.domain import MediaRole, RenderRequest, TaskStatus
from kfpipe.errors import ServiceRefused
from kfpipe.provider import LIST_PAGE_SIZE, Accepted, Body, ListedTask, Provider, TaskReport
from kfpipe.runner.gate import Gate

T = TypeVar("T")


class Paced:
    """A provider whose queries wait at the gate, and slow down when the service asks for it."""

    def __init__(self, provider: Provider, gate: Gate) -> None:
        self._provider = provider
        self._gate = gate

    async def check_account(self) -> None:
        await self._ask(self._provider.check_account)

    async def look(self, task_id: str) -> TaskReport:
        return await self._ask(lambda: self._provider.look(task_id))

    async def list_tasks(
        self, model: str, *, page: int, size: int = LIST_PAGE_SIZE, status: TaskStatus | None = None
    ) -> tuple[Sequence[ListedTask], bool]:
        return await self._ask(lambda: self._provider.list_tasks(model, page=page, size=size, status=status))

    async def cancel(self, task_id: str) -> None:
        await self._ask(lambda: self._provider.cancel(task_id))

    async def media_urls(self, request: RenderRequest) -> Mapping[MediaRole, str]:
        return await self._provider.media_urls(request)

    async def submit(
        self, request: RenderRequest, media_urls: Mapping[MediaRole, str], *, take_id: str | None = None
    ) -> Accepted:
        return await self._provider.submit(request, media_urls, take_id=take_id)

    def download(self, url: str, *, offset_bytes: int = 0, tag: str | None = None) -> AbstractAsyncContextManager[Body]:
        return self._provider.download(url, offset_bytes=offset_bytes, tag=tag)

    async def _ask(self, query: Callable[[], Awaitable[T]]) -> T:
        async with self._gate.slot():
            try:
                return await query()
            except ServiceRefused as refusal:
                self._gate.heed(refusal)
                raise
