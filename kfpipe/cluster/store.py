"""The place that all machines share: stills on their way to the service, clips on their way home, by their digests."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from kfpipe.errors import Refused, StorageFailed
from kfpipe.files.durable import reason, storage
from kfpipe.wording import echoed

OPTION: Final = "--store"
PARTIAL: Final = ".partial"
_CHUNK_BYTES: Final = 1 << 20


class Store(Protocol):
    """Files by name; each is there as a whole, or not at all. All methods block, and raise StorageFailed."""

    shown: str

    def check(self) -> None:
        """Return if files can be put there. Raises Refused."""

    def has(self, name: str) -> bool:
        """Whether the file is there."""

    def put(self, source: Path, name: str) -> None:
        """Have a copy of the file there, unless it is there already."""

    def get(self, name: str, target: Path) -> bool:
        """Have a copy here; False where it is not there any more."""

    def read(self, name: str, offset_bytes: int) -> Iterator[bytes]:
        """Its bytes from there on."""

    def size_bytes(self, name: str) -> int | None:
        """How large it is; None where it is not there."""

    def remove(self, name: str) -> None:
        """Have it there no longer."""


def store_at(place: str) -> Store:
    """The store that a person names: a folder, or an address of fsspec. Raises Refused."""
    if "://" not in place:
        return _Files(_Disk(), Path(place).expanduser().resolve().as_posix(), place, OSError)
    try:
        import fsspec  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise Refused.because(
            OPTION,
            f"{echoed(place)} needs the package fsspec, which is not installed",
            fix="pip install fsspec, and the package of its kind of storage, such as s3fs; or name a shared folder",
        ) from None
    try:
        system, path = fsspec.core.url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise Refused.because(OPTION, f"{echoed(place)} cannot be used as a store: {error}") from error
    return _Files(system, str(path), place, Exception)


class _Disk:
    """The part of fsspec that a store needs, for a folder of this machine."""

    def open(self, path: str, mode: str) -> BinaryIO:
        return Path(path).open(mode)  # type: ignore[return-value]

    def mv(self, source: str, target: str) -> None:
        with Path(source).open("rb") as file:
            os.fsync(file.fileno())
        Path(source).replace(target)

    def exists(self, path: str) -> bool:
        return Path(path).exists()

    def size(self, path: str) -> int:
        return Path(path).stat().st_size

    def rm(self, path: str) -> None:
        Path(path).unlink(missing_ok=True)

    def makedirs(self, path: str, exist_ok: bool) -> None:
        Path(path).mkdir(parents=True, exist_ok=exist_ok)


class _Files:
    """A store on anything that speaks fsspec."""

    def __init__(self, system: Any, root: str, shown: str, failures: type[Exception]) -> None:
        """`failures` is what it raises: a kind of storage that fsspec knows raises whatever its own library does."""
        self._failures = failures
        self._system = system
        self._root = root.rstrip("/")
        self.shown = shown

    def check(self) -> None:
        probe = self._path(f"probe-{secrets.token_hex(4)}")
        try:
            self._system.makedirs(self._root, exist_ok=True)
            with self._system.open(probe, "wb") as file:
                file.write(b"kfpipe")
            self._system.rm(probe)
        except self._failures as error:
            raise Refused.because(OPTION, f"nothing can be stored at {echoed(self.shown)}: {_why(error)}") from error

    def has(self, name: str) -> bool:
        with self._told(name):
            return bool(self._system.exists(self._path(name)))

    def put(self, source: Path, name: str) -> None:
        target = self._path(name)
        partial = f"{target}.{secrets.token_hex(4)}{PARTIAL}"
        with storage(source), source.open("rb") as file, self._told(name):
            if self._system.exists(target):
                return
            self._system.makedirs(target.rpartition("/")[0], exist_ok=True)
            try:
                with self._system.open(partial, "wb") as copy:
                    shutil.copyfileobj(file, copy, _CHUNK_BYTES)
                self._system.mv(partial, target)
            except BaseException:
                with suppress(self._failures):  # the error that is on its way says what is wrong
                    self._system.rm(partial)
                raise

    def get(self, name: str, target: Path) -> bool:
        if not self.has(name):
            return False
        partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}{PARTIAL}")
        with storage(target):
            try:
                with partial.open("wb") as copy:
                    copy.writelines(self.read(name, 0))
                partial.replace(target)  # others may look for it meanwhile
            finally:
                partial.unlink(missing_ok=True)
        return True

    def read(self, name: str, offset_bytes: int) -> Iterator[bytes]:
        with self._told(name), self._system.open(self._path(name), "rb") as file:
            file.seek(offset_bytes)
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    def size_bytes(self, name: str) -> int | None:
        with self._told(name):
            return int(self._system.size(self._path(name))) if self._system.exists(self._path(name)) else None

    def remove(self, name: str) -> None:
        with self._told(name), suppress(FileNotFoundError):
            self._system.rm(self._path(name))

    def _path(self, name: str) -> str:
        """Two letters of the digest are a folder: no listing grows without end."""
        return f"{self._root}/{name[:2]}/{name}" if not name.startswith("probe") else f"{self._root}/{name}"

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except StorageFailed:
            raise
        except self._failures as error:
            raise StorageFailed(f"{self.shown}/{name}", _why(error)) from error


def _why(error: Exception) -> str:
    return reason(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
