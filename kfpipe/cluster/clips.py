"""Clips on their way through the store: brought there by a worker under their digests, fetched home from there."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import anyio.to_thread

from kfpipe.cluster.database import Postgres
from kfpipe.cluster.jobs import Job
from kfpipe.cluster.store import Store
from kfpipe.errors import BadRender, ServiceRefused, ServiceUnclear, StorageFailed
from kfpipe.files.durable import storage
from kfpipe.lock.states import Succeeded
from kfpipe.media import download
from kfpipe.media.download import Errand
from kfpipe.media.facts import Expected
from kfpipe.provider import Body, Provider
from kfpipe.provider.checksums import Checksum, ChecksumKind
from kfpipe.runner.pacing import retry_s

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")

TRIES: Final = 6
LOOK_S: Final = 0.3
"""How often a run looks whether its clip has come to the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptClip:
    """A clip in the store."""

    name: str
    size_bytes: int
    md5: str


class StoreNews:
    """Says when the store begins to refuse clips, and when it takes them again: each once, for all of them."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._is_refusing = False

    def refuses(self, trouble: StorageFailed) -> None:
        """A clip could not be put there, and is tried again."""
        if not self._is_refusing:
            self._tell(f"the store takes no clips: {trouble}; they are tried again, and can be had by their links")
        self._is_refusing = True

    def takes(self) -> None:
        """A clip was put there."""
        if self._is_refusing:
            self._tell("the store takes clips again")
        self._is_refusing = False


class Keeper:
    """Brings one account's clips to the store."""

    def __init__(
        self,
        database: Postgres,
        store: Store,
        home: Path,
        provider: Provider,
        payer: str,
        tell: Callable[[str], None],
        news: StoreNews,
    ) -> None:
        self._tell = tell
        self._news = news
        self._database = database
        self._store = store
        self._home = home
        self._provider = provider
        self._payer = payer

    async def keep(self, key: str, entry: Succeeded, job: Job) -> None:
        """Download the clip and put it there. What cannot be had or kept is left to the run that wants it."""
        task_id = entry.task.task_id
        here = self._home / f"{task_id}.mp4"
        size = job.take.size if job.take is not None else None
        errand = Errand(
            target=here,
            partial=self._home / f"{task_id}.part.mp4",
            expected=Expected(
                size=size, seconds=entry.asked.parameters.duration_s, billed_seconds=round(entry.result.billed_seconds)
            ),
        )
        try:
            found = await _patiently(partial(download.fetch, self._provider, entry.result.video_url, errand))
            kept = await _patiently(partial(self._put, here, found.sha256, found.size_bytes))
        except (BadRender, ServiceRefused, ServiceUnclear, StorageFailed) as trouble:
            self._tell(f"{job.take_id}: its clip is not in the store: {trouble}; it can be had by its link")
        else:
            await self._database.do(partial(_note, account=self._payer, task=task_id, clip=kept))
        finally:
            with suppress(OSError):  # it goes with its folder
                here.unlink(missing_ok=True)

    async def _put(self, here: Path, sha256: str, size_bytes: int) -> KeptClip:
        try:
            kept = await anyio.to_thread.run_sync(self._put_now, here, sha256, size_bytes)
        except StorageFailed as trouble:
            self._news.refuses(trouble)
            raise
        self._news.takes()
        return kept

    def _put_now(self, here: Path, sha256: str, size_bytes: int) -> KeptClip:
        with storage(here), here.open("rb") as file:
            md5 = hashlib.file_digest(file, "md5").hexdigest()
        name = f"{sha256}.mp4"
        self._store.put(here, name)
        return KeptClip(name=name, size_bytes=size_bytes, md5=md5)


class HomeFromStore:
    """The provider of a run that has the store at hand: its clips come from there, by the link if they do not.

    `tasks` says by link which task it belongs to.
    """

    def __init__(
        self, provider: Provider, store: Store, database: Postgres, payer: str, tell: Callable[[str], None]
    ) -> None:
        self._tell = tell
        self._provider = provider
        self._store = store
        self._database = database
        self._payer = payer
        self.tasks: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def download(self, url: str, *, offset_bytes: int = 0, tag: str | None = None) -> AbstractAsyncContextManager[Body]:
        """Open a clip, where the store has it; a worker may still be bringing it there."""
        return self._opened(url, offset_bytes, tag)

    @asynccontextmanager
    async def _opened(self, url: str, offset_bytes: int, tag: str | None) -> AsyncIterator[Body]:
        kept = await self._kept(url)
        if kept is None:
            async with self._provider.download(url, offset_bytes=offset_bytes, tag=tag) as body:
                yield body
            return
        offset_bytes = offset_bytes if tag == kept.name else 0
        checksum = Checksum(kind=ChecksumKind.MD5, value=int(kept.md5, 16))
        chunks = _chunks(self._store, kept.name, offset_bytes)
        yield Body(
            offset_bytes=offset_bytes, size_bytes=kept.size_bytes, tag=kept.name, chunks=chunks, checksum=checksum
        )

    async def _kept(self, url: str) -> KeptClip | None:
        """The clip in the store; None where it is not, or is not whole, and nobody is bringing it."""
        task = self.tasks.get(url)
        while task is not None:
            clip, is_coming = await self._database.do(partial(_look, account=self._payer, task=task))
            if clip is not None:
                with suppress(StorageFailed):
                    if await anyio.to_thread.run_sync(self._store.size_bytes, clip.name) == clip.size_bytes:
                        return clip
                self._tell(f"the store {self._store.shown} has lost {clip.name}: it is fetched by its link")
                return None
            if not is_coming:
                return None
            await anyio.sleep(LOOK_S)
        return None


async def _patiently(step: Callable[[], Awaitable[T]]) -> T:
    """What the step returns, which may be taken again: within a minute or so."""
    for attempt in range(1, TRIES):
        try:
            return await step()
        except (BadRender, ServiceUnclear, StorageFailed):
            await anyio.sleep(retry_s(attempt, None, 0.5))
    return await step()


async def _chunks(store: Store, name: str, offset_bytes: int) -> AsyncIterator[bytes]:
    try:
        pieces = store.read(name, offset_bytes)
        while (piece := await anyio.to_thread.run_sync(next, pieces, b"")) != b"":
            yield piece
    except StorageFailed as trouble:
        raise ServiceUnclear(f"the store cannot be read: {trouble}") from trouble


def _note(link: Connection[Any], *, account: str, task: str, clip: KeptClip) -> None:
    link.execute(
        "INSERT INTO kfpipe.clip (account, task, name, md5, size_bytes) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (account, task) DO UPDATE SET name = excluded.name, md5 = excluded.md5, "
        "size_bytes = excluded.size_bytes, kept_at = clock_timestamp()",
        [account, task, clip.name, clip.md5, clip.size_bytes],
    )


def _look(link: Connection[Any], *, account: str, task: str) -> tuple[KeptClip | None, bool]:
    """The clip in the store, and whether there is somebody who brings it."""
    row = link.execute(
        "SELECT name, size_bytes, md5 FROM kfpipe.clip WHERE account = %s AND task = %s", [account, task]
    ).fetchone()
    if row is not None:
        return KeptClip(name=row[0], size_bytes=row[1], md5=row[2]), False
    coming = link.execute(
        "SELECT FROM kfpipe.request r JOIN dbos.workflow_status w ON w.workflow_uuid LIKE r.job || '.%%.keep' "
        "WHERE r.account = %s AND r.task = %s AND w.status IN ('ENQUEUED', 'PENDING') "
        "AND EXISTS (SELECT FROM kfpipe.worker WHERE store IS NOT NULL) LIMIT 1",
        [account, task],
    ).fetchone()
    return None, coming is not None
