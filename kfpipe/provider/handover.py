"""Ways to hand a file of the project to a model: the surest first, without those that the service has refused.

Where the pages of a model do not say whether it reads uploads, one is tried: a refusal costs nothing. It is remembered
for the project, and the next way is taken, as long as there is one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kfpipe.catalogue import Certainty, Handover, Model
from kfpipe.domain import LocalMedium, MediaRole, RenderRequest
from kfpipe.errors import Refused
from kfpipe.provider.advice import is_unread
from kfpipe.provider.upload_cache import SmallMemory

FILE: Final = "handover.json"
INLINE_LIMIT_BYTES: Final = 7 << 20
"""A larger file does not fit into a request. Source: API reference, section 4.2."""

_SURENESS: Final = (Certainty.DOCUMENTED, Certainty.REPORTED, Certainty.UNKNOWN)


class Handovers:
    """The ways of all models; what was refused is kept in `file`, which may be lost."""

    def __init__(self, file: Path) -> None:
        self._memory = SmallMemory(file)
        self._refused: defaultdict[str, set[str]] = defaultdict(set)
        self._tried: dict[str, tuple[Model, Handover]] = {}

    async def load(self) -> None:
        """Take over what earlier runs have learned."""
        known = await self._memory.load()
        for model, ways in known.items() if isinstance(known, dict) else ():
            if isinstance(ways, list):
                self._refused[model] |= {way for way in ways if isinstance(way, str)}

    def way(self, model: Model, medium: LocalMedium, *, inline_below_bytes: int) -> Handover:
        """How the file goes to the model. Raises Refused where all ways are closed."""
        ways = self._open(model)
        if medium.size_bytes >= INLINE_LIMIT_BYTES:
            ways = [way for way in ways if way is not Handover.INLINE]
        elif Handover.INLINE in ways and medium.size_bytes < inline_below_bytes:
            return Handover.INLINE
        if ways:
            return ways[0]
        told = f"{model.name} reads no files of the project, only http(s) addresses: the service refused the others"
        raise Refused.because(
            medium.name, f"{told}; give an address in its place", fix=f"or delete `.kfpipe/{FILE}` to try again"
        )

    def note_task(self, task_id: str, model: Model, request: RenderRequest, urls: Mapping[MediaRole, str]) -> None:
        """A task was made; should it fail over its files, that says something about the way they went."""
        way = self._way_of(model, request, urls)
        if way is not None:
            self._tried[task_id] = (model, way)

    async def heed_task(self, task_id: str, code: str | None, message: str | None) -> None:
        """A task has failed, and why."""
        tried = self._tried.pop(task_id, None)
        if tried is not None and is_unread(code or "", message or ""):
            await self._close(*tried)

    async def heed_refusal(
        self, model: Model, request: RenderRequest, urls: Mapping[MediaRole, str], code: str, message: str
    ) -> None:
        """A request was refused, and why."""
        way = self._way_of(model, request, urls)
        if way is not None and is_unread(code, message):
            await self._close(model, way)

    def _open(self, model: Model) -> list[Handover]:
        given = sorted(model.handover, key=lambda way: (_SURENESS.index(model.handover[way]), way is Handover.INLINE))
        return [way for way in given if way not in self._refused[model.name]]

    def _way_of(self, model: Model, request: RenderRequest, urls: Mapping[MediaRole, str]) -> Handover | None:
        """The way that the request's files went, where nobody knows whether it is open."""
        local = [urls[one.role] for one in request.media if isinstance(one.medium, LocalMedium) and one.role in urls]
        ways = {Handover.INLINE if url.startswith("data:") else Handover.UPLOAD for url in local}
        way = next(iter(ways), None) if len(ways) == 1 else None
        return way if way is not None and model.handover.get(way) is not Certainty.DOCUMENTED else None

    async def _close(self, model: Model, way: Handover) -> None:
        if way not in self._refused[model.name]:
            self._refused[model.name].add(way)
            await self._memory.save({name: sorted(ways) for name, ways in sorted(self._refused.items()) if ways})
