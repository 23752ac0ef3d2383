"""What a draft is made of, looked up once for all drafts that name the same files for the same model."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from kfpipe.catalogue import Model
from kfpipe.domain import MediaInput, MediaRole, Medium, RemoteMedium
from kfpipe.manifest.model import File, LocalFile, MediaSource, Preparation, RemoteFile, SoundSlice
from kfpipe.media.facts import Material, Recipe, Recording, Still
from kfpipe.media.recipe import AS_IT_IS, recipe
from kfpipe.takes import fingerprint, preparation, remote
from kfpipe.takes.expand import Draft, Media
from kfpipe.takes.media_rules import KnownFile, MediaFacts
from kfpipe.values import remembered


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MediaSet:
    """The media of a draft together. `inputs` are those of its request; None when one of them is missing.

    `spelled` is how the fingerprint names them. `files` has what is known of each, by role. Sets whose files the rules
    of a model cannot tell apart are of one `kind`.
    """

    inputs: tuple[MediaInput, ...] | None
    spelled: str
    files: Mapping[MediaRole, KnownFile]
    facts: MediaFacts
    kind: int

    @property
    def leading(self) -> KnownFile:
        """What the clip takes its shape from: its first frame, the clip that it continues, or the last frame alone."""
        first = self.files.get(MediaRole.FIRST_FRAME) or self.files.get(MediaRole.FIRST_CLIP)
        is_last_alone = [*self.files] == [MediaRole.LAST_FRAME]
        return self.files[MediaRole.LAST_FRAME] if is_last_alone else first


class MediaSets:
    """The sets of one manifest; equal media are one object."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._known: dict[Hashable, MediaSet] = {}
        self._same: dict[Hashable, tuple[MediaSet, Media, Preparation]] = {}  # which are held, that no id is another's
        self._medium = remembered(self._medium_of)
        self._input = remembered(self._in_role)
        self._kinds: dict[Hashable, int] = {}

    def of(self, draft: Draft, model: Model) -> MediaSet:
        """The media of a draft, as they are sent to its model."""
        media, how = draft.media, draft.shot.preparation
        is_cut = MediaRole.DRIVING_AUDIO in media  # a slice is as long as the clip
        duration = draft.settings.duration if is_cut else None
        same = model.name, id(media), id(how), duration
        if same not in self._same:
            self._same[same] = self._alike(draft, model, duration), media, how
        return self._same[same][0]

    def _alike(self, draft: Draft, model: Model, duration: int | None) -> MediaSet:
        key = (
            model.name,
            draft.shot.preparation,
            duration,
            *draft.media,
            *draft.media.values(),
        )
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._looked_up(draft, model)
        return known

    def _looked_up(self, draft: Draft, model: Model) -> MediaSet:
        files = {role: self._file(draft, model, source) for role, source in draft.media.items()}
        facts = {role: None if file is None else file.facts for role, file in files.items()}
        kind = self._kinds.setdefault((*facts.items(),), len(self._kinds))
        inputs = self._media(draft, model)
        return MediaSet(
            inputs=inputs, spelled=fingerprint.media_text(inputs or ()), files=files, facts=facts, kind=kind
        )

    def _file(self, draft: Draft, model: Model, source: MediaSource) -> Still | Recording | None:
        """What is known of a file of the project, as it is sent; None for all else, and for one that is of no use."""
        if isinstance(source, SoundSlice):
            cut = self._material.slices.get((source.path, self._recipe(draft, model, source)))
            return None if cut is None else cut.sound
        if not isinstance(source, LocalFile):
            return None
        made = self._material.prepared.get((source.path, self._recipe(draft, model, source)))
        if made is not None:
            return made.still
        return self._material.stills.get(source.path) or self._material.recordings.get(source.path)

    def _recipe(self, draft: Draft, model: Model, source: File | SoundSlice) -> Recipe:
        """How the file is prepared; most are not."""
        if isinstance(source, SoundSlice):
            track = self._material.recordings.get(source.path)
            return AS_IT_IS if track is None else preparation.slice_of(source, track.facts, draft, model)
        still = self._material.stills.get(source.path) if isinstance(source, LocalFile) else None
        if still is None or not self._material.prepared:
            return AS_IT_IS
        return recipe(still.facts, draft.shot.preparation, model.frames)

    def _media(self, draft: Draft, model: Model) -> tuple[MediaInput, ...] | None:
        """The media as the request names them, without those to be cut; None when one of them is missing."""
        files = [(role, source) for role, source in draft.media.items() if isinstance(source, File | SoundSlice)]
        inputs = (self._input(role, source, self._recipe(draft, model, source)) for role, source in files)
        given = tuple(found for found in inputs if found is not None)
        return given if len(given) == len(files) else None

    def _in_role(self, role: MediaRole, source: File | SoundSlice, how: Recipe) -> MediaInput | None:
        medium = self._medium(source, how)
        return None if medium is None else MediaInput(role=role, medium=medium)

    def _medium_of(self, source: File | SoundSlice, how: Recipe) -> Medium | None:
        if isinstance(source, RemoteFile):
            return RemoteMedium(url=source.url, digest=remote.digest(source.url))
        if isinstance(source, SoundSlice) and (source.path, how) not in self._material.slices:
            return None
        return preparation.medium(self._material, source.path, how)
