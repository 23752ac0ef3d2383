"""A take that waited for another's clip, completed with the pictures that were cut from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from kfpipe import catalogue
from kfpipe.catalogue import Model
from kfpipe.domain import LocalMedium, MediaInput, MediaRole, Medium, PictureSize, Take
from kfpipe.manifest.document.finding import Finding
from kfpipe.media.facts import Recording
from kfpipe.takes import fingerprint, media_rules


def resolved(
    take: Take, pictures: Mapping[MediaRole, LocalMedium], clip: tuple[str, Recording] | None = None
) -> tuple[Take, tuple[str, ...]]:
    """The take with the pictures that were cut for it, and what is wrong with them for its model, as messages.

    `clip` is the one that it continues, with its path. The take's fingerprint is no longer provisional, and its size
    is known when its first frame or clip was among what it waited for.
    """
    given = dict(pictures)
    if clip is not None:
        given[MediaRole.FIRST_CLIP] = _medium(*clip)
    cut = tuple(MediaInput(role=role, medium=medium) for role, medium in given.items())
    media = tuple(sorted((*take.request.media, *cut), key=lambda given: tuple(MediaRole).index(given.role)))
    request = replace(take.request, media=media)
    model = catalogue.shipped().models[request.model]
    first = given.get(MediaRole.FIRST_FRAME) or given.get(MediaRole.FIRST_CLIP)
    size = (
        take.size if first is None else size_of(model, request.parameters.resolution, first.width_px, first.height_px)
    )
    flaws = [finding for role, medium in pictures.items() for finding in _cut_findings(model, role, medium)]
    flaws += media_rules.quotient_findings((), model, *map(_sides, _frames(media)))
    if clip is not None:
        facts = clip[1].facts
        flaws += media_rules.recording_findings((), model, MediaRole.FIRST_CLIP, facts)
        flaws += media_rules.clip_findings((), request.parameters.duration_s, facts.seconds)
    told = tuple(f"{flaw.what}; expected {flaw.expected}" for flaw in flaws)
    return replace(take, request=request, cuts=(), fingerprint=fingerprint.of(request), size=size), told


def _frames(media: Sequence[MediaInput]) -> Iterator[Medium | None]:
    """The first and the last frame, whether they were cut or not."""
    given = {one.role: one.medium for one in media}
    return (given.get(role) for role in (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME))


def _sides(medium: Medium | None) -> tuple[int, int] | None:
    if not isinstance(medium, LocalMedium) or medium.width_px is None or medium.height_px is None:
        return None
    return medium.width_px, medium.height_px


def _cut_findings(model: Model, role: MediaRole, picture: LocalMedium) -> Iterator[Finding]:
    """What cutting cannot ensure: the picture is whole and opaque, but has the size of the clip it comes from."""
    if picture.width_px is not None and picture.height_px is not None:
        yield from media_rules.side_findings((), model, role, picture.width_px, picture.height_px)
    yield from media_rules.weight_findings((), model, role, picture.size_bytes)


def _medium(path: str, clip: Recording) -> LocalMedium:
    facts = clip.facts
    return LocalMedium(
        path=path,
        sha256=clip.sha256,
        size_bytes=facts.size_bytes,
        mime_type=facts.mime_type,
        width_px=facts.width_px,
        height_px=facts.height_px,
    )


def size_of(model: Model, resolution: str, width_px: int | None, height_px: int | None) -> PictureSize | None:
    """The size of a clip that takes its shape from a picture or clip of these sides."""
    if width_px is None or height_px is None:
        return None
    return model.predicted_size(resolution, width_px, height_px)
