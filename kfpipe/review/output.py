"""A file made for other people: where it is, how it links to the project's files, and writing it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kfpipe.errors import Refused
from kfpipe.files import durable
from kfpipe.files.durable import storage
from kfpipe.files.read import first_bytes
from kfpipe.project import Project

_KIND_BYTES: Final = 7
"""How many bytes at its beginning identify a page, a list or a sheet that kfpipe wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handout:
    """The file to be: `given` as the user named it, `path` really; and the project that it is about."""

    given: Path
    path: Path
    folder: Path
    root: Path

    @classmethod
    def at(cls, given: Path, project: Project) -> Handout:
        """The file that the user asked for. Raises Refused where kfpipe must not write.

        A link in a project may come from a stranger, and would choose the file in place of the user.
        """
        real, named = given.resolve(), Path(os.path.normpath(given.absolute()))
        if named.is_relative_to(project.root) and not real.is_relative_to(project.root):
            what = "leads out of the project through a symbolic link"
            raise Refused.because(str(given), what, fix="delete that link, or name another file")
        if real.is_dir():
            raise Refused.because(str(given), "is a folder", expected="a file", fix="name a file in it")
        return cls(given=given, path=real, folder=project.folder, root=project.root)

    def link(self, name: str) -> str | None:
        """The path from this file to one below the manifest's folder; None when that is not a file of the project."""
        target = self.folder / name
        if not target.resolve().is_relative_to(self.root):
            return None
        return Path(os.path.relpath(target, self.path.parent)).as_posix()

    def write(self, text: str) -> None:
        """Put the file in its place, whole or not at all. Raises StorageFailed.

        A file of another kind that is there already is not replaced: Refused.
        """
        content = text.encode("utf-8")
        with self.replacing(lambda path: first_bytes(path, _KIND_BYTES) == content[:_KIND_BYTES]) as temporary:
            temporary.write_bytes(content)

    @contextmanager
    def replacing(self, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
        """A file to fill, which takes this one's place when the block ends well. Raises StorageFailed.

        What is there already is replaced only where `is_ours` knows it: else Refused.
        """
        with storage(self.path):
            if self.path.exists() and not is_ours(self.path):
                what = "already exists, and kfpipe did not write it"
                raise Refused.because(str(self.given), what, fix="name another file, or move that one out of the way")
            durable.make_folder(self.path.parent)
            with durable.replacing(self.path) as temporary:
                yield temporary
