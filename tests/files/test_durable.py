"""A file that is written anew survives a power cut, with its old content or its new one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kfpipe.files import durable


def test_the_new_bytes_are_on_the_disk_before_the_name_and_the_name_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def noted(step: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*args: Any) -> Any:
            steps.append(step)
            return work(*args)

        return noting

    monkeypatch.setattr(durable, "sync", noted("bytes", durable.sync))
    monkeypatch.setattr(durable, "sync_folder", noted("folder", durable.sync_folder))
    monkeypatch.setattr(Path, "replace", noted("name", Path.replace))
    durable.replace(tmp_path / "shots.lock.json", [b"{", b"}"])
    assert (tmp_path / "shots.lock.json").read_bytes() == b"{}"
    assert steps == ["bytes", "name", "folder"]
