"""Git LFS: a small text in place of a file, and where the file's content is once it was fetched."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from kfpipe.errors import Refused
from kfpipe.files import git
from kfpipe.files.read import first_bytes

_LONGEST: Final = 1024
_POINTER: Final = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:[^\n]*\n)*?oid sha256:([0-9a-f]{64})\n"
)
"""What git holds of a file that Git LFS stores. Source: its specification of pointers, version 1."""


def pointed_at(path: Path) -> str | None:
    """The SHA-256 of the content that a pointer stands for; None for a file that is none. Raises OSError."""
    found = _POINTER.match(first_bytes(path, _LONGEST + 1))
    return None if found is None else found[1].decode()


def content(store: Path, sha256: str) -> Path | None:
    """The content with this digest in the `store`, where Git LFS has fetched it."""
    place = store / sha256[:2] / sha256[2:4] / sha256
    return place if place.is_file() else None


def store_of(root: Path) -> Path:
    """Where Git LFS keeps contents of the work tree at `root`."""
    common = ""
    with suppress(Refused):  # where git is missing
        common = git.output_or_nothing(root, "rev-parse", "--git-common-dir") if (root / ".git").exists() else ""
    return (root / (common or ".git")).resolve() / "lfs" / "objects"
