"""Reading which of a model's tasks are in progress, in as few and as large pages as the service grants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import anyio

from kfpipe.domain import TaskStatus
from kfpipe.errors import ServiceRefused, ServiceUnclear
from kfpipe.provider import LIST_PAGE_SIZE, ListedTask, Provider
from kfpipe.runner.retry import may_pass

WISHED_SIZE: Final = 100
"""The page size that is asked for. The largest one is not documented: the service may refuse it, or grant less."""


class TaskPages:
    """The pages of one model. `count` is how many the last reading took, `failures` how many failed since."""

    def __init__(self, provider: Provider, model: str) -> None:
        self._provider = provider
        self._model = model
        self._size = WISHED_SIZE
        self._counts = {TaskStatus.PENDING: 0, TaskStatus.RUNNING: 1}
        self.failures = 0

    @property
    def count(self) -> int:
        return sum(self._counts.values())

    async def in_progress(self, *, with_waiting: bool) -> dict[str, TaskStatus]:
        """The tasks that run, and those that wait where they are wanted. Raises `ServiceRefused`, `ServiceUnclear`.

        Those that wait are read first: a task that starts in between is then shown twice rather than not at all.
        """
        states: dict[str, TaskStatus] = {}
        self._counts[TaskStatus.PENDING] *= with_waiting
        for status in (TaskStatus.PENDING, TaskStatus.RUNNING) if with_waiting else (TaskStatus.RUNNING,):
            states |= dict.fromkeys((task.task_id for task in await self._listed(status)), status)
        return states

    async def _listed(self, status: TaskStatus) -> list[ListedTask]:
        try:
            return await self._read(status)
        except ServiceRefused as refusal:
            if may_pass(refusal) or self._size == LIST_PAGE_SIZE:
                raise
            self._size = LIST_PAGE_SIZE
            return await self._read(status)

    async def _read(self, status: TaskStatus) -> list[ListedTask]:
        """All pages: as many as the last time at once, so that few tasks move from one to the next meanwhile."""
        pages: dict[int, tuple[Sequence[ListedTask], bool]] = {}
        troubles: list[ServiceRefused | ServiceUnclear] = []

        async def read(number: int) -> None:
            try:
                answer = await self._provider.list_tasks(self._model, page=number, size=self._size, status=status)
            except (ServiceRefused, ServiceUnclear) as trouble:
                troubles.append(trouble)
            else:
                pages[number] = answer

        async with anyio.create_task_group() as readers:
            for number in range(1, self._counts[status] + 1):
                readers.start_soon(read, number)
        last = self._counts[status]
        while not troubles and (not last or pages[last][1]):
            last += 1
            await read(last)
        if troubles:
            raise troubles[0]
        self._counts[status] = max((number for number, (tasks, _) in pages.items() if tasks), default=1)
        return [task for number in sorted(pages) for task in pages[number][0] if not task.status.is_final]
