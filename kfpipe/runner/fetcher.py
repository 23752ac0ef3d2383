"""Downloading finished clips: from the service's link to a checked file, and onto the record."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from kfpipe.domain import PictureSize
from kfpipe.errors import BadRender, ServiceRefused, ServiceUnclear, StorageFailed
from kfpipe.files.durable import sha256_of
from kfpipe.lock.states import Render, Rendered, Succeeded
from kfpipe.lock.transitions import earlier_clip, put_back
from kfpipe.media import download, placement
from kfpipe.media.facts import Expected
from kfpipe.media.renders import whereabouts
from kfpipe.runner.context import RunContext
from kfpipe.runner.pacing import backoff_s

TRIES: Final = 5

PARTIAL: Final = ".partial"
"""Folder next to the renders for downloads that are not complete yet; a clip moves from there in one step."""


class Fetcher:
    """Downloads clips. Paths on record are relative to the manifest's folder; none leads out of the project."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._folder = context.settings.folder
        self._shelves: set[Path] = set()

    async def fetch(self, take_id: str, entry: Succeeded, output: str, size: PictureSize | None) -> Rendered:
        """The take with its file in place, on record.

        The last error is raised (`BadRender`, `ServiceRefused`, `ServiceUnclear`) when the clip is not available now;
        the record then still says where it is.
        """
        target = self._folder / output
        partial = target.parent / PARTIAL / f"{entry.task.task_id}{target.suffix}"
        self._shelves.add(partial.parent)
        expected = Expected(
            size=size, seconds=entry.asked.parameters.duration_s, billed_seconds=round(entry.result.billed_seconds)
        )
        for attempt in range(1, TRIES + 1):
            self._refuse_outside(target.parent)
            try:
                clip = await download.fetch(
                    self._context.provider, entry.result.video_url, target=target, partial=partial, expected=expected
                )
                break
            except (BadRender, ServiceRefused, ServiceUnclear) as trouble:
                if attempt == TRIES:
                    raise
                retry_after_s = None if isinstance(trouble, BadRender) else trouble.retry_after_s
                await anyio.sleep(backoff_s(attempt, retry_after_s, self._context.random.random()))
                entry = await self._with_fresh_link(entry)
        render = Render(
            path=output,
            sha256=clip.sha256,
            size_bytes=clip.size_bytes,
            width_px=clip.width_px,
            height_px=clip.height_px,
            fps=clip.fps,
            duration_s=clip.duration_s,
            audio=clip.audio,
        )
        rendered = Rendered(asked=entry.asked, task=entry.task, result=entry.result, render=render)
        await self._context.ledger.record(take_id, rendered)
        return rendered

    async def put_back(self, take_id: str, fingerprint: str, output: str, region: str) -> Rendered:
        """The take with an earlier clip, which is what is wanted again, in place and on record.

        Raises `BadRender` when that clip is no longer there.
        """
        record = self._context.ledger.lock[take_id]
        clip = earlier_clip(record, fingerprint, region)
        source = None
        if clip is not None:
            source = await anyio.to_thread.run_sync(whereabouts, clip.render, self._folder, sha256_of)
        if clip is None or source is None:
            raise BadRender("the earlier clip is no longer there")
        target = self._folder / output
        self._refuse_outside(target.parent)
        await placement.restore(source, target, clip.render.sha256)
        entry = put_back(record, clip, output)
        await self._context.ledger.record(take_id, entry)
        return entry

    def _refuse_outside(self, shelf: Path) -> None:
        """The manifest was checked before the run; a folder may have become a link since."""
        if not shelf.resolve().is_relative_to(self._context.settings.root):
            raise StorageFailed(str(shelf), "it leads out of the project through a symbolic link")

    def tidy(self) -> None:
        """Remove the folders for partial downloads, unless some are left in them."""
        for shelf in self._shelves:
            with suppress(OSError):
                shelf.rmdir()

    async def _with_fresh_link(self, entry: Succeeded) -> Succeeded:
        """The same entry with the link that the service gives now; unchanged when it gives none."""
        try:
            report = await self._context.provider.look(entry.task.task_id)
        except (ServiceRefused, ServiceUnclear):
            return entry
        if report.video_url is None:
            return entry
        expiry = report.url_expires_at or entry.result.url_expires_at
        return replace(entry, result=replace(entry.result, video_url=report.video_url, url_expires_at=expiry))
