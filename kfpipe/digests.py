"""What is known of the project's stills, remembered while the files stay as they are.

Reading 100,000 stills takes minutes, asking the file system about them a second. The memory is only that: whatever is
wrong with its file, the stills are read again, and a memory that cannot be written costs time, nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kfpipe import stills
from kfpipe.frames import Still, StillFacts

VERSION = 1
RACY_NS = 2_000_000_000
"""A file changed less than 2 s before it was read may change again without a new time: file systems count coarsely."""

Stamp = tuple[int, int, int, int]


class DigestCache:
    """Stills by path. `look` reads a file once; `save` keeps what was learnt for the next start."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = _load(file)
        self._learnt = False

    def look(self, path: Path) -> Still:
        """The still at `path`. Raises StillUnreadable when it is no usable picture, OSError when it cannot be read."""
        key = path.as_posix()
        stamp = _stamp(path)
        entry = self._known.get(key)
        still = None if entry is None else _remembered(entry, stamp)
        if still is None:
            read_at_ns = time.time_ns()
            still = Still(facts=stills.read(path), sha256=_sha256(path))
            if _stamp(path) != stamp or abs(read_at_ns - stamp[1]) < RACY_NS:
                return still
            self._known[key] = {"stamp": list(stamp), "sha256": still.sha256, "facts": asdict(still.facts)}
            self._learnt = True
        return still

    def save(self) -> None:
        """Keeps what is known of the files that still exist. Failing to write is no error."""
        if not self._learnt:
            return
        known = {key: entry for key, entry in self._known.items() if Path(key).exists()}
        text = json.dumps({"version": VERSION, "stills": known}, sort_keys=True)
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            _replace(self._file, text)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _load(file: Path) -> dict[str, dict[str, Any]]:
    try:
        data = json.loads(file.read_bytes())
        return dict(data["stills"]) if data["version"] == VERSION else {}
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return {}


def _remembered(entry: dict[str, Any], stamp: Stamp) -> Still | None:
    try:
        if tuple(entry["stamp"]) != stamp:
            return None
        return Still(facts=StillFacts(**entry["facts"]), sha256=entry["sha256"])
    except (TypeError, LookupError):
        return None


def _replace(file: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as temporary:
            temporary.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
