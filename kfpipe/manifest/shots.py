"""Entries of the shot list -> shots: what wins is settled, sequences are taken apart, paths and places known.

The structure was checked before: what `manifest.schema` found broken is left out here, so that it hides nothing else.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from typing import Any

from kfpipe.catalogue import Catalogue
from kfpipe.domain import FrameEnd, MediaRole, Trim
from kfpipe.errors import Problem
from kfpipe.files.text import DataPath
from kfpipe.manifest import references, sequences
from kfpipe.manifest.defaults import Inheritance, Layers, idle_axes, unknown_profile
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.document.scalars import Scalar
from kfpipe.manifest.model import (
    File,
    ForModel,
    Matrix,
    MediaSource,
    Preparation,
    PromptFile,
    RemoteFile,
    RenderOf,
    SeedChoice,
    Shot,
    ShotSettings,
    SoundSlice,
    StillOf,
    Variables,
    Verb,
)
from kfpipe.manifest.sequences import ShotEntry
from kfpipe.names import ID_LIMIT_BYTES, clash_key, in_one_form, is_too_long
from kfpipe.wording import listed, unseen_difference

_RESERVED_NAMES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{device}{number}" for device in ("com", "lpt") for number in range(1, 10))]
)
_NOTHING: frozenset[str] = frozenset()
_NOUNS = {MediaRole.DRIVING_AUDIO: "sound", MediaRole.FIRST_CLIP: "clip"}
_ROLES = tuple(MediaRole)
_SETTINGS = frozenset(ShotSettings.__dataclass_fields__)
_VARIED_FIELDS = frozenset([*_SETTINGS, *_ROLES])
_RESTS_ON: frozenset[DataPath] = frozenset([(), ("defaults",), ("vars",), ("models",), ("shots",)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """What the command line lays over the shots, and the models that there are."""

    profile: str | None = None
    variables: Variables = field(default_factory=dict)
    catalogue: Catalogue

    def model_name(self, name: str) -> str:
        """The model's own name, where this is another one for it."""
        model = self.catalogue.model(name)
        return name if model is None else model.name


def read(
    document: Document, broken: Set[DataPath], *, levels_up: int, overlay: Overlay
) -> tuple[tuple[Shot, ...], tuple[Problem, ...]]:
    """The usable shots in order, and what is wrong; none at all when a part that every shot relies on is `broken`."""
    if broken & (_RESTS_ON if overlay.profile is None else _RESTS_ON | {("profiles",)}):
        return (), ()
    reader = _Reader(document, levels_up=levels_up, overlay=overlay)
    shots = tuple(
        shot
        for place, own in enumerate(document.data["shots"])
        if ("shots", place) not in broken
        for shot in reader.shots(("shots", place), own)
    )
    reader.check_profile()
    return shots, tuple(reader.problems)


class _Reader:
    """One pass over the shot list; equal values are one object, problems are collected on the way."""

    def __init__(self, document: Document, *, levels_up: int, overlay: Overlay) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._levels_up = levels_up
        self._overlay = overlay
        self._inherited = cache(
            lambda number: Inheritance(document, number, overlay.profile, cache(overlay.model_name))
        )
        self._varied: set[str] = set()
        self._first_with: dict[str, Shot] = {}
        self._folder_of_shared = cache(lambda path: document.source(path).folder)
        self._preparation = cache(lambda source: _preparation(document, source))
        self._file = cache(
            lambda text, folder, noun: references.file(text, (), levels_up=levels_up, folder=folder, noun=noun)
        )
        self._known_media: dict[Hashable, tuple[dict[MediaRole, MediaSource], object]] = {}
        self._tags = cache(lambda *names: tuple(dict.fromkeys(map(in_one_form, names))))

    def shots(self, path: DataPath, own: Mapping[str, Any]) -> Iterator[Shot]:
        """The shot of an entry, or the shots of a sequence."""
        for entry in self._sequence(path, own) if "keyframes" in own else [ShotEntry(path=path, own=own)]:
            shot = self._shot(entry)
            self._check_name(shot)
            yield shot

    def check_profile(self) -> None:
        """Report what is missing from the chosen profile, or has no effect in it, once all shots are read."""
        profile = self._overlay.profile
        if profile is None:
            return
        names = dict.fromkeys(name for _, said in self._document.said() for name in said.get("profiles", {}))
        if profile not in names:
            self._report(unknown_profile(names, profile), "--profile")
        numbers = range(len(self._document.sources))
        axes = {path: name for number in numbers for name, path in self._inherited(number).axes.items()}
        for finding in idle_axes(axes, self._varied):
            self._report(finding, f"profile '{profile}'")

    def _report(self, finding: Finding, where: str) -> None:
        self.problems.append(finding.problem(self._document, where))

    def _sequence(self, path: DataPath, own: Mapping[str, Any]) -> Iterator[ShotEntry]:
        """A shot for each pair of neighbouring keyframes."""
        for finding in sequences.findings(path, own):
            self._report(finding, f"sequence '{own['id']}'")
        return sequences.storyboard(path, own)

    # -- shots ------------------------------------------------------------------------------------------------------

    def _shot(self, entry: ShotEntry) -> Shot:
        own, source = entry.own, self._document.source_number(entry.path)
        inherited = self._inherited(source)
        given = inherited.settled(own, entry.places)
        fields = given.fields
        found, prompt, refused = self._references(entry, given, self._document.sources[source].folder)
        shot = Shot(
            id=in_one_form(own["id"]),
            path=entry.path,
            places=given.places,
            refused=entry.refused | refused if refused else entry.refused,
            tags=self._tags(*fields["tags"]) if "tags" in fields else (),
            media=found,
            variables=given.variables,
            settings=_settings(fields, prompt),
            preparation=self._preparation(source),
            in_sequence=entry.in_sequence,
            trim=_trim(fields["trim"]) if "trim" in fields else None,
            notes=fields.get("notes", ""),
        )
        return self._with_matrix(shot, entry, inherited) if own.get("matrix") is not None else shot

    def _with_matrix(self, shot: Shot, entry: ShotEntry, inherited: Inheritance) -> Shot:
        matrix = self._matrix(shot, entry.own["matrix"], inherited)
        by_model = {
            model: _for_model(inherited.settled(entry.own, entry.places, model=model))
            for model in (_models_of(matrix) if inherited.sets_models else ())
        }
        return replace(shot, matrix=matrix, by_model=by_model)

    def _references(
        self, entry: ShotEntry, given: Layers, own_folder: str
    ) -> tuple[dict[MediaRole, MediaSource], PromptFile | None, frozenset[str]]:
        """The media and the prompt file as the shot names them, and the names of those that cannot be used."""
        named = _names_of_files(entry, given, own_folder)
        known = None if named is None else self._known_media.get(named)
        if known is not None:
            return known[0], None, _NOTHING
        found: dict[MediaRole, MediaSource] = {}
        prompt: PromptFile | None = None
        refused: list[str] = []
        for role in _ROLES:
            value = given.fields.get(role)
            if value is None:
                continue
            path, folder = self._place(role, entry, given, own_folder)
            media = self._medium(role, value, entry, path, folder)
            if isinstance(media, Finding):
                self._refuse(media, entry)
                refused.append(role)
            else:
                found[role] = media
        if isinstance(given.fields.get("prompt"), dict):
            file = self._prompt_file(given.fields["prompt"], *self._place("prompt", entry, given, own_folder))
            if isinstance(file, Finding):
                self._refuse(file, entry)
                refused.append("prompt")
            else:
                prompt = file
        if named is not None and not refused:
            self._known_media[named] = found, given.places  # which are held, that no id is another's
        return found, prompt, frozenset(refused)

    def _refuse(self, finding: Finding, entry: ShotEntry) -> None:
        self._report(finding, f"shot '{in_one_form(entry.own['id'])}'")

    def _place(self, name: str, entry: ShotEntry, given: Layers, own_folder: str) -> tuple[DataPath, str]:
        """Where the field is, and the folder that a path in it is relative to."""
        place = given.places.get(name)
        if place is None:
            return (*entry.path, name), own_folder
        return place, own_folder if place[: len(entry.path)] == entry.path else self._folder_of_shared(place)

    def _medium(
        self, role: MediaRole, value: Any, entry: ShotEntry, path: DataPath, folder: str
    ) -> MediaSource | Finding:
        if isinstance(value, str):
            file: File | Finding = self._file(value, folder, _NOUNS.get(role, "frame"))
            return replace(file, path=path) if isinstance(file, Finding) else file
        if role is MediaRole.DRIVING_AUDIO:
            return self._slice(entry, value, path, folder)
        return self._footage(role, value, path)

    def _prompt_file(self, value: Mapping[str, str], path: DataPath, folder: str) -> PromptFile | Finding:
        file = references.inside_project(value["file"], (*path, "file"), levels_up=self._levels_up, folder=folder)
        return file if isinstance(file, Finding) else PromptFile(path=file)

    def _footage(self, role: MediaRole, value: Mapping[str, str], path: DataPath) -> MediaSource | Finding:
        value = {name: in_one_form(word) for name, word in value.items()}
        if role is MediaRole.FIRST_CLIP:
            return RenderOf(shot_id=value["render"], end=None, take=value.get("take"))
        end = FrameEnd(value["frame"])
        match value:
            case {"still": _, "render": _}:
                what, fix = "this frame has both `still` and `render`", "delete one of the two lines"
            case {"still": _, "take": _}:
                what = "`take` has no effect here: a still is the same for all takes"
                fix = "delete `take`, or write `render` instead of `still` to cut from the rendered clip"
            case {"still": shot_id}:
                return StillOf(shot_id=shot_id, end=end)
            case {"render": shot_id}:
                return RenderOf(shot_id=shot_id, end=end, take=value.get("take"))
            case _:
                what, fix = "the shot to take the picture from is missing", "add `still: SHOT` or `render: SHOT`"
        return Finding(path=path, what=what, expected="`still: SHOT` or `render: SHOT`", fix=fix)

    def _slice(self, entry: ShotEntry, value: Mapping[str, Any], path: DataPath, folder: str) -> SoundSlice | Finding:
        """A part of a sound; what a sequence is given as a whole runs on through its shots."""
        noun = _NOUNS[MediaRole.DRIVING_AUDIO]
        file = references.file(value["file"], (*path, "file"), levels_up=self._levels_up, folder=folder, noun=noun)
        match file:
            case Finding():
                return file
            case RemoteFile():
                return Finding(
                    path=(*path, "file"),
                    what="a slice of a remote sound cannot be cut: kfpipe never downloads it, the service does",
                    expected="a file of the project",
                    fix="save the file in the project and give its path",
                )
        runs_on = entry.in_sequence is not None and path[len(entry.path) :][:1] != ("shots",)
        return SoundSlice(path=file.path, start_s=Decimal(value["start"]), runs_on=runs_on)

    def _matrix(self, shot: Shot, data: Mapping[str, Any], inherited: Inheritance) -> Matrix:
        matrix = inherited.matrix(data, shot.path_of("matrix"))
        self._varied |= matrix.axes.keys()
        won = {name: (path, _on_an_axis(name, value)) for name, (path, value) in matrix.overridden.items()}
        won |= {name: ((), value) for name, value in self._overlay.variables.items() if name not in _VARIED_FIELDS}
        return replace(matrix, overridden=won, files=dict(self._axis_files(shot, matrix)))

    def _axis_files(self, shot: Shot, matrix: Matrix) -> Iterator[tuple[tuple[MediaRole, str], File]]:
        for role, text, path in _axis_media(matrix):
            folder = self._document.source(path).folder
            noun = _NOUNS.get(role, "frame")
            file = references.file(text, path, levels_up=self._levels_up, folder=folder, noun=noun)
            if isinstance(file, Finding):
                self._report(file, shot.where)
            else:
                yield (role, text), file

    # -- names ------------------------------------------------------------------------------------------------------

    def _check_name(self, shot: Shot) -> None:
        twin = self._first_with.setdefault(clash_key(shot.id), shot)
        if twin is not shot:
            self._report(self._same_name(shot, twin), shot.where)
        if shot.id.partition(".")[0].casefold() in _RESERVED_NAMES:
            self._report(_reserved_name(shot), shot.where)
        if is_too_long(shot.id) and (shot.in_sequence is None or shot.in_sequence.index == 1):
            self._report(_long_name(shot), shot.where)

    def _same_name(self, shot: Shot, twin: Shot) -> Finding:
        place = self._document.place_of(twin.path, shot.path)
        other = self._like(shot, twin)
        return Finding(
            path=(*shot.path, "id"),
            what=f"the id '{shot.id}' is already used by {other} ({place})",
            expected="an id that no other shot has: it becomes the name of the clip's file",
            fix="rename one of the two shots",
        )

    def _like(self, shot: Shot, twin: Shot) -> str:
        """The shot whose id is the same to a file system, and in what the two differ."""
        own, other = (self._id_as_written(one) for one in (shot, twin))
        if own == other:
            return "another shot"
        if own.casefold() == other.casefold():
            return f"'{twin.id}', which differs only in capital letters"
        how = unseen_difference(own, other) or "differs only in the form of its letters"
        return f"'{twin.id}', which {how}"

    def _id_as_written(self, shot: Shot) -> str:
        """Before its letters were composed; that of a sequence for each of its shots."""
        entry = self._document.data
        for step in shot.path:
            entry = entry[step]
        return shot.id if shot.in_sequence else str(entry["id"])


def _preparation(document: Document, source: int) -> Preparation:
    """What the file that a shot is in says about its stills; where it is silent, the file that includes it speaks."""
    said: dict[str, Any] = {}
    for number in document.chain(source):
        said |= document.sources[number].stills or {}
    usual = Preparation()
    verbs = frozenset(map(Verb, said["prepare"])) if "prepare" in said else usual.verbs
    return Preparation(verbs=verbs, background=said.get("background", usual.background).lower())


def _names_of_files(entry: ShotEntry, given: Layers, own_folder: str) -> Hashable | None:
    """All that the media of a shot follow from; None where that is more than the names of files.

    Fields that are inherited alike are in one and the same `places`; who keeps the result keeps them.
    """
    values = [*map(given.fields.get, _ROLES)]
    if entry.places or isinstance(given.fields.get("prompt"), dict) or dict in map(type, values):
        return None
    return own_folder, id(given.places), *values


def _settings(fields: Mapping[str, Any], prompt: PromptFile | None = None) -> ShotSettings:
    """The settings that are given; `prompt` is the file that it is in, None also where that is refused."""
    given = {name: value for name, value in fields.items() if name in _SETTINGS}
    if given.get("seed") == SeedChoice.RANDOM.value:
        given["seed"] = SeedChoice.RANDOM
    if prompt is not None:
        given["prompt"] = prompt
    elif not isinstance(given.get("prompt", ""), str):
        del given["prompt"]
    return ShotSettings(**given)


def _trim(data: Mapping[str, Any]) -> Trim:
    return Trim(start_s=Decimal(data.get("in", 0)), end_s=Decimal(data["out"]) if "out" in data else None)


def _for_model(given: Layers) -> ForModel:
    return ForModel(settings=_settings(given.fields), variables=given.variables, places=given.places)


def _models_of(matrix: Matrix) -> Iterator[str]:
    """The models that the matrix chooses from."""
    values = (*matrix.axes.get("model", ()), *(entry.get("model") for entry in matrix.include.values()))
    return (value for value in dict.fromkeys(values) if isinstance(value, str))


def _on_an_axis(name: str, value: Any) -> Scalar:
    """What takes the place of an axis' values; None for what no axis can hold, and for media, which the shot has."""
    return None if name in _ROLES or isinstance(value, dict | list) else value


def _axis_media(matrix: Matrix) -> Iterator[tuple[MediaRole, str, DataPath]]:
    """The files that the matrix names, and where it names them; a value that is not text is refused elsewhere."""
    for role in MediaRole:
        values = (*matrix.axes.get(role, ()), *(entry[role] for entry in matrix.include.values() if role in entry))
        for value in dict.fromkeys(values):
            if isinstance(value, str):
                yield role, value, matrix.place_of(role, value)


def _long_name(shot: Shot) -> Finding:
    return Finding(
        path=(*shot.path, "id"),
        what=f"the id is {len(shot.id.encode())} bytes long",
        expected=f"at most {ID_LIMIT_BYTES}, 3 for a Chinese character: it becomes the name of the clip's file",
        fix="shorten it",
    )


def _reserved_name(shot: Shot) -> Finding:
    return Finding(
        path=(*shot.path, "id"),
        what=f"the id '{shot.id}' cannot be a file name on Windows",
        expected=f"an id other than {listed(['con', 'prn', 'aux', 'nul', 'com1', 'lpt1'])}, even before a dot",
        fix=f"rename the shot, for example to `shot_{shot.id}`",
    )
