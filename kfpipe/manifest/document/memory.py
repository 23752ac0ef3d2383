"""What large files were read as, kept in the user's own cache folder: the same bytes are not read twice.

It only saves time. An entry is named by the digest of the file's bytes and of all that reads them, and holds a digest
of itself; whatever is damaged, or may have been written by anyone else, counts for nothing, and the file is read.
Manifests come from strangers, entries from this user alone; even so an entry holds no objects but plain ones.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
import sys
from array import array
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import yaml

from kfpipe import environment
from kfpipe.files import durable
from kfpipe.manifest.document.builder import Built
from kfpipe.manifest.document.marks import Container, Marks

SMALLEST_BYTES: Final = 1 << 20
"""What is smaller is read in no time: some 4,000 shots."""

MOST_BYTES: Final = 1 << 28
"""Room for all entries; those that were not used for the longest time give way."""

FOLDER: Final = "manifests"
_DIGEST_BYTES: Final = 32


def known(content: bytes) -> Built | None:
    """What a file of these bytes was read as; None when that is not known."""
    if len(content) < SMALLEST_BYTES:
        return None
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, pickle.UnpicklingError):
        path = _place(content)
        entry = path.read_bytes() if _is_own(path.parent) and _is_own(path) else b""
        digest, payload = entry[:_DIGEST_BYTES], memoryview(entry)[_DIGEST_BYTES:]
        if entry and hashlib.sha256(payload).digest() == digest:
            os.utime(path)
            data, offsets, packed, root = _Plain(BytesIO(payload)).load()
            if not (data and offsets):
                return None  # else where its values are is found out when that is asked for
            return Built(data=data, marks=Marks(partial(_offsets, data, offsets), packed, root), warnings=())
    return None


def keep(content: bytes, built: Built) -> None:
    """Remember what was read, where nothing was to be said about it. Failing to is not an error."""
    if len(content) < SMALLEST_BYTES or built.warnings:
        return
    offsets = array("Q", (built.marks.offset(held) for held in _containers(built.data)))
    payload = pickle.dumps((built.data, offsets.tobytes(), built.marks.packed, built.marks.root), protocol=5)
    with suppress(OSError):
        path = _place(content)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_own(path.parent):
            durable.replace(path, [hashlib.sha256(payload).digest(), payload], mode=0o600)
            _make_room(path.parent)


class _Plain(pickle.Unpickler):
    """Reads texts, numbers, lists and mappings, and nothing that could do anything."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) == ("decimal", "Decimal"):
            return super().find_class(module_name, global_name)
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is no plain value")


def _place(content: bytes) -> Path:
    digest = hashlib.sha256(_reader())
    digest.update(content)
    return environment.cache_home() / FOLDER / digest.hexdigest()


@cache
def _reader() -> bytes:
    """All that decides what bytes are read as: Python, the parser, and this package as it is now."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    versions = f"{sys.version} {yaml.__version__} {hasattr(yaml, 'CSafeLoader')}"
    return hashlib.sha256(b"\0".join([versions.encode(), *(file.read_bytes() for file in files)])).digest()


def _is_own(path: Path) -> bool:
    """Whether nobody but this user can have written it. Windows keeps others out of the folder by itself."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return False
    return sys.platform == "win32" or (status.st_uid == os.geteuid() and not status.st_mode & 0o022)


def _make_room(folder: Path) -> None:
    entries = sorted(((one.stat(), one) for one in folder.iterdir()), key=lambda found: -found[0].st_mtime_ns)
    total = 0
    for status, entry in entries:
        total += status.st_size
        if total > MOST_BYTES:
            entry.unlink(missing_ok=True)


def _offsets(data: Container, kept: bytes) -> dict[int, int]:
    return dict(zip(map(id, _containers(data)), array("Q", kept), strict=True))


def _containers(data: Container) -> Iterator[Container]:
    """Every mapping and list of the data, each once, in an order that depends on nothing else."""
    seen: set[int] = set()
    waiting: list[Container] = [data]
    while waiting:
        held = waiting.pop()
        if id(held) not in seen:
            seen.add(id(held))
            yield held
            inner = held.values() if type(held) is dict else held
            waiting += [value for value in inner if type(value) is dict or type(value) is list]
