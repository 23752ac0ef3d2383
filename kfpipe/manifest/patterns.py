"""Keyframes that are given as a pattern, `stills/road/*.png` -> the files that it matches, in natural order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kfpipe.errors import Problem
from kfpipe.files.text import DataPath
from kfpipe.manifest import references
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.files import ProjectFiles
from kfpipe.manifest.schema import StructureCheck, where
from kfpipe.wording import echoed

_WILD = re.compile(r"[*?\[]")
_DIGITS = re.compile(r"([0-9]+)")


def resolved(document: Document, check: StructureCheck, files: ProjectFiles, *, levels_up: int) -> StructureCheck:
    """Put the matched files in place of each pattern; the check with what is wrong with patterns added.

    The document is changed where it stands: the positions of its values are known by identity.
    """
    problems: list[Problem] = []
    broken: set[DataPath] = set()
    for place, entry in _sequences(document, check):
        path = (*place, "keyframes")
        folder = document.source(path).folder
        found = _matched(entry["keyframes"], path, files, levels_up=levels_up, folder=folder)
        if isinstance(found, Finding):
            problems.append(found.problem(document, where(document, place).replace("shot ", "sequence ")))
            broken.add(place)
        else:
            mark = document.marks.entry(entry, "keyframes")[1]
            entry["keyframes"] = found
            document.marks.keep(found, [mark] * len(found))
    return replace(check, problems=(*check.problems, *problems), broken=check.broken | broken)


def _sequences(document: Document, check: StructureCheck) -> Iterator[tuple[DataPath, dict[str, Any]]]:
    if check.broken & {(), ("shots",)}:
        return
    for index, entry in enumerate(document.data["shots"]):
        if ("shots", index) not in check.broken and isinstance(entry.get("keyframes"), str):
            yield ("shots", index), entry


def _matched(text: str, path: DataPath, files: ProjectFiles, *, levels_up: int, folder: str) -> list[str] | Finding:
    """The names as the manifest would list them, or why they are no storyboard."""
    parent, slash, pattern = text.rpartition("/")
    if not _WILD.search(pattern) or _WILD.search(parent):
        return Finding(
            path=path,
            what=f"{echoed(text)} is no pattern of files in one folder",
            expected="a list of pictures, or a pattern like `stills/road/*.png`",
            fix="write a `*` in the name of the file, and nowhere else; or list the pictures",
        )
    name = references.inside_project(text, path, levels_up=levels_up, folder=folder)
    if isinstance(name, Finding):
        return name
    names = sorted(files.matching(name), key=natural_order)
    if len(names) < 2:
        what = f"only {echoed(names[0])} matches" if names else "no file matches"
        return Finding(
            path=path,
            what=f"{what} the pattern {echoed(text)}",
            expected="at least two pictures",
            fix="check the folder and the ending; paths are relative to the manifest's folder",
        )
    return [f"{parent}{slash}{base}" for base in names]


def natural_order(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A key that puts `k2.png` before `k10.png`, whatever the capitals."""
    parts = [part for part in _DIGITS.split(name.casefold()) if part]
    return [(0, int(part), "") if part[0].isdecimal() and part.isascii() else (1, 0, part) for part in parts], name
