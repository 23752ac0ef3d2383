"""A take that waited for another's clip, completed with the pictures that were cut from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kfpipe import catalogue
from kfpipe.catalogue import Catalogue, Model
from kfpipe.domain import (
    LocalMedium,
    MediaInput,
    MediaRole,
    PictureSize,
    Take,
)
from kfpipe.manifest.document.finding import Finding
from kfpipe.takes import fingerprint, media_rules


def resolved(take: Take, pictures: Mapping[MediaRole, LocalMedium]) -> tuple[Take, tuple[str, ...]]:
    """The take with the pictures that were cut for it, and what is wrong with them for its model, as messages.

    Its fingerprint is no longer provisional, and its size is known when its first frame was among the pictures.
    """
    known = catalogue.shipped()
    cut = tuple(MediaInput(role=role, medium=medium) for role, medium in pictures.items())
    media = tuple(sorted((*take.request.media, *cut), key=lambda given: tuple(MediaRole).index(given.role)))
    request = replace(take.request, media=media)
    first = pictures.get(MediaRole.FIRST_FRAME)
    size = (
        take.size if first is None else size_of(known, request.parameters.resolution, first.width_px, first.height_px)
    )
    flaws = (
        finding
        for role, medium in pictures.items()
        for finding in _cut_findings(known.models[request.model], role, medium)
    )
    told = tuple(f"{flaw.what}; expected {flaw.expected}" for flaw in flaws)
    return replace(take, request=request, cuts=(), fingerprint=fingerprint.of(request), size=size), told


def _cut_findings(model: Model, role: MediaRole, picture: LocalMedium) -> Iterator[Finding]:
    """What cutting cannot ensure: the picture is whole and opaque, but has the size of the clip it comes from."""
    if picture.width_px is not None and picture.height_px is not None:
        yield from media_rules.side_findings((), model, role, picture.width_px, picture.height_px)
    yield from media_rules.weight_findings((), model, role, picture.size_bytes)


def size_of(known: Catalogue, resolution: str, width_px: int | None, height_px: int | None) -> PictureSize | None:
    """The size of a clip that takes its shape from a picture or clip of these sides."""
    if width_px is None or height_px is None:
        return None
    return known.predicted_size(resolution, width_px, height_px)
