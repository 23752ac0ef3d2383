"""The project's files: a name in the manifest -> what a reader makes of the file, or a finding; none from outside."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from kfpipe.errors import Unusable
from kfpipe.files.text import normalised
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.document.typed import in_yaml
from kfpipe.wording import closest, differently_composed, echoed, suggested

MOST_COMPARED = 100_000
"""Names that missing files are compared with to guess which ones were meant: about a second's work."""

Content = TypeVar("Content")


def project_root(folder: Path) -> Path:
    """The git work tree that holds the manifest's folder, else the folder itself."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


class ProjectFiles:
    """Names relative to the manifest -> contents, or a finding without a place. `folder` and `root` are real paths.

    `bring` is called with the path of a file before it is read.
    """

    def __init__(self, *, folder: Path, root: Path, bring: Callable[[Path], None]) -> None:
        self.folder = folder
        self._root = root
        self._bring = bring
        self._listing = cache(_listing)
        self._compared = 0

    def on_disk(self, name: str) -> str:
        """The name as it is on disk, where some letters may be composed in another way, in any part of the path.

        A part that is there as it is written stays so, and one that is there in no other way, or in several.
        """
        if name.isascii() or (self.folder / name).exists():
            return name
        path = PurePosixPath()
        for part in name.split("/"):
            forms = [] if (self.folder / path / part).exists() else self._forms(self.folder / path, part)
            path /= forms[0] if len(forms) == 1 else part
        return str(path)

    def _forms(self, folder: Path, part: str) -> list[str]:
        """The names in the folder that are this one to the eye."""
        return sorted(other for other in self._listing(folder) if normalised(other) == normalised(part))

    def real(self, name: str) -> Path:
        """The file itself, links followed as far as they lead anywhere."""
        path = self.folder / self.on_disk(name)
        try:
            return path.resolve()
        except (OSError, RuntimeError):  # in a circle, which is reported when the file is read
            return path

    def use(self, name: str, reader: Callable[[Path], Content]) -> Content | Finding:
        """What `reader` makes of the file, or why it cannot be used."""
        path = self.folder / name
        try:
            for form in _forms_of(name):
                self._bring(self.folder / form)
            path = self.folder / self.on_disk(name)
            real = path.resolve()
            flaw = self._flaw(name, path, real)
            return reader(real) if flaw is None else flaw
        except Unusable as error:
            return Finding(path=(), what=f"{echoed(name)} {error.reason}", expected=error.expected, fix=error.fix)
        except UnicodeDecodeError:
            return Finding(path=(), what=f"{echoed(name)} is not in UTF-8", fix="save the file as UTF-8 text")
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or "its symbolic links form a loop"
            return Finding(path=(), what=f"{echoed(name)} cannot be read: {reason}", fix="check the file's permissions")

    def matching(self, pattern: str) -> list[str]:
        """The names of the files in one folder that a pattern matches, in no order; hidden ones are not among them."""
        folder, _, base = pattern.rpartition("/")
        names = self._listing(self.folder / folder)
        fits = (name for name in names if fnmatchcase(name, base) and not name.startswith("."))
        return [name for name in fits if (self.folder / folder / name).is_file()]

    def _flaw(self, name: str, path: Path, real: Path) -> Finding | None:
        """Why the file may not be used. Links are followed first: what counts is where they lead."""
        if not real.is_relative_to(self._root):
            return Finding(
                path=(),
                what=f"{echoed(name)} leads out of the project through a symbolic link",
                expected="a file inside the project",
                fix="copy the file into the project",
            )
        if _is_hidden(real.relative_to(self._root)) and (path.exists() or not path.is_symlink()):
            return Finding(
                path=(),
                what=f"{echoed(name)} is a hidden file: these hold settings and keys, and a shot's files are uploaded",
                expected="a file whose name, like those of its folders, does not start with a dot",
                fix="copy it to a name like that",
            )
        siblings = self._listing(path.parent)
        if not path.exists():
            return self._missing(name, path, siblings)
        if path.is_dir():
            return Finding(path=(), what=f"{echoed(name)} is a folder", expected="a file", fix="name a file in it")
        if not path.is_file():
            return Finding(path=(), what=f"{echoed(name)} is not a regular file", fix="name a regular file")
        return None if path.name in siblings else _misspelt(name, path.name, siblings)

    def _missing(self, name: str, path: Path, siblings: frozenset[str]) -> Finding:
        folder, _, base = name.rpartition("/")
        if (link := _dangling(name, path)) is not None:
            return link
        if not path.parent.is_dir():
            fix = f"there is no folder {echoed(folder)}: paths are relative to the manifest's folder"
            return Finding(path=(), what=f"there is no file {echoed(name)}", fix=fix)
        forms = self._forms(path.parent, base)
        if forms:
            what = (
                f"there is no file {echoed(name)}, but {len(forms)} whose names {differently_composed(base, forms[0])}"
            )
            return Finding(path=(), what=what, fix="delete or rename all but one of them")
        alike = self._alike(base, siblings)
        fix = suggested(alike and _beside(name, alike), "check the spelling, or add the file", instead_of=name)
        return Finding(path=(), what=f"there is no file {echoed(name)}", fix=fix)

    def _alike(self, base: str, siblings: frozenset[str]) -> str | None:
        """The file that was probably meant; None when no name is close, or the time for guessing is used up."""
        if self._compared > MOST_COMPARED:
            return None
        self._compared += len(siblings)
        by_stem = {other.rpartition(".")[0]: other for other in sorted(siblings)}
        stem = closest(base.rpartition(".")[0], by_stem)
        return None if stem is None else by_stem[stem]


_CONTENT_STORES: Final = ((".git", "annex", "objects"), (".dvc", "cache"))
"""Hidden folders that hold nothing but the contents of files of the project, which are links to them."""

_FETCHED_BY: Final = {"annex/objects": "`git annex get`", ".dvc/": "`dvc pull`"}


def _dangling(name: str, path: Path) -> Finding | None:
    """The link on the way to the file whose content is not on this machine, as git-annex and DVC leave them."""
    link = next((place for place in (path, *path.parents) if place.is_symlink() and not place.exists()), None)
    if link is None:
        return None
    target = link.readlink().as_posix()
    how = next((how for mark, how in _FETCHED_BY.items() if mark in target), "for example with `git annex get`")
    return Finding(
        path=(),
        what=f"{echoed(name)} is a symbolic link to nowhere: there is no {echoed(target)}",
        expected="a file whose content is on this machine",
        fix=f"fetch its content ({how}), or put the file in place of the link",
    )


def _is_hidden(inside: Path) -> bool:
    """Whether a file, by its path inside the project, is one that people do not mean to show."""
    if any(inside.parts[: len(store)] == store for store in _CONTENT_STORES):
        return False
    return any(part.startswith(".") for part in inside.parts)


def _forms_of(name: str) -> frozenset[str]:
    """The name in the ways in which its letters may be composed."""
    forms = () if name.isascii() else (unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
    return frozenset([name, *forms])


def _misspelt(name: str, base: str, siblings: frozenset[str]) -> Finding | None:
    """A name that only this machine's file system accepts for the file."""
    alike = next((other for other in siblings if other.casefold() == base.casefold()), None)
    if alike is None:
        return None
    return Finding(
        path=(),
        what=f"{echoed(name)} is really named {echoed(alike)}: other systems will not find it",
        fix=f"write `{in_yaml(_beside(name, alike))}`",
    )


def _beside(name: str, other: str) -> str:
    return f"{name.rpartition('/')[0]}/{other}".lstrip("/")


def _listing(folder: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in folder.iterdir())
    except OSError:
        return frozenset()
