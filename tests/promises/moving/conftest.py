"""The world that the tests of this folder move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.promises.moving.world import World, worlds


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A project and its service; a test's parameter holds settings of the emulator."""
    yield from worlds(tmp_path / "project", **getattr(request, "param", {}))
