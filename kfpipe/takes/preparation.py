"""The stills of the shots as they are sent: the recipes that their models ask for, and what comes of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

from kfpipe.catalogue import Catalogue, FrameRules
from kfpipe.domain import LocalMedium, Original
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.files import ProjectFiles
from kfpipe.manifest.model import Preparation, Shot
from kfpipe.media.cache import DigestCache
from kfpipe.media.facts import Material, PreparedStill, Recipe, Recording, Still, StillFacts
from kfpipe.media.prepared import prepared
from kfpipe.media.recipe import recipe


class Preparer:
    """Stills by name and recipe; each is prepared once. What could not be prepared is missing in `made`."""

    def __init__(self, files: ProjectFiles, digests: DigestCache, catalogue: Catalogue) -> None:
        self.made: dict[tuple[str, Recipe], PreparedStill] = {}
        self._prepare = partial(prepared, folder=files.folder, digests=digests)
        self._files = files
        self._catalogue = catalogue
        self._recipes = cache(self._recipes_for)
        self._outcome = cache(self._made)

    def findings(self, shot: Shot, name: str, still: Still) -> Iterator[Finding]:
        """Prepares the still for all that the shot may ask for; why that is not possible, without a place."""
        for needed in self._recipes(still.facts, shot.preparation, _models(shot)):
            flaw = self._outcome(name, needed, still)
            if flaw is not None:
                yield flaw

    def _recipes_for(self, facts: StillFacts, allowed: Preparation, models: frozenset[str]) -> frozenset[Recipe]:
        rules: set[FrameRules] = {model.frames for name in models if (model := self._catalogue.model(name)) is not None}
        return frozenset(recipe(facts, allowed, one) for one in rules) - {()}

    def _made(self, name: str, needed: Recipe, still: Still) -> Finding | None:
        made = self._files.use(name, lambda real: self._prepare(real, still, needed))
        if isinstance(made, Finding):
            return made
        self.made[name, needed] = made
        return None


def _models(shot: Shot) -> frozenset[str]:
    """The models that the takes of a shot may have."""
    names: set[Any] = {shot.settings.model}
    if shot.matrix is not None:
        names |= {*shot.matrix.axes.get("model", ()), *(entry.get("model") for entry in shot.matrix.include.values())}
    return frozenset(name for name in names if isinstance(name, str))


def medium(material: Material, name: str, how: Recipe) -> LocalMedium | None:
    """The file of this name as it is sent; None when it is of no use."""
    made = material.prepared.get((name, how))
    original = material.stills.get(name)
    if made is not None and original is not None:
        source = Original(path=material.places.get(name, name), sha256=original.sha256, recipe=how)
        return replace(_medium(made.path, made.still), original=source)
    file = original or material.recordings.get(name)
    return None if file is None else _medium(material.places.get(name, name), file)


def _medium(path: str, file: Still | Recording) -> LocalMedium:
    return LocalMedium(
        path=path,
        sha256=file.sha256,
        size_bytes=file.facts.size_bytes,
        mime_type=file.facts.mime_type,
        width_px=file.facts.width_px,
        height_px=file.facts.height_px,
    )
