"""A disk that forgets, when the power goes, all that was never synced: the content of files, and names in folders.

It is as forgetful as POSIX lets one be: a file is what it was at its own last sync, empty where it had none, and is
there only by a name that its folder had when the folder was last synced. Nothing but `os.fsync` is replaced for that.
"""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path


class ForgetfulDisk:
    """The folder `root` on such a disk, to which all that lies there now has long been written. Linux only."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self._pins: dict[int, int] = {}
        self._power = threading.Lock()
        for path in (root, *root.rglob("*")):
            descriptor = os.open(path, os.O_RDONLY)
            self._sync(descriptor)
            os.close(descriptor)

    def lay(self) -> None:
        """Put the disk under this process, for good."""

        def fsync(descriptor: int) -> None:
            with self._power:
                self._sync(descriptor)

        os.fsync = fsync  # type: ignore[assignment]

    def lose_power(self, ruin: Path) -> None:
        """Write to `ruin` what the disk remembers. From now on nobody in this process can sync any more."""
        self._power.acquire()
        self._restore(self._root.stat().st_ino, ruin)

    def close(self) -> None:
        """For a process that goes on."""
        while self._pins:
            os.close(self._pins.popitem()[1])

    def _sync(self, descriptor: int) -> None:
        number = self._pin(os.dup(descriptor))
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self._names[number] = {name: self._named(name, descriptor) for name in os.listdir(descriptor)}
        else:
            self._contents[number] = Path(f"/proc/self/fd/{descriptor}").read_bytes()

    def _named(self, name: str, folder: int) -> int:
        return self._pin(os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder))

    def _pin(self, descriptor: int) -> int:
        """The file's number, which no other file gets while this process lives and keeps the descriptor."""
        number = os.fstat(descriptor).st_ino
        if self._pins.setdefault(number, descriptor) != descriptor:
            os.close(descriptor)
        return number

    def _restore(self, number: int, path: Path) -> None:
        mode = os.fstat(self._pins[number]).st_mode
        if stat.S_ISDIR(mode):
            path.mkdir()
            for name, child in self._names.get(number, {}).items():
                self._restore(child, path / name)
        else:
            path.write_bytes(self._contents.get(number, b""))
        path.chmod(stat.S_IMODE(mode))
