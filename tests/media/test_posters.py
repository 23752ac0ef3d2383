"""Posters: the picture in the middle of a clip, cut once."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat

from kfpipe.errors import BadRender, StorageFailed
from kfpipe.media.posters import Posters
from tests.support.films import film

SHADE = 40


def clip(folder: Path, **how: Any) -> tuple[Path, str]:
    """A clip whose red grows by one with each of its 60 pictures, and its digest."""
    content = film(folder / "clip.mp4", shade=SHADE, noise_bytes=0, **how)
    return folder / "clip.mp4", hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("encoding", [{}, {"g": "10"}, {"g": "10", "bf": "0"}], ids=["one keyframe", "many", "plain"])
def test_a_poster_is_the_picture_in_the_middle(tmp_path: Path, encoding: dict[str, str]) -> None:
    with Image.open(Posters(tmp_path / "state").of(*clip(tmp_path, encoding=encoding))) as poster:
        assert (poster.format, poster.size) == ("JPEG", (128, 72))
        red, *_ = ImageStat.Stat(poster.convert("RGB")).mean
    assert red == pytest.approx(SHADE + 30, abs=4)


@pytest.mark.parametrize(("size", "wanted"), [((960, 540), (480, 270)), ((360, 1440), (270, 1080))])
def test_a_poster_is_small(tmp_path: Path, size: tuple[int, int], wanted: tuple[int, int]) -> None:
    with Image.open(Posters(tmp_path).of(*clip(tmp_path, size=size, seconds=0.2))) as poster:
        assert poster.size == wanted


def test_a_poster_is_cut_once_and_again_when_it_is_gone(tmp_path: Path) -> None:
    path, sha256 = clip(tmp_path)
    posters = Posters(tmp_path / ".kfpipe")
    made = posters.of(path, sha256)
    content = made.read_bytes()
    assert (tmp_path / ".kfpipe" / ".gitignore").read_text() == "*\n"
    moved = path.rename(tmp_path / "moved.mp4")
    assert posters.of(path, sha256) == made
    made.unlink()
    assert posters.of(moved, sha256).read_bytes() == content


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    path, sha256 = clip(tmp_path)
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"mine")
    posters = Posters(tmp_path / "state")
    place = posters.place(sha256)
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    assert not posters.of(path, sha256).is_symlink()
    assert outside.read_bytes() == b"mine"


def test_what_cannot_be_decoded_has_no_poster(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"\0" * 4000)
    with pytest.raises(BadRender):
        Posters(tmp_path).of(tmp_path / "clip.mp4", "0" * 64)
    with pytest.raises(StorageFailed):
        Posters(tmp_path).of(tmp_path / "gone.mp4", "1" * 64)
    assert not (tmp_path / "posters").exists()
