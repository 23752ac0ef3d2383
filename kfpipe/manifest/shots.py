"""Entries of the shot list -> shots: defaults and profile laid under, sequences taken apart, paths and places known.

The structure was checked before: what `manifest.schema` found broken is left out here, so that it hides nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from decimal import Decimal
from functools import cache, partial
from typing import Any

from kfpipe.domain import FrameEnd, MediaRole, Trim
from kfpipe.errors import Problem
from kfpipe.files.text import DataPath
from kfpipe.manifest import references, sequences
from kfpipe.manifest.defaults import idle_axes, inheritance, unknown_profile
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import (
    File,
    Matrix,
    MediaSource,
    Preparation,
    PromptFile,
    RenderOf,
    SeedChoice,
    Shot,
    ShotSettings,
    StillOf,
    Verb,
)
from kfpipe.manifest.sequences import ShotEntry
from kfpipe.wording import listed

_RESERVED_NAMES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{device}{number}" for device in ("com", "lpt") for number in range(1, 10))]
)
_NOUNS = {MediaRole.DRIVING_AUDIO: "sound", MediaRole.FIRST_CLIP: "clip"}
_ROLES = tuple(MediaRole)
_REFERENCES = (*_ROLES, "prompt")
_SETTINGS = tuple(ShotSettings.__dataclass_fields__)
_RESTS_ON: frozenset[DataPath] = frozenset([(), ("defaults",), ("vars",), ("shots",)])


def read(
    document: Document, broken: Set[DataPath], *, levels_up: int, profile: str | None
) -> tuple[tuple[Shot, ...], tuple[Problem, ...]]:
    """The usable shots in order, and what is wrong; none at all when a part that every shot relies on is `broken`."""
    if broken & (_RESTS_ON if profile is None else _RESTS_ON | {("profiles",)}):
        return (), ()
    reader = _Reader(document, levels_up=levels_up, profile=profile)
    shots = tuple(
        shot
        for place, own in enumerate(document.data["shots"])
        if ("shots", place) not in broken
        for shot in reader.shots(("shots", place), own)
    )
    reader.check_profile(profile)
    return shots, tuple(reader.problems)


class _Reader:
    """One pass over the shot list; equal values are one object, problems are collected on the way."""

    def __init__(self, document: Document, *, levels_up: int, profile: str | None) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._levels_up = levels_up
        self._shared = inheritance(document.data, profile)
        self._inherited: dict[frozenset[str], Mapping[str, DataPath]] = {}
        self._varied: set[str] = set()
        self._first_with: dict[str, Shot] = {}
        self._folder_of_shared = cache(lambda path: document.source(path).folder)
        self._preparation = cache(lambda source: _preparation(document, source))
        self._file = cache(partial(references.file, path=(), levels_up=levels_up))

    def shots(self, path: DataPath, own: Mapping[str, Any]) -> Iterator[Shot]:
        """The shot of an entry, or the shots of a sequence."""
        for entry in self._sequence(path, own) if "keyframes" in own else [ShotEntry(path=path, own=own)]:
            shot = self._shot(entry)
            self._check_name(shot)
            yield shot

    def check_profile(self, profile: str | None) -> None:
        """Report what is missing from the chosen profile, or has no effect in it, once all shots are read."""
        profiles = self._document.data.get("profiles", {})
        if profile is not None and profile not in profiles:
            self._report(unknown_profile(profiles, profile), "--profile")
        for finding in idle_axes(self._shared, self._varied):
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
        own = entry.own
        inherited = self._inherited_by(frozenset(self._shared.fields.keys() - own.keys()))
        fields = {**{name: self._shared.fields[name] for name in inherited}, **own}
        shot = Shot(
            id=own["id"],
            path=entry.path,
            places={**inherited, **entry.places} if entry.places else inherited,
            refused=entry.refused,
            tags=tuple(fields.get("tags", ())),
            variables={**self._shared.variables, **own.get("vars", {})},
            settings=_settings(fields),
            preparation=self._preparation(self._document.source_number(entry.path)),
            in_sequence=entry.in_sequence,
            trim=_trim(fields["trim"]) if "trim" in fields else None,
            notes=own.get("notes", ""),
        )
        read = self._references(shot, fields)
        found = {name: value for name, value in read.items() if not isinstance(value, Finding)}
        for value in read.values():
            if isinstance(value, Finding):
                self._report(value, shot.where)
        return replace(
            shot,
            refused=shot.refused | (read.keys() - found.keys()),
            media={role: found[role] for role in _ROLES if role in found},
            settings=replace(shot.settings, prompt=found["prompt"]) if "prompt" in found else shot.settings,
            matrix=self._matrix(shot, own["matrix"]) if "matrix" in own else None,
        )

    def _inherited_by(self, names: frozenset[str]) -> Mapping[str, DataPath]:
        """One object for equal sets: thousands of shots inherit the same fields."""
        known = self._inherited.get(names)
        if known is None:
            known = self._inherited[names] = {name: self._shared.places[name] for name in names}
        return known

    def _references(self, shot: Shot, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The media and the prompt file as the shot names them, or what is wrong with each."""
        read: dict[str, Any] = {}
        own_folder = self._document.source(shot.path).folder
        for name in _REFERENCES:
            value = fields.get(name)
            if value is None or (name == "prompt" and isinstance(value, str)):
                continue
            path = shot.path_of(name)
            folder = self._folder_of_shared(path) if shot.inherits(name) else own_folder
            read[name] = (
                self._prompt_file(value, path, folder)
                if name == "prompt"
                else self._footage(MediaRole(name), value, path, folder)
            )
        return read

    def _prompt_file(self, value: Mapping[str, str], path: DataPath, folder: str) -> PromptFile | Finding:
        file = references.inside_project(value["file"], (*path, "file"), levels_up=self._levels_up, folder=folder)
        return file if isinstance(file, Finding) else PromptFile(path=file)

    def _footage(self, role: MediaRole, value: Any, path: DataPath, folder: str) -> MediaSource | Finding:
        if isinstance(value, str):
            file = self._file(value, folder=folder, noun=_NOUNS.get(role, "frame"))
            return replace(file, path=path) if isinstance(file, Finding) else file
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

    def _matrix(self, shot: Shot, data: Mapping[str, Any]) -> Matrix:
        matrix = self._shared.matrix(data, shot.path_of("matrix"))
        self._varied |= matrix.axes.keys()
        return replace(matrix, files=dict(self._axis_files(shot, matrix)))

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
        twin = self._first_with.setdefault(shot.id.casefold(), shot)
        if twin is not shot:
            self._report(self._same_name(shot, twin), shot.where)
        if shot.id.partition(".")[0].casefold() in _RESERVED_NAMES:
            self._report(_reserved_name(shot), shot.where)

    def _same_name(self, shot: Shot, twin: Shot) -> Finding:
        position, source = self._document.position(twin.path), self._document.source(twin.path)
        place = source.cell_at(position) or f"line {position.line}"
        if source.file != self._document.source(shot.path).file:
            place = f"{source.file}, {place}"
        other = "another shot" if twin.id == shot.id else f"'{twin.id}', which differs only in capital letters"
        return Finding(
            path=(*shot.path, "id"),
            what=f"the id '{shot.id}' is already used by {other} ({place})",
            expected="an id that no other shot has: it becomes the name of the clip's file",
            fix="rename one of the two shots",
        )


def _preparation(document: Document, source: int) -> Preparation:
    """What the file that a shot is in says about its stills; where it is silent, the manifest speaks for it."""
    said = {**(document.sources[0].stills or {}), **(document.sources[source].stills or {})}
    usual = Preparation()
    verbs = frozenset(map(Verb, said["prepare"])) if "prepare" in said else usual.verbs
    return Preparation(verbs=verbs, background=said.get("background", usual.background).lower())


def _settings(fields: Mapping[str, Any]) -> ShotSettings:
    given = {name: fields[name] for name in _SETTINGS if name in fields}
    if given.get("seed") == SeedChoice.RANDOM.value:
        given["seed"] = SeedChoice.RANDOM
    if not isinstance(given.get("prompt", ""), str):
        del given["prompt"]
    return ShotSettings(**given)


def _trim(data: Mapping[str, Any]) -> Trim:
    return Trim(start_s=Decimal(data.get("in", 0)), end_s=Decimal(data["out"]) if "out" in data else None)


def _axis_media(matrix: Matrix) -> Iterator[tuple[MediaRole, str, DataPath]]:
    """The files that the matrix names, and where it names them; a value that is not text is refused elsewhere."""
    for role in MediaRole:
        values = (*matrix.axes.get(role, ()), *(entry[role] for entry in matrix.include.values() if role in entry))
        for value in dict.fromkeys(values):
            if isinstance(value, str):
                yield role, value, matrix.place_of(role, value)


def _reserved_name(shot: Shot) -> Finding:
    return Finding(
        path=(*shot.path, "id"),
        what=f"the id '{shot.id}' cannot be a file name on Windows",
        expected=f"an id other than {listed(['con', 'prn', 'aux', 'nul', 'com1', 'lpt1'])}, even before a dot",
        fix=f"rename the shot, for example to `shot_{shot.id}`",
    )
