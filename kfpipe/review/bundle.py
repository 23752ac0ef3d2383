"""A page and the media that it shows, in one archive to hand out."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfileobj
from typing import Final
from zipfile import ZipFile, ZipInfo

from kfpipe.files.read import first_bytes
from kfpipe.review.footage import address_of
from kfpipe.review.output import Handout

_PAGE: Final = "index.html"
_MEDIA: Final = "media"
_KIND: Final = b"PK\x03\x04"
_PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The archive to be; `link` is asked for the way to each file from the page in it."""

    handout: Handout
    files: dict[str, Path] = field(default_factory=dict)

    def link(self, name: str) -> str | None:
        """The path of a file in the archive; None when it is not a file of the project."""
        if self.handout.link(name) is None:
            return None
        place = Path(os.path.normpath(self.handout.folder / name))
        if not place.is_relative_to(self.handout.root):
            return None
        within = f"{_MEDIA}/{place.relative_to(self.handout.root).as_posix()}"
        self.files[within] = place
        return within

    def write(self, page: str) -> int:
        """Put the archive in its place, with the files that the page leads to; how many. Same takes, same bytes.

        Raises StorageFailed, and Refused where something else is there already.
        """
        shown = {name: path for name, path in self.files.items() if f'"{address_of(name)}"' in page}
        with self.handout.replacing(_is_archive) as made, ZipFile(made, "w") as archive:
            archive.writestr(_entry(_PAGE), page.encode("utf-8"))
            for name, path in sorted(shown.items()):
                with path.open("rb") as file, archive.open(_entry(name), "w", force_zip64=True) as entry:
                    copyfileobj(file, entry, _PIECE_BYTES)
        return len(shown)


def _is_archive(path: Path) -> bool:
    return first_bytes(path, len(_KIND)) == _KIND


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name)  # of 1980, so that the same takes give the same bytes
    entry.external_attr = 0o644 << 16
    return entry
