"""The files that shots name: pictures, sounds, clips and prompt files, each looked at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto
from functools import cache
from pathlib import Path

from kfpipe.catalogue import Catalogue
from kfpipe.domain import MediaRole
from kfpipe.errors import Problem, Unusable
from kfpipe.files.read import first_bytes
from kfpipe.files.text import SAVE_AS_UTF8, DataPath, normalised, other_encoding
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.files import ProjectFiles
from kfpipe.manifest.model import LocalFile, Manifest, PromptFile, Shot, SoundSlice
from kfpipe.media.cache import DigestCache
from kfpipe.media.facts import Material, Recording, Still
from kfpipe.media.signatures import AnotherFormat
from kfpipe.takes.preparation import Preparer, Slicer

PROMPT_FILE_LIMIT_BYTES = 65_536


class _Kind(Enum):
    """What a file is read as."""

    PICTURE = auto()
    SOUND = auto()
    CLIP = auto()
    PROMPT = auto()


_KINDS = {MediaRole.DRIVING_AUDIO: _Kind.SOUND, MediaRole.FIRST_CLIP: _Kind.CLIP}
"""What the roles are read as; all others are pictures."""


def read(
    manifest: Manifest, document: Document, *, files: ProjectFiles, digests: DigestCache, known: Catalogue
) -> tuple[Material, tuple[Problem, ...]]:
    """What the shots' files hold, stills as they are and as they are sent, and why some cannot be used."""
    readers = _readers(digests)
    use = cache(lambda name, kind: files.use(name, readers[kind]))
    stills: dict[str, Still] = {}
    recordings: dict[str, Recording] = {}
    prompts: dict[str, str] = {}
    problems: list[Problem] = []
    places: dict[str, str] = {}
    preparer = Preparer(files, digests, known)
    for shot in _unlike(manifest.shots, problems):
        for name, path, kind in _named(shot):
            content = use(name, kind)
            if not name.isascii():
                places[name] = files.on_disk(name)
            if isinstance(content, Finding):
                problems.append(replace(content, path=path).problem(document, shot.where))
            elif isinstance(content, Still):
                stills[name] = content
                flaws = preparer.findings(shot, name, content)
                problems += (replace(flaw, path=path).problem(document, shot.where) for flaw in flaws)
            elif isinstance(content, Recording):
                recordings[name] = content
            else:
                prompts[name] = content
    slicer = Slicer(files, digests, known)
    problems += (flaw.problem(document, draft.shot.where) for draft, flaw in slicer.findings(manifest, recordings))
    material = Material(
        stills=stills,
        recordings=recordings,
        prompts=prompts,
        prepared=preparer.made,
        slices=slicer.made,
        places=places,
    )
    return material, tuple(problems)


def _unlike(shots: Sequence[Shot], problems: Sequence[Problem]) -> Iterator[Shot]:
    """The shots, but for those that are like one before about which no problem came up."""
    flawless: set[Hashable] = set()
    for shot in shots:
        same = id(shot.media), id(shot.preparation), shot.settings.model
        if same in flawless and shot.matrix is None and not isinstance(shot.settings.prompt, PromptFile):
            continue
        likeness, told = _likeness(shot), len(problems)
        if likeness not in flawless:
            yield shot
        if likeness is not None and len(problems) == told:
            flawless |= {likeness, same}


def _likeness(shot: Shot) -> Hashable | None:
    """All of a shot that its files depend on; None where that is more. Many shots of a large list are alike."""
    if shot.matrix is not None or isinstance(shot.settings.prompt, PromptFile):
        return None
    return shot.settings.model, shot.preparation, *shot.media, *shot.media.values()


def _readers(digests: DigestCache) -> Mapping[_Kind, Callable[[Path], Still | Recording | str]]:
    return {
        _Kind.PICTURE: digests.look,
        _Kind.SOUND: lambda path: _recording(digests, path, "WAV or MP3", "export it as WAV or MP3"),
        _Kind.CLIP: lambda path: _recording(digests, path, "an MP4 or MOV clip", "export it as MP4, with H.264"),
        _Kind.PROMPT: _prompt_text,
    }


def _named(shot: Shot) -> Iterator[tuple[str, DataPath, _Kind]]:
    """The files that a shot names, where it names them, and what they are read as."""
    for role, footage in shot.media.items():
        if isinstance(footage, LocalFile):
            yield footage.path, shot.path_of(role), _KINDS.get(role, _Kind.PICTURE)
        elif isinstance(footage, SoundSlice):
            yield footage.path, (*shot.path_of(role), "file"), _Kind.SOUND
    if shot.matrix is not None:
        for (role, text), file in shot.matrix.files.items():
            if isinstance(file, LocalFile):
                yield file.path, shot.matrix.place_of(role, text), _KINDS.get(role, _Kind.PICTURE)
    if isinstance(shot.settings.prompt, PromptFile):
        yield shot.settings.prompt.path, (*shot.path_of("prompt"), "file"), _Kind.PROMPT


def _recording(digests: DigestCache, path: Path, wanted: str, fix: str) -> Recording:
    try:
        return digests.listen(path)
    except Unusable as error:
        own_fix = fix if isinstance(error, AnotherFormat) else error.fix
        raise Unusable(error.reason, expected=wanted, fix=own_fix) from error


def _prompt_text(path: Path) -> str:
    content = first_bytes(path, PROMPT_FILE_LIMIT_BYTES + 1)
    if len(content) > PROMPT_FILE_LIMIT_BYTES:
        expected = f"at most {PROMPT_FILE_LIMIT_BYTES // 1024} kB of text"
        raise Unusable("is too large for a prompt", expected=expected, fix="check the path")
    other = other_encoding(content)
    if other is not None:
        raise Unusable(f"is written in {other}", expected="UTF-8", fix=SAVE_AS_UTF8)
    return normalised(content.decode("utf-8-sig"))
