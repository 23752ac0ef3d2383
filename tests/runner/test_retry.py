"""What may be repeated is repeated, and a list is read to its end."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from kfpipe.domain import TaskStatus
from kfpipe.errors import ServiceRefused
from kfpipe.provider import LARGE_PAGE_SIZE, LIST_PAGE_SIZE, ListedTask
from kfpipe.runner.retry import all_tasks
from tests.support.makers import NOW

pytestmark = pytest.mark.anyio

TASKS = [
    ListedTask(task_id=f"task-{n}", request_id=None, model="m", status=TaskStatus.RUNNING, created_at=NOW)
    for n in range(5)
]


class Pages:
    """An account whose list has two tasks a page."""

    async def list_tasks(self, model: str, *, page: int, size: int) -> tuple[Sequence[ListedTask], bool]:
        return TASKS[2 * page - 2 : 2 * page], 2 * page < len(TASKS)

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)


async def test_the_list_is_read_to_its_last_page() -> None:
    assert await all_tasks(Pages(), "wan2.7-i2v", Random(1)) == TASKS


class SmallPages(Pages):
    """An account that knows no pages of another size than the documented one."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    async def list_tasks(self, model: str, *, page: int, size: int) -> tuple[Sequence[ListedTask], bool]:
        self.sizes.append(size)
        if size != LIST_PAGE_SIZE:
            raise ServiceRefused("InvalidParameter", "page_size is too large", status=400)
        return await super().list_tasks(model, page=page, size=size)


async def test_a_list_without_large_pages_is_read_in_small_ones() -> None:
    account = SmallPages()
    assert await all_tasks(account, "wan2.7-i2v", Random(1)) == TASKS
    assert account.sizes == [LARGE_PAGE_SIZE, *[LIST_PAGE_SIZE] * 3]
