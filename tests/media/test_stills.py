"""Stills are judged by their content."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from kfpipe.media import stills
from kfpipe.media.stills import StillUnreadable


@pytest.mark.parametrize(("kind", "mime_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_the_format_is_that_of_the_content_not_of_the_name(tmp_path: Path, kind: str, mime_type: str) -> None:
    file = tmp_path / "frame.bmp"
    Image.new("RGB", (64, 32)).save(file, format=kind)
    facts = stills.read(file)
    assert (facts.format, facts.mime_type, facts.width_px, facts.height_px) == (kind, mime_type, 64, 32)
    assert facts.size_bytes == file.stat().st_size
    assert not facts.alpha
    assert not facts.animated


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_of_any_kind_is_seen(tmp_path: Path, mode: str) -> None:
    file = tmp_path / "frame.png"
    Image.new(mode, (8, 8)).save(file, **({"transparency": 0} if mode == "P" else {}))
    assert stills.read(file).alpha


def test_an_animation_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "frame.gif"
    Image.new("L", (8, 8)).save(file, save_all=True, append_images=[Image.new("L", (8, 8), 255)])
    facts = stills.read(file)
    assert facts.animated
    assert facts.format == "GIF"


def test_sides_are_reported_as_stored_whatever_the_camera_says_about_rotation(tmp_path: Path) -> None:
    file = tmp_path / "frame.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 32)).save(file, exif=exif)
    assert stills.read(file).width_px == 64


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
def test_a_still_that_was_cut_off_is_refused(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "frame"
    Image.effect_noise((200, 200), 90).convert("RGB").save(file, format=kind)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(StillUnreadable, match="damaged"):
        stills.read(file)


def test_a_picture_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    file = tmp_path / "frame.png"
    Image.new("1", (1, 1)).save(file)
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    content = file.read_bytes()
    file.write_bytes(content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:])
    with pytest.raises(StillUnreadable, match="too many pixels"):
        stills.read(file)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"text", "not a picture"), (b"version https://git-lfs.github.com/spec/v1", "LFS")],
)
def test_what_is_no_picture_is_said_to_be_none(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "frame.png"
    file.write_bytes(content)
    with pytest.raises(StillUnreadable, match=reason):
        stills.read(file)
