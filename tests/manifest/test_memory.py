"""What large manifests were read as, remembered: the same as reading them, or nothing."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

from kfpipe.errors import Refused
from kfpipe.manifest import document
from kfpipe.manifest.document import Document, builder, memory

SHOTS: Final = """\
kfpipe: 1
budget: {max_cost: 12.50, currency: USD}
defaults: &usual {model: wan2.7-i2v, tags: [night, hero]}
profiles: {draft: *usual}
shots:
  - {id: kitten, prompt: "It's e\u0301te\u0301", seed: 012}
"""


def large(text: str = SHOTS) -> bytes:
    return text.encode() + b"#" + b"." * memory.SMALLEST_BYTES + b"\n"


def places(read: Document) -> list[Any]:
    """Where all that is in the document stands."""
    paths = [("budget", "max_cost"), ("defaults", "tags", 1), ("profiles", "draft"), ("shots", 0, "seed"), ("nothing",)]
    return [(read.position(path), read.key_position(path)) for path in paths]


def entries(home: Path) -> list[Path]:
    folder = home / memory.FOLDER
    return [*folder.iterdir()] if folder.is_dir() else []


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, nothing is read."""

    def build(*_: Any) -> NoReturn:
        raise AssertionError("it was read again")

    return lambda: monkeypatch.setattr(builder, "build", build)


def clean(text: str) -> str:
    return text.replace("012", "12")  # which is nothing to warn of


def test_what_is_remembered_is_what_was_read(state_home: Path, unread: Callable[[], None]) -> None:
    content = large(clean(SHOTS))
    first = document.parse(content, "shots.yaml")
    unread()
    again = document.parse(content, "film/other.yaml", name="other.yaml")
    assert again.data == first.data
    assert repr(again.data) == repr(first.data)
    assert again.data["profiles"]["draft"] is again.data["defaults"]
    assert places(again) == places(first)
    assert (again.file, again.sources[0].name) == ("film/other.yaml", "other.yaml")


def test_other_bytes_are_read(state_home: Path) -> None:
    document.parse(large(clean(SHOTS)), "shots.yaml")
    assert (
        document.parse(large(clean(SHOTS).replace("kitten", "monster")), "shots.yaml").data["shots"][0]["id"]
        == "monster"
    )
    assert len(entries(state_home)) == 2


def test_what_is_warned_of_or_refused_is_told_each_time(state_home: Path) -> None:
    for _ in range(2):
        assert [problem.what for problem in document.parse(large(), "shots.yaml").warnings]
        with pytest.raises(Refused):
            document.parse(large("shots: [\n"), "shots.yaml")
    assert not entries(state_home)


def test_a_small_manifest_is_not_remembered(state_home: Path) -> None:
    document.parse(clean(SHOTS).encode(), "shots.yaml")
    assert not entries(state_home)


class Evil:
    """What would be done while it is read."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("evil",)


def forged(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest() + payload


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry[: len(entry) // 2],
        lambda entry: entry[:-9] + b"?" + entry[-8:],
        lambda _: b"",
        lambda _: forged(pickle.dumps(Evil())),
        lambda _: forged(pickle.dumps(({}, b"", b"", 0))),
        lambda _: forged(pickle.dumps("nothing")),
    ],
)
def test_a_damaged_or_forged_entry_counts_for_nothing(
    damage: Callable[[bytes], bytes], state_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = large(clean(SHOTS))
    first = document.parse(content, "shots.yaml")
    (entry,) = entries(state_home)
    entry.write_bytes(damage(entry.read_bytes()))
    assert document.parse(content, "shots.yaml").data == first.data
    assert not Path("evil").exists()
    assert document.parse(content, "shots.yaml").data == first.data


@pytest.mark.skipif(sys.platform == "win32", reason="folders there have no such modes")
def test_what_others_may_write_is_neither_read_nor_written(state_home: Path) -> None:
    content = large(clean(SHOTS))
    first = document.parse(content, "shots.yaml")
    (entry,) = entries(state_home)
    assert (entry.stat().st_mode & 0o777, entry.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    entry.write_bytes(forged(pickle.dumps(({"shots": []}, b"\0" * 16, b"", 0))))
    entry.chmod(0o666)
    assert document.parse(content, "shots.yaml").data == first.data
    entry.unlink(missing_ok=True)
    entry.parent.chmod(0o777)
    assert document.parse(content, "shots.yaml").data == first.data
    assert not entries(state_home)


def test_there_is_room_for_some_entries_only(state_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        document.parse(large(clean(SHOTS).replace("kitten", f"kitten_{number}")), "shots.yaml")
        size = entries(state_home)[0].stat().st_size
        monkeypatch.setattr(memory, "MOST_BYTES", 2 * size + size // 2)
    assert len(entries(state_home)) == 2
