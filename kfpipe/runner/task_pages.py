"""Reading which of a model's tasks are in progress, in as few and as large pages as the service grants."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kfpipe.domain import TaskStatus
from kfpipe.errors import ServiceRefused
from kfpipe.provider import LARGE_PAGE_SIZE, LIST_PAGE_SIZE, ListedTask, Provider
from kfpipe.runner.retry import all_of, may_pass


class TaskPages:
    """The pages of one model. `count` is how many the last reading took, `failures` how many failed since."""

    def __init__(self, provider: Provider, model: str) -> None:
        self._provider = provider
        self._model = model
        self._size = LARGE_PAGE_SIZE
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
        numbers = range(1, self._counts[status] + 1)
        pages = await all_of(partial(self._page, status, number) for number in numbers)
        while not pages or pages[-1][1]:
            pages.append(await self._page(status, len(pages) + 1))
        self._counts[status] = max((number for number, (tasks, _) in enumerate(pages, 1) if tasks), default=1)
        return [task for tasks, _ in pages for task in tasks if not task.status.is_final]

    async def _page(self, status: TaskStatus, number: int) -> tuple[Sequence[ListedTask], bool]:
        return await self._provider.list_tasks(self._model, page=number, size=self._size, status=status)
