"""The command line, called in this process as a reader of the pages would call it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from kfpipe import environment
from kfpipe.cli import main
from kfpipe.emulator import Emulator
from tests.support import outputs, surroundings

Call = Callable[[list[str]], str]

_PROGRESS = re.compile(r"\d\d:\d\d:\d\d ")
"""How a line begins that tells of progress; on a screen it is a bar, which goes away."""


@pytest.fixture
def kfpipe(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """`kfpipe(words)`: what is left on the screen, in an environment without a key and with a quick emulator."""
    for name in (environment.API_KEY, environment.BASE_URL, "KFPIPE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    surroundings.quicken(monkeypatch)

    def call(words: list[str]) -> str:
        with pytest.raises(SystemExit):
            main(words)
        out, err = capfd.readouterr()
        outputs.check(words, out)
        return out + "".join(line for line in err.splitlines(keepends=True) if not _PROGRESS.match(line))

    return call


@pytest.fixture
def quick_emulator() -> Iterator[Emulator]:
    """An account whose clips are there at once."""
    with Emulator(film="tiny", factor=100, queue_s=0.5, run_s=1) as running:
        yield running
