"""Stills and slices of sounds as they are sent: the recipes that their models ask for, and what comes of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from kfpipe.catalogue import Catalogue, FrameRules, Model
from kfpipe.domain import LocalMedium, MediaRole, Original
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.files import ProjectFiles
from kfpipe.manifest.model import Manifest, Preparation, Shot, SoundSlice
from kfpipe.media.cache import DigestCache
from kfpipe.media.facts import (
    Material,
    PreparedSound,
    PreparedStill,
    Recipe,
    Recording,
    RecordingFacts,
    Still,
    StillFacts,
)
from kfpipe.media.prepared import prepared, sliced
from kfpipe.media.recipe import recipe, slice_recipe
from kfpipe.takes import slices
from kfpipe.takes.expand import Draft
from kfpipe.values import remembered


class Preparer:
    """Stills by name and recipe; each is prepared once. What could not be prepared is missing in `made`."""

    def __init__(self, files: ProjectFiles, digests: DigestCache, catalogue: Catalogue) -> None:
        self.made: dict[tuple[str, Recipe], PreparedStill] = {}
        self._prepare = partial(prepared, folder=files.folder, digests=digests)
        self._files = files
        self._catalogue = catalogue
        self._recipes = remembered(self._recipes_for)
        self._outcome = remembered(self._made)

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


class Slicer:
    """Slices of sounds by name and recipe; each is cut once, and each place is complained of once."""

    def __init__(self, files: ProjectFiles, digests: DigestCache, catalogue: Catalogue) -> None:
        self.made: dict[tuple[str, Recipe], PreparedSound] = {}
        self._cut = partial(sliced, folder=files.folder, digests=digests)
        self._files = files
        self._catalogue = catalogue
        self._complained_of: set[DataPath] = set()

    def findings(self, manifest: Manifest, tracks: Mapping[str, Recording]) -> Iterator[tuple[Draft, Finding]]:
        """Cuts the slices that the takes are given; for whom that is not possible, and why."""
        for draft, wanted in slices.wanted_in(manifest):
            track = tracks.get(wanted.path)
            flaw = None if track is None else self._flaw(draft, wanted, track)
            if flaw is not None and flaw.path not in self._complained_of:
                self._complained_of.add(flaw.path)
                yield draft, flaw

    def _flaw(self, draft: Draft, wanted: SoundSlice, track: Recording) -> Finding | None:
        flaw = next(slices.findings(draft, wanted, track.facts), None)
        needed = slice_of(wanted, track.facts, draft, self._catalogue.model(draft.settings.model or ""))
        if flaw is None and (wanted.path, needed) not in self.made:
            cut = self._files.use(wanted.path, lambda real: self._cut(real, track, needed))
            if isinstance(cut, Finding):
                flaw = replace(cut, path=(*draft.path_of(MediaRole.DRIVING_AUDIO), "file"))
            else:
                self.made[wanted.path, needed] = cut
        return flaw


def slice_of(wanted: SoundSlice, track: RecordingFacts, draft: Draft, model: Model | None) -> Recipe:
    """What makes the slice that a take of this model is given."""
    rules = None if model is None else model.recordings.get(MediaRole.DRIVING_AUDIO)
    return slice_recipe(track, wanted.start_s, draft.settings.duration, rules)


def _models(shot: Shot) -> frozenset[str]:
    """The models that the takes of a shot may have."""
    names: set[Any] = {shot.settings.model}
    if shot.matrix is not None:
        names |= {*shot.matrix.axes.get("model", ()), *(entry.get("model") for entry in shot.matrix.include.values())}
    return frozenset(name for name in names if isinstance(name, str))


def medium(material: Material, name: str, how: Recipe) -> LocalMedium | None:
    """The file of this name as it is sent; None when it is of no use."""
    cut = material.slices.get((name, how))
    track = material.recordings.get(name)
    if cut is not None and track is not None:
        source = Original(path=material.places.get(name, name), sha256=track.sha256, recipe=how)
        return replace(_medium(cut.path, cut.sound), original=source)
    made = material.prepared.get((name, how))
    original = material.stills.get(name)
    if made is not None and original is not None:
        source = Original(path=material.places.get(name, name), sha256=original.sha256, recipe=how)
        return replace(_medium(made.path, made.still), original=source)
    file = original or track
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
