"""The files that shots name: stills and prompt files, each looked at once, none outside the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from kfpipe.digests import DigestCache
from kfpipe.document import Document
from kfpipe.document import Path as DocumentPath
from kfpipe.errors import KfpipeError, Problem
from kfpipe.findings import Finding
from kfpipe.frames import LocalFrame, Still
from kfpipe.manifest import Manifest, PromptFile, Shot
from kfpipe.stills import StillUnreadable
from kfpipe.takes import Material
from kfpipe.wording import closest, echoed

PROMPT_FILE_LIMIT_BYTES = 65_536

Content = TypeVar("Content")


def project_root(folder: Path) -> Path:
    """The git work tree that holds the manifest's folder, else the folder itself."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def read(
    manifest: Manifest, document: Document, *, folder: Path, root: Path, digests: DigestCache
) -> tuple[Material, tuple[Problem, ...]]:
    """What the shots' files hold, and why some cannot be used. `folder` and `root` are real paths."""
    files = _Files(folder=folder, root=root)
    look = cache(lambda name: files.use(name, digests.look))
    text = cache(lambda name: files.use(name, _prompt_text))
    stills: dict[str, Still] = {}
    prompts: dict[str, str] = {}
    problems: list[Problem] = []
    for shot in manifest.shots:
        for name, path, kind in _named(shot):
            content = look(name) if kind is LocalFrame else text(name)
            if isinstance(content, Finding):
                problems.append(replace(content, path=path).problem(document, shot.where))
            elif isinstance(content, Still):
                stills[name] = content
            else:
                prompts[name] = content
    return Material(stills=stills, prompts=prompts), tuple(problems)


def _named(shot: Shot) -> Iterator[tuple[str, DocumentPath, type]]:
    """The files that a shot names, and where it names them."""
    for field, frame in (("first_frame", shot.first_frame), ("last_frame", shot.last_frame)):
        if isinstance(frame, LocalFrame):
            yield frame.path, shot.path_of(field), LocalFrame
    if isinstance(shot.prompt, PromptFile):
        yield shot.prompt.path, (*shot.path_of("prompt"), "file"), PromptFile


class _Files:
    """Names relative to the manifest -> contents, or a finding without a place."""

    def __init__(self, *, folder: Path, root: Path) -> None:
        self._folder = folder
        self._root = root
        self._listing = cache(_listing)

    def use(self, name: str, reader: Callable[[Path], Content]) -> Content | Finding:
        """What `reader` makes of the file, or why there is nothing to be made of it."""
        path = self._folder / name
        try:
            flaw = self._flaw(name, path)
            return reader(path.resolve()) if flaw is None else flaw
        except StillUnreadable as error:
            return Finding(
                path=(),
                what=f"{echoed(name)} {error.reason}",
                expected="a JPEG, PNG, BMP or WEBP picture",
                fix=error.fix,
            )
        except _PromptTooLarge:
            return Finding(
                path=(),
                what=f"{echoed(name)} is too large for a prompt",
                expected=f"at most {PROMPT_FILE_LIMIT_BYTES // 1024} kB of text",
                fix="check the path",
            )
        except UnicodeDecodeError:
            return Finding(path=(), what=f"{echoed(name)} is not in UTF-8", fix="save the file as UTF-8 text")
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or "its symbolic links go round in circles"
            return Finding(path=(), what=f"{echoed(name)} cannot be read: {reason}", fix="check who may read the file")

    def _flaw(self, name: str, path: Path) -> Finding | None:
        if not path.resolve().is_relative_to(self._root):
            return Finding(
                path=(),
                what=f"{echoed(name)} leads out of the project through a symbolic link",
                expected="a file inside the project",
                fix="copy the file into the project",
            )
        if any(part.startswith(".") for part in path.resolve().relative_to(self._root).parts):
            return Finding(
                path=(),
                what=f"{echoed(name)} is a hidden file: such files hold settings and keys, and what shots name is sent",
                expected="a file without a dot at the start of its name, in folders without one",
                fix="copy it to such a place",
            )
        siblings = self._listing(path.parent)
        if not path.exists():
            return self._missing(name, siblings)
        if path.is_dir():
            return Finding(path=(), what=f"{echoed(name)} is a folder", expected="a file", fix="name a file in it")
        if not path.is_file():
            return Finding(path=(), what=f"{echoed(name)} is no ordinary file", fix="give a file")
        alike = next((other for other in siblings if other.casefold() == path.name.casefold()), path.name)
        if path.name not in siblings and alike != path.name:
            return Finding(
                path=(),
                what=f"{echoed(name)} is really called {echoed(alike)}: other systems will not find it",
                fix=f"write {echoed(_beside(name, alike))}",
            )
        return None

    def _missing(self, name: str, siblings: frozenset[str]) -> Finding:
        folder, _, base = name.rpartition("/")
        if not (self._folder / folder).is_dir():
            fix = f"there is no folder {echoed(folder)}: paths start at the manifest's own folder"
            return Finding(path=(), what=f"there is no file {echoed(name)}", fix=fix)
        by_stem = {other.rpartition(".")[0]: _beside(name, other) for other in sorted(siblings)}
        alike = closest(base.rpartition(".")[0], by_stem)
        fix = "check the spelling, or add the file" if alike is None else f"did you mean `{by_stem[alike]}`?"
        return Finding(path=(), what=f"there is no file {echoed(name)}", fix=fix)


def _beside(name: str, other: str) -> str:
    return f"{name.rpartition('/')[0]}/{other}".lstrip("/")


def _listing(folder: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in folder.iterdir())
    except OSError:
        return frozenset()


class _PromptTooLarge(KfpipeError):
    """More text than a prompt can be."""


def _prompt_text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(PROMPT_FILE_LIMIT_BYTES + 1)
    if len(content) > PROMPT_FILE_LIMIT_BYTES:
        raise _PromptTooLarge
    return content.decode("utf-8-sig").replace("\r\n", "\n")
