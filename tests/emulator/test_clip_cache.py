"""Clips that emulators share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kfpipe.emulator.film.clip_cache import Archive
from kfpipe.emulator.film.formats import Format
from kfpipe.emulator.film.scene import RemoteFile, Scene
from tests.emulator.conftest import Bodies, Caller


def test_a_clip_is_lent_as_it_was_kept(tmp_path: Path) -> None:
    clip, copy = tmp_path / "clip.mp4", tmp_path / "copy.mp4"
    clip.write_bytes(b"a clip")
    films = tmp_path / "films"
    assert not Archive(films).lend("scene", copy)
    Archive(films).keep("scene", clip)
    assert Archive(films).lend("scene", copy)
    assert copy.read_bytes() == b"a clip"
    assert not Archive(films).lend("another scene", copy)


def test_a_clip_that_an_earlier_release_has_kept_is_still_found() -> None:
    scene = Scene(
        width_px=640,
        height_px=480,
        seconds=5,
        first=RemoteFile("https://example.com/a.png"),
        last=None,
        has_sound=False,
        has_watermark=False,
        seed=1,
    )
    assert scene.digest == "c2afb839c554f54c5af4b8bc641753d342ab41a7acbc6e8068583ffa5abbe389"
    assert replace(scene, format=Format.NOISE).digest != scene.digest


def test_a_folder_that_cannot_be_used_keeps_nothing_and_stops_nobody(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"a clip")
    for folder in (clip, None):
        Archive(folder).keep("scene", clip)
        assert not Archive(folder).lend("scene", tmp_path / "copy.mp4")


def test_a_scene_that_another_emulator_has_filmed_is_not_filmed_again(
    tmp_path: Path, start: Callable[..., Caller], bodies: Bodies
) -> None:
    films = tmp_path / "films"
    first = start(films=films)
    first.finish(first.make(bodies.kf2v()))
    (kept,) = films.iterdir()
    kept.write_bytes(b"marked")
    second = start(films=films)
    done = second.finish(second.make(bodies.kf2v()))
    assert second.http.get(done["output"]["video_url"]).content == b"marked"
