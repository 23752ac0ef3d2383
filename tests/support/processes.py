"""`kfpipe` in processes of their own, forked from one that has loaded everything already.

They are as real as others: each has its own memory, folder, variables and streams, takes signals and can be killed.
Only half a second of loading is spared. Where the start itself is tested, tests call `python -m kfpipe`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping
from multiprocessing import reduction
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import IO, Any, Final

from kfpipe.cli import main

LOADED: Final = (
    "tests.support.loaded",
    "httptools",
    "certifi",
    "trio",
    "anyio._backends._asyncio",
    "anyio._backends._trio",
)


def context() -> ForkServerContext:
    """For processes that are forked from one that has loaded kfpipe."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([*LOADED])
    return found


class Running:
    """`kfpipe WORDS`, under way in a folder; used as one of `subprocess`. It reads nothing, and prints into files."""

    def __init__(self, *words: str, cwd: Path, env: Mapping[str, str]) -> None:
        self._printed = (_file(self), _file(self))
        streams = tuple(_Stream(file.fileno()) for file in self._printed)
        self._process = context().Process(target=_play, args=(words, cwd, dict(env), streams))
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End it now, unless it has ended."""
        if self.poll() is None:
            self.send_signal(signal.SIGKILL)

    def so_far(self) -> str:
        """What it has printed on stderr until now."""
        return os.pread(self._printed[1].fileno(), 1 << 20, 0).decode()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it has printed when it ends: on stdout, and on stderr. Raises TimeoutExpired."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("kfpipe", timeout or 0)
        for file in self._printed:
            file.seek(0)
        out, err = (file.read().decode() for file in self._printed)
        return out, err


def ended(*words: str, cwd: Path, env: Mapping[str, str], timeout: float = 100) -> subprocess.CompletedProcess[str]:
    """`kfpipe WORDS` in a folder, when it is over."""
    process = Running(*words, cwd=cwd, env=env)
    try:
        out, err = process.communicate(timeout)
    finally:
        process.kill()
    assert process.returncode is not None
    return subprocess.CompletedProcess(["kfpipe", *words], process.returncode, out, err)


def _file(owner: object) -> IO[bytes]:
    """A file without a name, open for as long as its owner is there."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  closed by the next line
    weakref.finalize(owner, file.close)
    return file


class _Stream:
    """An open file that goes along with a process that is started."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __reduce__(self) -> tuple[object, tuple[object]]:
        return _received, (reduction.DupFd(self._descriptor),)


def _received(passed: Any) -> int:
    return passed.detach()


def _play(words: tuple[str, ...], cwd: Path, env: Mapping[str, str], streams: tuple[int, int]) -> None:
    """In the new process: be what `python -m kfpipe` is, from there on."""
    for number, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = os.fdopen(0)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8") for number in (1, 2))
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["kfpipe", *words]
    main()
