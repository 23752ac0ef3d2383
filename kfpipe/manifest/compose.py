"""Several files -> one document, as if they were one manifest; every value still knows its file, line and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from kfpipe.errors import Problem, Severity
from kfpipe.files.text import DataPath
from kfpipe.manifest.document import Document, SourceFile
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.document.marks import Marks
from kfpipe.manifest.schema import StructureCheck
from kfpipe.manifest.schema.rules import ENTRY_LISTS

_OF_DEFAULTS: Mapping[str, Any] = {"vars": {}}
_EVERY = ""
_SHARED: Mapping[str, Any] = {"vars": {}, "defaults": _OF_DEFAULTS, "profiles": {_EVERY: _OF_DEFAULTS}}
"""Parts that included manifests add to, and which of their entries are blocks that are merged in the same way."""

_SHARED_PATHS: frozenset[DataPath] = frozenset((part,) for part in _SHARED)
_LIST_PATHS: frozenset[DataPath] = frozenset((part,) for part in ENTRY_LISTS)
_UNREMARKABLE = frozenset([*_SHARED, *ENTRY_LISTS, "shot_lists", "include", "kfpipe", "provider", "stills", "title"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One file of the shot list, with what its structure check found."""

    document: Document
    check: StructureCheck


EntryList = tuple[Sheet, str]
"""The `shots` or the `sequences` of a file."""


def composed(
    sheets: Sequence[Sheet], root: Sheet, *, order: Sequence[EntryList], complete: bool
) -> tuple[Document, StructureCheck]:
    """One document with the shots and sequences of all sheets under `shots`, in this order, and what is broken of it.

    Where two of the `sheets`, the root among them, set the same, the later one wins. Unless they are `complete`, a shot
    that is not found may be in a file that could not be read.
    """
    composer = _Composer(sheets, root, order)
    document = composer.document()
    broken = composer.broken if complete else composer.broken | {("include",)}
    problems = [*chain.from_iterable(sheet.check.problems for sheet in sheets), *_idle_parts(sheets, root)]
    if not document.data["shots"] and not broken & {(), ("shots",), ("include",)}:
        problems.append(_NO_SHOTS.problem(document, ""))
    return document, StructureCheck(problems=tuple(problems), broken=frozenset(broken))


_NO_SHOTS = Finding(
    path=("include",),
    at_key=True,
    what="there are no shots, here or in what this manifest includes",
    fix="add a list `shots`, or include a manifest that has one",
)


class _Composer:
    """Lays the sheets out in one document; `broken` is known once that is done."""

    def __init__(self, sheets: Sequence[Sheet], root: Sheet, order: Sequence[EntryList]) -> None:
        self._root = root
        self._order = order
        self._sheets = sheets
        self._numbered = (root, *(sheet for sheet in sheets if sheet is not root))
        self._marks = Marks()
        for number, sheet in enumerate(self._numbered):
            self._marks.adopt(sheet.document.marks, number)
        self._marks.root = root.document.marks.root
        self.broken = {path for path in root.check.broken if not path or path[0] not in ENTRY_LISTS}

    def document(self) -> Document:
        data = {**self._root.document.data, "shots": self._entries()}
        for part, below in _SHARED.items():
            blocks = [sheet.document.data[part] for sheet in self._usable(part)]
            if blocks:
                data[part] = self._merged(blocks, below)
        self._marks.keep(data, [mark for part in data for mark in self._marks_of(part)])
        return Document(
            sources=tuple(source for sheet in self._numbered for source in self._sources(sheet)),
            data=data,
            warnings=tuple(warning for sheet in self._sheets for warning in sheet.document.warnings),
            marks=self._marks,
        )

    def _sources(self, sheet: Sheet) -> Iterator[SourceFile]:
        is_sound = not sheet.check.broken & {(), ("stills",)}
        stills = sheet.document.data.get("stills") if is_sound else None
        return (replace(source, stills=stills) for source in sheet.document.sources)

    def _entries(self) -> list[Any]:
        """All shots and sequences, in order."""
        entries: list[Any] = []
        marks: list[int] = []
        for found in (sheet.check.broken for sheet in self._sheets):
            self.broken |= {("include",)} if () in found else found & _SHARED_PATHS
            self.broken |= {("shots",)} if found & _LIST_PATHS else set()
        for sheet, part in self._order:
            found, own = sheet.check.broken, sheet.document.data[part]
            if found & {(), (part,)}:
                continue
            self.broken |= {("shots", len(entries) + index) for index in range(len(own)) if (part, index) in found}
            marks += [self._marks.entry(own, index)[1] for index in range(len(own))]
            entries += own
        self._marks.keep(entries, marks)
        return entries

    def _usable(self, part: str) -> Iterator[Sheet]:
        for sheet in self._sheets:
            if part in sheet.document.data and not sheet.check.broken & {(), (part,)}:
                yield sheet

    def _merged(self, blocks: Sequence[dict[str, Any]], below: Mapping[str, Any]) -> dict[str, Any]:
        """The blocks laid over one another, the last one on top; `below` names the inner ones to treat alike."""
        if len(blocks) == 1:
            return blocks[0]
        lying_in: dict[str, list[dict[str, Any]]] = {}
        for block in blocks:
            for key in block:
                lying_in.setdefault(key, []).append(block)
        merged = {
            key: owners[-1][key]
            if (inner := below.get(key, below.get(_EVERY))) is None
            else self._merged([owner[key] for owner in owners], inner)
            for key, owners in lying_in.items()
        }
        marks = (self._marks.entry(owners[-1], key) for key, owners in lying_in.items())
        self._marks.keep(merged, list(chain.from_iterable(marks)))
        return merged

    def _marks_of(self, part: str) -> tuple[int, int]:
        """Where a part of the whole begins: in the root, or else in the first sheet that has it."""
        for sheet in self._numbered:
            if part in sheet.document.data:
                return self._marks.entry(sheet.document.data, part)
        return self._marks.root, self._marks.root


def _idle_parts(sheets: Sequence[Sheet], root: Sheet) -> Iterator[Problem]:
    """Parts of included manifests that seem to apply and do not: a cap on the cost that caps nothing here."""
    for sheet in sheets:
        if () in sheet.check.broken:
            continue
        for part in sheet.document.data.keys() - _UNREMARKABLE - root.document.data.keys():
            finding = Finding(
                path=(part,),
                at_key=True,
                what=f"`{part}` of an included manifest applies only when that manifest is run by itself",
                fix=f"write it in {root.document.file} too if it is meant for all shots, else delete it here",
                severity=Severity.WARNING,
            )
            yield finding.problem(sheet.document, part)
