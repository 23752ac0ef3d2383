"""Downloading finished clips: from the service's link to a checked file, and onto the record."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, cast

import anyio
import anyio.to_thread

from kfpipe.errors import BadRender, NotAVideo, ServiceRefused, ServiceUnclear
from kfpipe.lock.states import Entry, RefusedFile, Render, Rendered, Succeeded, result_of, task_of
from kfpipe.lock.transitions import at_place
from kfpipe.media import download, placement
from kfpipe.media.download import Disputed, Errand, FetchedClip
from kfpipe.media.facts import Expected
from kfpipe.media.renders import PARTIAL
from kfpipe.plan.model import Step
from kfpipe.provider.codes import CERTIFICATE
from kfpipe.runner.context import Finished, RunContext
from kfpipe.runner.pacing import retry_s

TRIES: Final = 5


class Fetcher:
    """Downloads clips. Paths on record are relative to the manifest's folder; none leads out of the project."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._folder = context.settings.folder
        self._partials = self._folder / context.settings.output_dir / PARTIAL

    async def try_folders(self, outputs: Iterable[str]) -> None:
        """Raise StorageFailed unless clips can be put on the disk where they belong."""
        for folder in sorted({(self._folder / output).parent for output in outputs}):
            placement.refuse_outside(folder, self._context.settings.root)
            await placement.in_thread(folder, placement.try_folder, folder)

    async def fetch(self, clip: Finished, *, instead_of: RefusedFile | None = None) -> tuple[Rendered, bool]:
        """The take with its file in place, on record; and whether the store's checksum vouches for the file.

        `instead_of` is the damaged file that came before: then the clip is decoded to its end before it counts.

        The last error is raised (`BadRender`, `ServiceRefused`, `ServiceUnclear`) when the clip is not available now;
        the record then still says where it is.
        """
        key, entry, output = clip.key, clip.entry, clip.step.output
        errand = self._errand(clip, with_all=instead_of is not None)
        for attempt in range(1, TRIES + 1):
            if attempt == TRIES:
                errand = replace(errand, keep_refused=instead_of is None)
            try:
                found = await download.fetch(self._context.provider, entry.result.video_url, errand)
                break
            except NotAVideo as refused:
                await self.note_refused(key, entry, self._kept(refused.path, refused.sha256))
                raise
            except (BadRender, ServiceRefused, ServiceUnclear) as trouble:
                if attempt == TRIES or _is_untrusted(trouble):
                    raise
                errand = replace(errand, is_first=False)
                if isinstance(trouble, Disputed):
                    errand = replace(errand, believed=errand.believed | {trouble.sha256})
                retry_after_s = None if isinstance(trouble, BadRender) else trouble.retry_after_s
                await anyio.sleep(retry_s(attempt, retry_after_s, self._context.random.random()))
                entry = await self._with_fresh_link(entry)
        if instead_of is not None:
            entry = replace(entry, result=replace(entry.result, refused=instead_of))
        return await self._put_on_record(key, entry, found, output), found.is_vouched

    def _errand(self, clip: Finished, *, with_all: bool) -> Errand:
        entry, take = clip.entry, clip.step.take
        target = self._folder / clip.step.output
        size = take.size if take is not None and take.fingerprint == entry.asked.fingerprint else None
        return Errand(
            target=target,
            # By the task alone: a download that was cut off continues from there, wherever its clip is wanted by then.
            partial=self._partials / f"{entry.task.task_id}{target.suffix}",
            expected=Expected(
                size=size,
                seconds=entry.asked.parameters.duration_s,
                billed_seconds=round(entry.result.billed_seconds),
                is_rough=take is not None and take.has_rough_size,
            ),
            with_all=with_all,
            is_first=not with_all and entry.task.task_id in self._context.submitted_at_s,
            root=self._context.settings.root,
        )

    async def _put_on_record(self, key: str, entry: Succeeded, clip: FetchedClip, output: str) -> Rendered:
        known = self._context.ledger.lock.requests.get(key)
        render = Render(
            path=output,
            sha256=clip.sha256,
            size_bytes=clip.size_bytes,
            width_px=clip.width_px,
            height_px=clip.height_px,
            fps=clip.fps,
            duration_s=clip.duration_s,
            audio=clip.audio,
            codec=clip.codec,
            remarks=clip.remarks,
            moved=known.render.moved + 1 if isinstance(known, Rendered) else 0,
        )
        rendered = Rendered(asked=entry.asked, task=entry.task, result=entry.result, render=render)
        await self._context.ledger.record(key, rendered, can_wait=True)
        return rendered

    async def set_apart(self, path: str, sha256: str) -> RefusedFile:
        """Move a clip that has turned out to be damaged to `.refused`; where it is then."""
        place = self._folder / path
        placement.refuse_outside(place.parent, self._context.settings.root)
        return self._kept(await placement.in_thread(place, placement.refuse, place, place, sha256), sha256)

    def _kept(self, path: Path, sha256: str) -> RefusedFile:
        return RefusedFile(path=path.relative_to(self._folder).as_posix(), sha256=sha256)

    async def note_refused(self, key: str, entry: Succeeded | Rendered, refused: RefusedFile) -> None:
        """Put on record where the file is that came in place of the clip: it was paid for."""
        await self._context.ledger.record(key, replace(entry, result=replace(entry.result, refused=refused)))

    async def reuse(self, step: Step) -> None:
        """Bring the clip that the step's take asks for, whose bytes are at hand, into its place and onto the record.

        It is moved, or copied where another take has it for its own, or where it is not ours. Raises `BadRender` when
        it is no longer there.
        """
        record = step.record
        if record is None or not isinstance(record.entry, Rendered):
            raise AssertionError("only a clip that was here once can be used again")
        render = record.entry.render
        origin = None if record.place is None else record.place.folder
        source = await anyio.to_thread.run_sync(self._context.settings.find, render, origin)
        if source is None:
            raise BadRender("its clip is no longer where it was")
        target = self._folder / step.output
        placement.refuse_outside(target.parent, self._context.settings.root)
        is_in_place = render.sha256 in self._belonging(source)
        is_ours = source.is_relative_to(self._folder / self._context.settings.output_dir)
        await placement.bring(source, target, render.sha256, moved=is_ours and not is_in_place)
        if not is_in_place or record.place is not None:
            entry = self._context.ledger.lock.requests.get(record.key, record.entry)
            await self._context.ledger.record(record.key, at_place(cast(Rendered, entry), step.output))

    def _belonging(self, path: Path) -> frozenset[str]:
        """The digests of the clips that belong here."""
        if not path.is_relative_to(self._folder):
            return frozenset()
        return self._context.settings.belonging(path.relative_to(self._folder).as_posix())

    def tidy(self) -> None:
        """Remove the folder for partial downloads, unless some are left in it."""
        with suppress(OSError):
            self._partials.rmdir()

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


def _is_untrusted(trouble: BadRender | ServiceRefused | ServiceUnclear) -> bool:
    """Whether the host's certificate is not trusted, which no other try changes."""
    return isinstance(trouble, ServiceRefused) and trouble.code == CERTIFICATE


def why_missing(trouble: BadRender | ServiceRefused | ServiceUnclear) -> str:
    """What is reported of a clip that cannot be had now."""
    if isinstance(trouble, NotAVideo):
        return f"what the service delivered is not a video, and is kept at {trouble.path}: {trouble}"
    return f"its clip could not be downloaded: {trouble}"


def at_the_service(entry: Entry) -> Succeeded:
    """The entry as it was before its file was here."""
    task, result = task_of(entry), result_of(entry)
    if task is None or result is None:
        raise AssertionError("only what was paid for is downloaded")
    return Succeeded(asked=entry.asked, task=task, result=result)
