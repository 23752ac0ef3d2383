"""What surrounds kfpipe: the variables of its environment, whatever the developer's own say, and the disk's size."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from kfpipe import environment
from kfpipe.emulator import Emulator
from kfpipe.environment import STATE_HOME


def neutral() -> dict[str, str]:
    """This process's variables without any that kfpipe reads; a task that the list does not show soon is not there."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("DASHSCOPE_", "KFPIPE_"))}
    return {**kept, "KFPIPE_LIST_PATIENCE": "0.5", STATE_HOME: os.environ[STATE_HOME]}


@contextmanager
def room_for(size_bytes: int) -> Iterator[None]:
    """No file may grow past this: what a full disk is like, for whoever runs the tests."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def quicken(patch: pytest.MonkeyPatch) -> None:
    """Let the emulators that runs of this process start for themselves render plain clips in a fraction of a second.

    Their clock is slow enough that no upload's policy expires before a busy machine comes to use it.
    """
    patch.setenv(environment.EMULATOR_CLOCK, "100")
    patch.setattr("kfpipe.emulator.Emulator", partial(Emulator, film="tiny", queue_s=(0, 5), run_s=(5, 20)))
