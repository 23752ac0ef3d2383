"""A project as a commit of its git repository holds it: files on demand, in a folder that is gone afterwards.

Only objects are read: no hook, filter or remote is involved, and neither the index nor the work tree is
read or changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from kfpipe import project as projects
from kfpipe.errors import Refused
from kfpipe.files import git, lfs
from kfpipe.files.durable import storage
from kfpipe.lock import lockfile, workspace
from kfpipe.lock.join import Requests
from kfpipe.lock.records import Register
from kfpipe.plan.compare import Revision
from kfpipe.project import Options, Project
from kfpipe.wording import echoed


def past(project: Project, manifest: str, options: Options, name: str) -> Revision:
    """The takes of the project's manifest, a file of this name in its folder, and their records, at the commit `name`.

    Raises Refused where there is no git, no such commit, no such file in it, or one that is not sound.
    """
    commit = _commit(project.root, name)
    with _exported(project.root, commit) as export:
        place = export.folder / project.folder.relative_to(project.root)
        export.bring(place / manifest)
        if not (place / manifest).is_file():
            told = f"{echoed(name)} has no {echoed((place / manifest).relative_to(export.folder).as_posix())}"
            raise Refused.because("--diff", told, expected="a commit that contains the manifest")
        export.bring(place / project.lockfile_path.relative_to(project.folder))
        try:
            then = projects.load(place / manifest, options, bring=export.bring)
            lock = lockfile.read(then.paths)
            known = Register(
                requests=Requests(lock.requests),
                picked=lock.picked,
                picked_from=lock.picked_from,
                region=then.region.name,
                neighbours=workspace.neighbours(project.root, project.lockfile_path),  # as they are now: no difference
            )
            return Revision(name=name, commit=commit, takes=then.takes, records=known.of(then.takes))
        except Refused as refused:
            raise Refused(
                replace(problem, file=problem.file.replace(f"{export.folder}{os.sep}", f"{name}:"))
                for problem in refused.problems
            ) from refused


def _commit(root: Path, name: str) -> str:
    """The id of the commit; a name that begins like an option is not accepted."""
    if not (root / ".git").exists():
        raise Refused.because("--diff", "there is no git repository around the manifest")
    commit = (
        ""
        if name.startswith("-")
        else git.output_or_nothing(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    )
    if commit:
        return commit
    fix = "`git log --oneline` lists commits; a shallow clone holds the latest ones only"
    raise Refused.because("--diff", f"git knows no commit {echoed(name)}", expected="a branch, tag or commit", fix=fix)


class _Export:
    """Files of one commit, written to `folder` when they are needed.

    `root` is where the repository is, `store` where Git LFS keeps contents.
    """

    def __init__(
        self, folder: Path, root: Path, commit: str, store: Path, asking: IO[bytes], answers: IO[bytes]
    ) -> None:
        self.folder = folder
        self._root = root
        self._commit = commit
        self._store = store
        self._asking = asking
        self._answers = answers
        self._is_partial: bool | None = None

    def bring(self, path: Path) -> None:
        """Write the file that the commit has at this path; nothing when it has none.

        Raises Refused when git cannot read it, StorageFailed.
        """
        place = Path(os.path.normpath(path))
        name = place.relative_to(self.folder).as_posix() if place.is_relative_to(self.folder) else ""
        if not name or "\n" in name or place.exists():
            return
        with storage(place):
            self._asking.write(f"{self._commit}:{name}\n".encode())
            self._asking.flush()
            header = self._answers.readline().split()
            is_missing = header[-1:] == [b"missing"]
            if not header or (is_missing and self._is_lacking(name)):
                fix = "a partial clone lacks some objects: `git fetch --refetch` downloads them"
                raise Refused.because("--diff", f"git cannot read {echoed(name)} of that commit", fix=fix)
            if is_missing:
                return
            *_, kind, size = header
            place.parent.mkdir(parents=True, exist_ok=True)
            if kind == b"blob":
                self._pour(int(size), place)
                self._follow(place)
            else:  # a folder, or a link that leads out of the commit
                self._pour(int(size), Path(os.devnull))
            self._answers.read(1)  # the line's end

    def _is_lacking(self, name: str) -> bool:
        """Whether the commit has this file, but the clone has not: git 2.53 says "missing" of either."""
        if self._is_partial is None:
            self._is_partial = bool(
                git.output_or_nothing(self._root, "config", "--get-regexp", r"^remote\..*\.promisor$")
            )
        if not self._is_partial:
            return False
        _mode, kind, *_ = git.output_or_nothing(
            self._root, "ls-tree", "--full-tree", "--", self._commit, name
        ).split() or ("", "")
        return kind == "blob"

    def _pour(self, size: int, place: Path) -> None:
        with place.open("wb") as file:
            while size and (part := self._answers.read(min(size, 1 << 20))):
                file.write(part)
                size -= len(part)

    def _follow(self, place: Path) -> None:
        """Replace a pointer with its content, where Git LFS has fetched it."""
        sha256 = lfs.pointed_at(place)
        content = None if sha256 is None else lfs.content(self._store, sha256)
        if content is not None:
            shutil.copyfile(content, place)


@contextmanager
def _exported(root: Path, commit: str) -> Iterator[_Export]:
    """An empty project, into which the commit's files can be written."""
    store = lfs.store_of(root)
    with tempfile.TemporaryDirectory(prefix="kfpipe-") as made:
        folder = Path(made).resolve()
        (folder / ".git").mkdir()  # here the project ends, as it does in the work tree
        reader = subprocess.Popen(  # noqa: S603  the words are ours, and there is no shell
            git.command(root, "cat-file", "--batch", "--follow-symlinks"),
            env=git.variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with reader:
            assert reader.stdin is not None and reader.stdout is not None
            yield _Export(folder, root, commit, store, reader.stdin, reader.stdout)
