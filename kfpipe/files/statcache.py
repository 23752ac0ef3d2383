"""What was read from files, kept while they stay the same.

Reading 100,000 files takes minutes, asking the file system about them a second. It only saves time: whatever is wrong
with the cache's own file, the files are read again; and a cache that cannot be written costs time, nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir

VERSION: Final = 2
RACY_NS: Final = 2_000_000_000
"""A file changed less than 2 s before it was read may change again without a new time: file systems count coarsely."""

Stored = Any
"""Facts as JSON has them."""

T = TypeVar("T")


class FileMemory(Generic[T]):
    """Facts by path. `read` makes them from a file and may raise; `pack` and `unpack` are their form in JSON."""

    def __init__(
        self, file: Path, *, read: Callable[[Path], T], pack: Callable[[T], Stored], unpack: Callable[[Stored], T]
    ) -> None:
        self._file = file
        self._read = read
        self._pack = pack
        self._unpack = unpack
        self._learnt = False

    def look(self, path: Path | str, status: os.stat_result | None = None) -> T:
        """The facts of the file at `path`, read at most once while it stays the same. Raises OSError.

        `status` is what the file system said of it just now, where it was asked already.
        """
        key, status = os.fspath(path), Path(path).stat() if status is None else status
        try:
            stamp, stored = self._known[key]
            if stamp == _stamp(status):
                return self._unpack(stored)
        except (TypeError, LookupError, ValueError):
            pass  # unknown, or damaged
        read_at_ns = time.time_ns()
        facts = self._read(Path(path))
        stamp = _stamp(status)
        if _stamp(Path(path).stat()) == stamp and abs(read_at_ns - status.st_mtime_ns) >= RACY_NS:
            self._known[key] = [stamp, self._pack(facts)]
            self._learnt = True
        return facts

    def save(self) -> None:
        """Keep what was read from files that still exist for the next start. Failing to write is not an error."""
        if not self._learnt:
            return
        known = {key: entry for key, entry in self._known.items() if Path(key).exists()}
        text = json.dumps({"version": VERSION, "files": known}, sort_keys=True)
        with contextlib.suppress(OSError):
            make_state_dir(self._file.parent)
            durable.remove_leftovers(self._file)  # losing its temporary costs another process its save, no more
            durable.replace(self._file, [text.encode()])

    @cached_property
    def _known(self) -> dict[str, list[Any]]:
        """By path: what the file system said of the file, and the facts."""
        return _load(self._file)


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def _load(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_bytes())
        return dict(data["files"]) if data["version"] == VERSION else {}
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return {}
