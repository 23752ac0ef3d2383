"""Stills on their way through the store: put there by the run that hands over, uploaded by the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import anyio
import anyio.to_thread

from kfpipe.cluster.store import OPTION, Store
from kfpipe.domain import LocalMedium, MediaRole, RemoteMedium, RenderRequest
from kfpipe.errors import Refused, ServiceUnclear, StorageFailed
from kfpipe.provider import Provider
from kfpipe.provider.uploads import planned_content

LOOKS: Final = 4
LOOK_AGAIN_S: Final = 0.5
"""A shared folder may show a file a moment after it was put there."""


def still_name(medium: LocalMedium) -> str:
    """The still's name in the store."""
    return f"{medium.sha256}{PurePosixPath(medium.path).suffix}"


class IntoStore:
    """The provider of a run that hands over: its local media go to the store, and have no address yet."""

    def __init__(self, provider: Provider, store: Store, project: Path) -> None:
        self._provider = provider
        self._store = store
        self._project = project

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    async def media_urls(self, request: RenderRequest) -> Mapping[MediaRole, str]:
        """The addresses of remote media. Raises Refused for a file that changed since it was planned."""
        urls = {}
        for one in request.media:
            if isinstance(one.medium, RemoteMedium):
                urls[one.role] = one.medium.url
            else:
                await planned_content(self._project, one.medium)
                source, name = self._project / one.medium.path, still_name(one.medium)
                await anyio.to_thread.run_sync(self._store.put, source, name)
        return urls


class FromStore:
    """The provider of a worker: local media are fetched from the store before they are uploaded."""

    def __init__(self, provider: Provider, store: Store, home: Path) -> None:
        self._provider = provider
        self._store = store
        self._home = home

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    async def media_urls(self, request: RenderRequest) -> Mapping[MediaRole, str]:
        """As the provider's own. Raises Refused for a still that the store has lost."""
        here = []
        for one in request.media:
            medium = one.medium
            if isinstance(medium, LocalMedium):
                medium = await self._fetched(medium)
            here.append(replace(one, medium=medium))
        return await self._provider.media_urls(replace(request, media=tuple(here)))

    async def _fetched(self, medium: LocalMedium) -> LocalMedium:
        name = still_name(medium)
        for look in range(LOOKS):
            await anyio.sleep(LOOK_AGAIN_S * bool(look))
            if await anyio.to_thread.run_sync(self._is_here, name):
                return replace(medium, path=name)
        # No more than this is reported of it.
        what = f"the store {self._store.shown} has lost the still {medium.name}; `kfpipe run` puts it there again"
        raise Refused.because(OPTION, what)

    def _is_here(self, name: str) -> bool:
        target = self._home / name
        try:
            return target.exists() or self._store.get(name, target)
        except StorageFailed as trouble:
            raise ServiceUnclear(f"they cannot be fetched from the store: {trouble}") from trouble
