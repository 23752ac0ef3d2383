"""What every test may use."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
import zlib
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from typing import TextIO

import pytest
from hypothesis import HealthCheck, settings

from kfpipe.cli.output import streams
from kfpipe.emulator.settings import FILMS
from kfpipe.environment import STATE_HOME

# How long an example takes depends on what else the machine does; that is no property of the code.
settings.register_profile("steady", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# The emulator lists a task at once: nobody has to wait minutes for one that is not there.
os.environ.setdefault("KFPIPE_LIST_PATIENCE", "0.5")

# A job in the background of a shell, or under nohup, is started with these ignored, and so would be what tests start.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

# What a developer has in a keyring is not for tests.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"

# Where this is set, each of the many processes that tests start would compile all of kfpipe again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# Nor does anybody's collector hear of the runs of tests.
for variable in [name for name in os.environ if name.startswith("OTEL_")]:
    del os.environ[variable]

_NOWHERE = str(Path(tempfile.gettempdir(), f"kfpipe-tests-{os.getpid()}", "state"))
os.environ[STATE_HOME] = _NOWHERE
_NUMBER = count()

# Modules and tests are collected, millions of values and no garbage: a quarter of the time went into walking over them.
gc.disable()


def pytest_collection_finish() -> None:
    """From now on there is garbage, but not among these."""
    gc.freeze()
    gc.enable()


LOOPS = ("asyncio", "trio")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What starts processes waits more than it works: it begins first, so that nothing of it ends last."""
    items.sort(key=lambda item: {"crash", "field", "moving"}.isdisjoint(item.path.parts))
    if os.environ.get("KFPIPE_LOOPS") != "all":
        config.hook.pytest_deselected(items=[item for item in items if not _is_on_its_loop(item)])
        items[:] = filter(_is_on_its_loop, items)


def _is_on_its_loop(item: pytest.Item) -> bool:
    """Runs of whole projects take long, and what they hold is no matter of the loop: each is on one, half on either."""
    if not isinstance(item, pytest.Function) or item.get_closest_marker("whole_runs") is None:
        return True
    loop = item.callspec.params.get("anyio_backend", item.callspec.params.get("backend"))
    return loop in (None, LOOPS[zlib.crc32(item.originalname.encode()) % 2])


NO_SKIPS = os.environ.get("KFPIPE_NO_SKIPS") == "1"
"""Where everything that tests need is at hand, a test that is skipped has failed to say what it was written for."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and KFPIPE_NO_SKIPS is set: {report.longrepr}"
    return report


@pytest.fixture(params=LOOPS)
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Tests marked `anyio` run once on each event loop."""
    return str(request.param)


@pytest.fixture(autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every test has a user's state folder of its own: none touches the developer's, nor another test's."""
    folder = tmp_path_factory.getbasetemp() / f"state-{next(_NUMBER)}"
    os.environ[STATE_HOME] = str(folder)
    yield folder
    os.environ[STATE_HOME] = _NOWHERE


@pytest.fixture(scope="session", autouse=True)
def films_are_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No scene is filmed twice in the whole suite, whichever process films it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "films"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FILMS, str(folder))
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_takes_the_processor_from_others() -> Iterator[None]:
    """A library may give root's process real-time priority, which all that it starts would have, too."""
    policy = getattr(os, "sched_getscheduler", lambda _: None)
    before = policy(0)
    yield
    assert policy(0) == before


KEYS = ("sk-fuzz-5e1f0c2d9a7b4483", "sk-test-0123456789abcdef")
"""As in the tests of strangers and of the client."""

GIVEN = {".env", ".keys", "config"}
"""Files in which tests hand a key over."""


@pytest.fixture(scope="session", autouse=True)
def no_key_in_any_byte(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every byte that kfpipe wrote or printed in the whole suite is searched for the keys that the tests use."""
    said: list[str] = []
    write = streams._write

    def tapped(stream: TextIO, text: str) -> None:
        if any(key in text for key in KEYS):
            said.append(text)
        write(stream, text)

    streams._write = tapped
    yield
    streams._write = write
    assert not said
    files = (path for path in tmp_path_factory.getbasetemp().rglob("*") if path.is_file() and not path.is_symlink())
    holding = [path for path in files if path.name not in GIVEN and _holds_a_key(path)]
    assert not holding


def _holds_a_key(path: Path) -> bool:
    content = path.read_bytes()
    return any(key.encode() in content for key in KEYS)
