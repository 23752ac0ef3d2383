"""The service behind a protocol: what a run needs from it, in kfpipe's own words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

from kfpipe.domain import MediaRole, RenderRequest, TaskStatus
from kfpipe.provider.checksums import Checksum

LIST_PAGE_SIZE: Final = 10
"""The largest page of the task list that is documented to work: it is the default. Source: API reference, section 6."""

LARGE_PAGE_SIZE: Final = 100
"""What is asked for first. The largest page is not documented: the service may refuse this one, or grant less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A task was created, and will be billed if it succeeds. `answered_at` is the service's own time, to the second."""

    task_id: str
    request_id: str | None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """What the service reports on one task. Fields that it left out, or that do not apply yet, are None.

    `code` and `message` belong to a failed task. `resolution` is the billed tier, such as `720P`, `audio` whether
    the clip has sound. `answered_at` is the
    service's own time, to the second.
    """

    task_id: str
    status: TaskStatus
    request_id: str | None = None
    video_url: str | None = None
    url_expires_at: datetime | None = None
    orig_prompt: str | None = None
    actual_prompt: str | None = None
    billed_seconds: Decimal | None = None
    resolution: str | None = None
    audio: bool | None = None
    code: str | None = None
    message: str | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTask:
    """One line of the account's task list. `request_id` is that of the submission; `model` the name on the wire."""

    task_id: str
    request_id: str | None
    model: str
    status: TaskStatus
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A download under way: `size_bytes` is the whole file's length if stated, `offset_bytes` where `chunks` begin.

    `tag` names the version of the object (its ETag), None when the server gave none; `checksum` is that of the whole.
    """

    offset_bytes: int
    size_bytes: int | None
    tag: str | None
    chunks: AsyncIterator[bytes]
    checksum: Checksum | None = None


class Provider(Protocol):
    """One account in one region. Each method makes the requests it names, and repeats none of them.

    All may raise `AccountRefused`, `ServiceRefused` and `ServiceUnclear`.
    """

    async def check_account(self) -> None:
        """Return if the key is accepted; costs one cheap request."""

    async def media_urls(self, request: RenderRequest) -> Mapping[MediaRole, str]:
        """Addresses under which the service can read the request's media; local files are uploaded when needed.

        Safe to repeat: the same bytes are uploaded once per model while the copy lasts.
        """

    async def submit(
        self, request: RenderRequest, media_urls: Mapping[MediaRole, str], *, take_id: str | None = None
    ) -> Accepted:
        """Create the task. One POST, never repeated here: there is no idempotency key.

        The service never learns `take_id`: only an emulator on this machine does, for its picture.
        """

    async def look(self, task_id: str) -> TaskReport:
        """Ask for the task once."""

    async def list_tasks(
        self, model: str, *, page: int, size: int = LIST_PAGE_SIZE, status: TaskStatus | None = None
    ) -> tuple[Sequence[ListedTask], bool]:
        """A page (from 1) of the model's tasks of the last 24 h, and whether another page follows.

        `status` leaves all others out. Raises `ServiceRefused` where the service does not grant a `size` other than the
        default, nor a smaller one in so many words.
        """

    async def cancel(self, task_id: str) -> None:
        """Cancel a task that is still waiting; `ServiceRefused` (`UnsupportedOperation`) when it runs or is over."""

    def download(self, url: str, *, offset_bytes: int = 0, tag: str | None = None) -> AbstractAsyncContextManager[Body]:
        """Open a clip, from `offset_bytes` on if the server still has the version `tag`, else from its start."""
