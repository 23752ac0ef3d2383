"""The memory of stills: never believed when the file may have changed, never needed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from PIL import Image

from kfpipe.media.cache import DigestCache
from kfpipe.media.stills import StillUnreadable


@pytest.fixture
def still(tmp_path: Path) -> Path:
    file = tmp_path / "frame.png"
    Image.new("RGB", (64, 32)).save(file)
    os.utime(file, ns=(0, 10**18))
    return file


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / ".kfpipe" / "digests.json"


def looked_at(still: Path, memory: Path) -> None:
    cache = DigestCache(memory)
    cache.look(still)
    cache.save()


def forge(memory: Path) -> None:
    """Plants a digest that only a reader of the memory can come to know."""
    memory.write_text(memory.read_text().replace('"sha256": "', '"sha256": "remembered:'))


def test_the_digest_is_that_of_the_bytes(still: Path, memory: Path) -> None:
    found = DigestCache(memory).look(still)
    assert found.sha256 == hashlib.sha256(still.read_bytes()).hexdigest()
    assert found.facts.width_px == 64


def test_an_unchanged_still_is_not_read_again(still: Path, memory: Path) -> None:
    looked_at(still, memory)
    forge(memory)
    assert DigestCache(memory).look(still).sha256.startswith("remembered:")


def test_a_still_that_was_written_again_is_read_again(still: Path, memory: Path) -> None:
    looked_at(still, memory)
    Image.new("RGB", (64, 48)).save(still)
    assert DigestCache(memory).look(still).facts.height_px == 48


def test_a_still_of_the_same_size_and_time_but_another_file_is_read_again(still: Path, memory: Path) -> None:
    looked_at(still, memory)
    forge(memory)
    other = still.with_name("other.png")
    other.write_bytes(still.read_bytes())
    os.utime(other, ns=(0, 10**18))
    other.replace(still)
    assert not DigestCache(memory).look(still).sha256.startswith("remembered:")


def test_a_still_that_was_written_a_moment_ago_is_not_trusted_later(still: Path, memory: Path) -> None:
    os.utime(still)
    looked_at(still, memory)
    assert not memory.exists()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 99, "stills": {}}', '{"version": 1, "stills": 3}', '{"version": 1}', "[" * 9999],
)
def test_a_damaged_memory_is_ignored_and_rebuilt(still: Path, memory: Path, content: str) -> None:
    memory.parent.mkdir()
    memory.write_text(content)
    looked_at(still, memory)
    forge(memory)
    assert DigestCache(memory).look(still).sha256.startswith("remembered:")


@pytest.mark.parametrize("entry", ["3", "{}", '{"stamp": []}', '{"stamp": null, "facts": 3}'])
def test_a_damaged_entry_is_ignored(still: Path, memory: Path, entry: str) -> None:
    memory.parent.mkdir()
    memory.write_text(f'{{"version": 1, "stills": {{"{still.as_posix()}": {entry}}}}}')
    assert DigestCache(memory).look(still).facts.width_px == 64


def test_a_memory_that_cannot_be_written_is_no_error(still: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    looked_at(still, blocked / "digests.json")


def test_files_that_are_gone_are_forgotten(still: Path, memory: Path) -> None:
    looked_at(still, memory)
    other = still.with_name("other.png")
    still.rename(other)
    looked_at(other, memory)
    assert "frame.png" not in memory.read_text()


def test_an_unusable_still_is_reported_every_time(still: Path, memory: Path) -> None:
    still.write_bytes(b"not a picture")
    cache = DigestCache(memory)
    for _ in range(2):
        with pytest.raises(StillUnreadable):
            cache.look(still)
