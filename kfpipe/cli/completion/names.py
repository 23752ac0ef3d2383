"""The names in a manifest, as far as it can be read: for someone who is still writing it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from kfpipe import catalogue
from kfpipe.errors import Refused
from kfpipe.files.read import first_bytes
from kfpipe.files.text import LARGEST_BYTES
from kfpipe.manifest import document, include
from kfpipe.manifest import files as sources
from kfpipe.manifest.document import Document
from kfpipe.manifest.files import ProjectFiles
from kfpipe.manifest.model import Manifest
from kfpipe.manifest.parse import parse_manifest
from kfpipe.names import in_one_form
from kfpipe.takes import expand

MOST_TAKES: Final = 1000
"""Takes of one shot that anybody wants to choose from."""

_ID: Final = re.compile(r"""\bid:\s*["']?([\w.-]+)""")
_TAGS: Final = re.compile(r"\btags:\s*\[([^\]]*)\]")
_MODEL: Final = re.compile(r"""\bmodel:\s*["']?([\w.-]+)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Each name once, in the order of the manifest; `takes` by shot."""

    takes: dict[str, tuple[str, ...]]
    tags: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


NONE: Final = Names(takes={})


def of(path: Path) -> Names:
    """The names in the manifest at `path`; none when it cannot be read. Stills are not opened. Never raises Refused."""
    try:
        content = first_bytes(path, LARGEST_BYTES + 1)
    except OSError:
        return NONE
    glimpsed = _glimpsed(content.decode("utf-8", "replace"))
    try:
        read, is_sound = _read(document.parse(content, path.name), path.parent.resolve())
    except Refused:
        return glimpsed
    return read if is_sound else replace(read, takes={**glimpsed.takes, **read.takes})


def _read(text: Document, folder: Path) -> tuple[Names, bool]:
    """The names in all valid parts, and whether that is everything."""
    root = sources.project_root(folder)
    levels_up = len(folder.relative_to(root).parts)
    files = ProjectFiles(folder=folder, root=root, bring=lambda _: None)
    whole, check = include.gather(text, files=files, levels_up=levels_up)
    parsed, _ = parse_manifest(whole, check, catalogue=catalogue.shipped(), levels_up=levels_up)
    profiles = whole.data.get("profiles", {}) if isinstance(whole.data, dict) else {}
    return _names(parsed, profiles if isinstance(profiles, dict) else ()), not check.broken


def _names(parsed: Manifest, profiles: Iterable[str]) -> Names:
    drafts = {shot.id: expand.drafts(shot, limit=MOST_TAKES)[0] for shot in parsed.shots}
    models = (draft.settings.model for made in drafts.values() for draft in made)
    return Names(
        takes={shot_id: tuple(draft.id for draft in made) for shot_id, made in drafts.items()},
        tags=_once(tag for shot in parsed.shots for tag in shot.tags),
        models=_once(model for model in models if model is not None),
        profiles=_once(profiles),
    )


def _glimpsed(text: str) -> Names:
    """What looks like a name in text that is not valid YAML at the moment."""
    tags = (tag.strip(" \"'") for found in _TAGS.finditer(text) for tag in found[1].split(","))
    return Names(
        takes={in_one_form(found[1]): () for found in _ID.finditer(text)},
        tags=_once(tag for tag in tags if tag),
        models=_once(found[1] for found in _MODEL.finditer(text)),
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
