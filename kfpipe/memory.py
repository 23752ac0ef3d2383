"""What was read from files, remembered while they stay as they are.

Reading 100,000 files takes minutes, asking the file system about them a second. It is only that: whatever is wrong
with the memory's own file, the files are read again; and a memory that cannot be written costs time, nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

VERSION: Final = 1
RACY_NS: Final = 2_000_000_000
"""A file changed less than 2 s before it was read may change again without a new time: file systems count coarsely."""

Facts = dict[str, Any]
Stamp = list[int]


class FileMemory:
    """Facts by path, as plain JSON data. `read` makes them from a file and may raise."""

    def __init__(self, file: Path, read: Callable[[Path], Facts]) -> None:
        self._file = file
        self._read = read
        self._known = _load(file)
        self._seen: set[str] = set()
        self._learnt = False

    def look(self, path: Path) -> Facts:
        """The facts of the file at `path`, read at most once while it stays as it is."""
        key, stamp = path.as_posix(), _stamp(path)
        entry = self._known.get(key)
        self._seen.add(key)
        if isinstance(entry, dict) and entry.get("stamp") == stamp and isinstance(entry.get("facts"), dict):
            return dict(entry["facts"])
        read_at_ns = time.time_ns()
        facts = self._read(path)
        if _stamp(path) == stamp and abs(read_at_ns - stamp[1]) >= RACY_NS:
            self._known[key] = {"stamp": stamp, "facts": facts}
            self._learnt = True
        return facts

    def save(self) -> None:
        """Keep what was learnt for the next start, and forget files that nobody asked for any more and are gone."""
        if not self._learnt:
            return
        known = {key: entry for key, entry in self._known.items() if key in self._seen or Path(key).exists()}
        with contextlib.suppress(OSError):
            make_state_dir(self._file.parent)
            _replace(self._file, json.dumps({"version": VERSION, "files": known}, sort_keys=True))


def make_state_dir(folder: Path) -> None:
    """Make the folder of a project's private state, which keeps itself out of git."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _load(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_bytes())
        return dict(data["files"]) if data["version"] == VERSION else {}
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return {}


def _replace(file: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as temporary:
            temporary.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
