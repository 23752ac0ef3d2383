"""Clips move to their places, and what cannot be played is kept apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kfpipe.files import durable
from kfpipe.files.durable import sha256_of
from kfpipe.media import placement


def test_what_is_refused_has_its_bytes_on_the_disk_before_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = tmp_path / ".partial" / "task-1.mp4"
    partial.parent.mkdir()
    partial.write_bytes(b"noise")
    steps: list[str] = []

    def noted(step: str, work: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: (steps.append(step), work(*args))[1]

    monkeypatch.setattr(durable, "sync", noted("bytes", durable.sync))
    monkeypatch.setattr(durable, "sync_folder", noted("folder", durable.sync_folder))
    monkeypatch.setattr(Path, "replace", noted("name", Path.replace))
    digest = sha256_of(partial)
    kept = placement.refuse(partial, tmp_path / "renders" / "kitten.mp4", digest)
    assert kept == tmp_path / "renders" / ".refused" / f"kitten.{digest[:12]}.mp4"
    assert kept.read_bytes() == b"noise"
    assert not partial.exists()
    assert (steps[0], steps[-2:]) == ("bytes", ["name", "folder"])
