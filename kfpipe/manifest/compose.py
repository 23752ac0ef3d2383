"""Several files -> one document, as if they were one manifest; every value still knows its file, line and column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from kfpipe.manifest import unused
from kfpipe.manifest.document import FILES, Document, SourceFile
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.document.marks import Marks
from kfpipe.manifest.schema import StructureCheck
from kfpipe.manifest.schema.rules import ENTRY_LISTS
from kfpipe.manifest.sheet import Sheet

_FOR_ITS_SHOTS: Final = ("vars", "defaults", "models", "profiles")
"""Parts of a file that apply to its own shots and to those of the files that it includes."""

_LIST_PATHS: Final = frozenset((part,) for part in ENTRY_LISTS)


EntryList = tuple[Sheet, str]
"""The `shots` or the `sequences` of a file."""


def composed(
    sheets: Sequence[Sheet], root: Sheet, *, order: Sequence[EntryList], complete: bool
) -> tuple[Document, StructureCheck]:
    """One document with the shots and sequences of all sheets under `shots`, in this order, and what is broken of it.

    The root is among the `sheets`. Unless they are `complete`, a shot that is not found may be in a file that could not
    be read.
    """
    composer = _Composer(sheets, root, order)
    document = composer.document()
    broken = composer.broken if complete else composer.broken | {("include",)}
    problems = [*chain.from_iterable(sheet.check.problems for sheet in sheets), *unused.problems(sheets)]
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
        self._number = {id(sheet): number for number, sheet in enumerate(self._numbered)}
        self._marks = Marks(root=root.document.marks.root)
        self.broken = {path for path in root.check.broken if not path or path[0] not in ENTRY_LISTS}

    def document(self) -> Document:
        is_whole = len(self._sheets) == 1 and [part for _, part in self._order] == ["shots"]
        if is_whole and not self._root.check.broken:
            return replace(self._root.document, sources=tuple(self._sources(self._root)))
        for number, sheet in enumerate(self._numbered):
            self._marks.adopt(sheet.document.marks, number)
        data = {**self._root.document.data, "shots": self._entries()}
        if len(self._numbered) > 1:
            data[FILES] = [self._said(sheet) for sheet in self._numbered]
            self._marks.keep(data[FILES], [self._marks.root] * len(self._numbered))
        self._marks.keep(data, [mark for part in data for mark in self._marks_of(part)])
        return Document(
            sources=tuple(source for sheet in self._numbered for source in self._sources(sheet)),
            data=data,
            warnings=tuple(warning for sheet in self._sheets for warning in sheet.document.warnings),
            marks=self._marks,
        )

    def _said(self, sheet: Sheet) -> dict[str, Any]:
        """What a file says for its own shots, with the places of it."""
        own = sheet.document.data
        said = {part: own[part] for part in _FOR_ITS_SHOTS if sheet.has(part)}
        self._marks.keep(said, [mark for part in said for mark in self._marks.entry(own, part)])
        return said

    def _sources(self, sheet: Sheet) -> Iterator[SourceFile]:
        stills = sheet.document.data["stills"] if sheet.has("stills") else None
        includer = None if sheet.includer is None else self._number[id(sheet.includer)]
        return (replace(source, stills=stills, includer=includer) for source in sheet.document.sources)

    def _entries(self) -> list[Any]:
        """All shots and sequences, in order."""
        entries: list[Any] = []
        marks: list[int] = []
        for found in (sheet.check.broken for sheet in self._sheets):
            if () in found:
                self.broken.add(("include",))
            elif found & _LIST_PATHS:
                self.broken.add(("shots",))
        for sheet, part in self._order:
            found, own = sheet.check.broken, sheet.document.data[part]
            if (part,) in found:
                continue
            unfit = {path[1] for path in found if path[:1] == (part,)}
            if self._rests_on_broken(sheet):
                unfit.update(range(len(own)))
            self.broken |= {("shots", len(entries) + int(index)) for index in unfit}
            marks.extend(self._marks.items(own))
            entries += own
        self._marks.keep(entries, marks)
        return entries

    def _rests_on_broken(self, sheet: Sheet) -> bool:
        """Whether what an included file, or one on the way to it, says for its shots cannot be used."""
        parts = {(part,) for part in _FOR_ITS_SHOTS}
        return any(above is not self._root and above.check.broken & parts for above in (sheet, *sheet.ancestors()))

    def _marks_of(self, part: str) -> tuple[int, int]:
        """Where a part of the whole begins: in the root, or else in the first sheet that has it."""
        for sheet in self._numbered:
            if part in sheet.document.data:
                return self._marks.entry(sheet.document.data, part)
        return self._marks.root, self._marks.root
