"""A project folder as a stranger may have packed it, and a service that may say anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.promises.fuzz.bench import Ended, call
from tests.promises.fuzz.cases import KEY, SMALL
from tests.promises.fuzz.service import Service
from tests.provider.conftest import Stub
from tests.support import stills
from tests.support.surroundings import neutral

Call = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound manifest `shots.yaml` and its stills; not the top of the file system that tests may write."""
    project = tmp_path / "project"
    project.mkdir()
    stills.save(project, stills.PAIR)
    (project / "shots.yaml").write_text(SMALL, "utf-8")
    return project


@pytest.fixture
def service() -> Iterator[Service]:
    with Service(KEY) as service:
        yield service


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()
    yield stub
    stub.close()


@pytest.fixture
def kfpipe(folder: Path, service: Service) -> Call:
    """`kfpipe(*words)`: the command line in this process, in the folder, with the service behind it."""

    def run(*words: str, **environment: str) -> Ended:
        there = {"DASHSCOPE_HTTP_BASE_URL": service.base_url, "DASHSCOPE_API_KEY": KEY}
        ended = call(words, folder=folder, environment=there | environment)
        assert ended.complaint(KEY) is None
        return ended

    return run


@pytest.fixture
def variables(service: Service) -> dict[str, str]:
    """The environment of a child process that goes to the service."""
    return {**neutral(), "DASHSCOPE_HTTP_BASE_URL": service.base_url, "DASHSCOPE_API_KEY": KEY}
