"""The files that a shot list is spread over: included manifests and tables, read into one document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath

from kfpipe.errors import Problem, Refused
from kfpipe.files.read import first_bytes
from kfpipe.files.text import LARGEST_BYTES, DataPath
from kfpipe.manifest import document, patterns, references, schema, tables
from kfpipe.manifest.compose import EntryList, composed
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.document.marks import MOST_SOURCES
from kfpipe.manifest.files import ProjectFiles
from kfpipe.manifest.schema import StructureCheck
from kfpipe.manifest.sheet import Sheet

DEEPEST_INCLUDE = 16

Parse = Callable[..., Document]
"""Content, name in messages, `name` -> what the file says."""

Trail = Mapping[Path, str]
"""The manifests that led here, by their real paths, with their names in messages."""


def gather(root: Document, *, files: ProjectFiles, levels_up: int) -> tuple[Document, StructureCheck]:
    """The manifest with all that it includes and lists, as one document, and what is wrong with its structure.

    Each file is read once, however often it is named. `levels_up` as in `references.inside_project`.
    """
    gatherer = _Gatherer(root, files, levels_up)
    sheet = Sheet(document=root, check=schema.check(root))
    gatherer.visit(sheet, {files.real(PurePath(root.file).name): root.file})
    whole, check = composed(gatherer.sheets, sheet, order=gatherer.order, complete=gatherer.complete)
    check = patterns.resolved(whole, check, files, levels_up=levels_up)
    return whole, replace(check, problems=(*check.problems, *gatherer.problems))


class _Gatherer:
    """One walk over the files, each after those that it includes; problems are collected on the way.

    `order` is that of the shots: top-level keys and their entries as they are written.
    """

    def __init__(self, root: Document, files: ProjectFiles, levels_up: int) -> None:
        self.sheets: list[Sheet] = []
        self.order: list[EntryList] = []
        self.problems: list[Problem] = []
        self.complete = True
        self._folder = PurePath(root.file).parent
        self._files = files
        self._levels_up = levels_up
        self._seen: set[Path] = set()

    def visit(self, sheet: Sheet, trail: Trail) -> None:
        """Read a manifest, the last of the trail, and the files that it names, as they come."""
        for part in () if () in sheet.check.broken else sheet.document.data:
            match part:
                case "include":
                    self._visit_included(sheet, trail)
                case "shot_lists":
                    self._read_tables(sheet)
                case "shots" | "sequences":
                    self.order.append((sheet, part))
        self.sheets.append(sheet)

    def _visit_included(self, sheet: Sheet, trail: Trail) -> None:
        for name, path in self._named(sheet, "include"):
            real = self._files.real(name)
            flaw = _trail_flaw(trail, real, self._shown(name))
            if flaw is not None:
                self._refuse(sheet.document, replace(flaw, path=path))
            elif (included := self._read(sheet.document, name, path)) is not None:
                check = schema.check(included, included=True)
                self.visit(Sheet(document=included, check=check, includer=sheet), {**trail, real: included.file})

    def _read_tables(self, sheet: Sheet) -> None:
        for name, path in self._named(sheet, "shot_lists"):
            entry = sheet.document.data["shot_lists"][path[1]]
            notes = entry.get("notes", ()) if isinstance(entry, dict) else ()
            table = self._read(sheet.document, name, path, parse=partial(tables.parse, notes=notes))
            if table is not None:
                listed = Sheet(document=table, check=schema.check_rows(table), includer=sheet)
                self.sheets.append(listed)
                self.order.append((listed, "shots"))

    def _named(self, sheet: Sheet, part: str) -> Iterator[tuple[str, DataPath]]:
        """The files that a part of the manifest names, relative to the root manifest's folder."""
        if sheet.check.broken & {(), (part,)}:
            self.complete = False
            return
        for place, entry in enumerate(sheet.document.data.get(part, ())):
            text, path = (entry["file"], (part, place, "file")) if isinstance(entry, dict) else (entry, (part, place))
            folder = sheet.document.sources[0].folder
            name = references.inside_project(text, path, levels_up=self._levels_up, folder=folder)
            if isinstance(name, Finding):
                self._refuse(sheet.document, name)
            else:
                yield name, path

    def _read(self, by: Document, name: str, path: DataPath, *, parse: Parse = document.parse) -> Document | None:
        """The document of a file that `by` names; None when it was read before, or cannot be read."""
        real = self._files.real(name)
        if real in self._seen:
            return None
        self._seen.add(real)
        if len(self._seen) >= MOST_SOURCES:
            raise Refused.because(
                by.file, f"more than {MOST_SOURCES:,} files make up this shot list", fix="combine some of them"
            )
        content = self._files.use(name, lambda file: first_bytes(file, LARGEST_BYTES + 1))
        if isinstance(content, Finding):
            self._refuse(by, replace(content, path=path))
            return None
        try:
            return parse(content, self._shown(name), name=name)
        except Refused as refused:
            self.complete = False
            self.problems += refused.problems
            return None

    def _refuse(self, document: Document, finding: Finding) -> None:
        self.complete = False
        self.problems.append(finding.problem(document, str(finding.path[0])))

    def _shown(self, name: str) -> str:
        return str(self._folder / name)


def _trail_flaw(trail: Trail, real: Path, shown: str) -> Finding | None:
    """Why the manifest cannot be included by the last one of the trail."""
    if real in trail:
        names = tuple(trail.values())[tuple(trail).index(real) :]
        what = f"the manifests include one another in a circle: {' -> '.join((*names, shown))}"
        return Finding(path=(), what=what, fix="delete this line, or move what both need into a file of its own")
    if len(trail) > DEEPEST_INCLUDE:
        what = f"manifests include one another more than {DEEPEST_INCLUDE} levels deep"
        return Finding(path=(), what=what, fix="include the files from a manifest further up")
    return None
