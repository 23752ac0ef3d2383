"""kfpipe as git's merge driver for lockfiles: the three files that git passes, and how git is configured."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kfpipe.errors import Problem, Refused
from kfpipe.files import durable, git, read
from kfpipe.files.durable import storage
from kfpipe.lock import conflict
from kfpipe.lock import text as locktext
from kfpipe.lock.merge import Merged, merge
from kfpipe.lock.states import EMPTY, Lock

ATTRIBUTES: Final = ".gitattributes"
RULE: Final = "*.lock.json merge=kfpipe"


def settle(base: Path, ours: Path, theirs: Path, name: str) -> Merged:
    """Merge the three files into `ours`; `name` is the lockfile's in messages.

    Where something cannot be settled, `ours` gets both sides, between conflict markers. Raises Refused when one cannot
    be read, and then all of it is between markers; StorageFailed.
    """
    contents = {
        side: read.content(path, str(path)) for side, path in (("base", base), ("ours", ours), ("theirs", theirs))
    }
    sides: dict[str, Lock] = {}
    problems: list[Problem] = []
    for side, content in contents.items():
        try:
            sides[side] = _lock(content, f"{name} ({side})")
        except Refused as refusal:
            problems += refusal.problems
    if problems:
        _write(ours, [conflict.marked(contents["ours"], contents["theirs"])])
        raise Refused(problems)
    merged = merge(**sides)
    _write(ours, conflict.pieces(merged))
    return merged


def _lock(content: bytes, name: str) -> Lock:
    """What a side holds; git passes an empty file for a version that does not exist."""
    return locktext.parsed(content, name) if content else EMPTY


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    with storage(path):
        durable.replace(path, pieces)


# ---- installation ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """How git calls kfpipe now, and the file that says for which files; `is_new`: the rule was not there before."""

    driver: str
    attributes: Path
    is_new: bool


def install(folder: Path) -> Installed:
    """Make kfpipe the merge driver for lockfiles in the git repository around `folder`; repeating it does no harm.

    The rule in `.gitattributes` is for everyone and needs a commit; the driver itself is this clone's own setting,
    since git lets no one else choose which programs run; `-P` keeps modules of the repository out of it. Raises Refused
    where there is no git repository.
    """
    root = Path(_git(folder, "rev-parse", "--show-toplevel"))
    driver = f"{shlex.quote(Path(sys.executable).as_posix())} -P -m kfpipe lock merge %O %A %B %P"
    _git(folder, "config", "merge.kfpipe.name", "kfpipe lockfiles: keep the bills of both sides")
    _git(folder, "config", "merge.kfpipe.driver", driver)
    attributes = root / ATTRIBUTES
    with storage(attributes):
        text = attributes.read_text("utf-8") if attributes.exists() else ""
        is_new = RULE not in text.splitlines()
        if is_new:
            separator = "" if text.endswith("\n") or not text else "\n"
            durable.replace(attributes, [f"{text}{separator}{RULE}\n".encode()])
    return Installed(driver=driver, attributes=attributes, is_new=is_new)


def _git(folder: Path, *words: str) -> str:
    return git.output(folder, *words, fix="run this inside the clone that contains the lockfiles")
