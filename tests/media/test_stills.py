"""Stills are judged by their content."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image, PngImagePlugin

from kfpipe.media import stills
from kfpipe.media.stills import StillUnreadable

HEIF_BRANDS: Final = (b"heic", b"heix", b"heim", b"msf1", b"mif1")


@pytest.mark.parametrize(("kind", "mime_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_the_format_is_that_of_the_content_not_of_the_name(tmp_path: Path, kind: str, mime_type: str) -> None:
    file = tmp_path / "frame.bmp"
    Image.new("RGB", (64, 32)).save(file, format=kind)
    facts = stills.read(file)
    assert (facts.format, facts.mime_type, facts.width_px, facts.height_px) == (kind, mime_type, 64, 32)
    assert facts.size_bytes == file.stat().st_size
    assert not facts.alpha
    assert not facts.animated


def test_a_damaged_avif_is_refused_wherever_the_damage_is(tmp_path: Path) -> None:
    made = io.BytesIO()
    Image.effect_noise((40, 30), 80).convert("RGB").save(made, "AVIF")
    content, file = made.getvalue(), tmp_path / "frame.avif"
    refused = 0
    for at in range(0, len(content), max(1, len(content) // 100)):
        file.write_bytes(content[:at] + b"\xff\xff\xff" + content[at + 3 :])
        try:
            stills.read(file)
        except StillUnreadable:
            refused += 1
    assert refused


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
    facts = stills.read(file)
    assert (facts.width_px, facts.orientation, facts.shown_px) == (64, 6, (32, 64))


@pytest.mark.parametrize("tag", [0, 9, 65535])
def test_a_rotation_tag_that_no_viewer_heeds_is_none(tmp_path: Path, tag: int) -> None:
    file = tmp_path / "frame.png"
    exif = Image.Exif()
    exif[0x0112] = tag
    Image.new("RGB", (64, 32)).save(file, exif=exif)
    assert stills.read(file).orientation == 1


def test_a_rotation_tag_in_a_text_of_a_png_is_seen(tmp_path: Path) -> None:
    """As tools wrote it before there was a chunk for it."""
    exif = Image.Exif()
    exif[0x0112] = 8
    data = exif.tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(data):8}\n{data.hex()}\n", zip=True)
    file = tmp_path / "frame.png"
    Image.new("RGB", (64, 32)).save(file, pnginfo=text)
    assert stills.read(file).orientation == 8


def test_16_bits_of_grey_are_scaled_to_8() -> None:
    picture = Image.new("I;16", (1, 1), 0x8000)
    assert stills.in_rgb(picture).getpixel((0, 0)) == (128, 128, 128)


def test_the_colours_of_print_are_seen(tmp_path: Path) -> None:
    file = tmp_path / "frame.jpg"
    Image.new("CMYK", (8, 8)).save(file)
    assert stills.read(file).cmyk


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
def test_a_still_that_was_cut_off_is_refused(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "frame"
    Image.effect_noise((200, 200), 90).convert("RGB").save(file, format=kind)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(StillUnreadable, match="damaged"):
        stills.read(file)


@cache
def noise(kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((200, 200), 90).convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()


def zeroed(content: bytes, kept: int = 0) -> bytes:
    """The same, with its second half in zeros but for what is `kept` at the end."""
    half = len(content) // 2
    return content[:half] + bytes(len(content) - half - kept) + content[len(content) - kept :]


def png() -> bytes:
    return noise("PNG")


def jpeg() -> bytes:
    return noise("JPEG")


def optimised() -> bytes:
    return noise("JPEG", optimize=True)


def with_restarts() -> bytes:
    return noise("JPEG", restart_marker_rows=1)


def two_pictures() -> bytes:
    buffer = io.BytesIO()
    first, second = (Image.new("RGB", (side, side)) for side in (200, 8))
    first.save(buffer, "MPO", save_all=True, append_images=[second])
    return buffer.getvalue()


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(lambda: png().replace(b"IDAT", b"IDAt"), id="a-chunk-of-another-name"),
        pytest.param(lambda: png()[:-20] + bytes([png()[-20] ^ 1]) + png()[-19:], id="a-bit-in-the-last-pixels"),
        pytest.param(lambda: png()[:-12], id="a-png-without-its-end"),
        pytest.param(lambda: png()[:29] + bytes(4) + png()[33:], id="a-wrong-checksum-of-the-header"),
        pytest.param(lambda: noise("WEBP")[:-1000], id="a-webp-that-is-cut-off"),
        pytest.param(lambda: zeroed(noise("WEBP")), id="a-webp-of-zeros"),
        pytest.param(lambda: zeroed(noise("WEBP", lossless=True)), id="a-lossless-webp-of-zeros"),
        pytest.param(lambda: zeroed(png()), id="a-png-of-zeros"),
        pytest.param(lambda: zeroed(jpeg()), id="a-jpeg-of-zeros"),
        pytest.param(lambda: zeroed(noise("JPEG", progressive=True)), id="a-progressive-jpeg-of-zeros"),
        pytest.param(lambda: zeroed(optimised()), id="an-optimised-jpeg-of-zeros"),
        pytest.param(lambda: zeroed(jpeg(), kept=2), id="a-jpeg-of-zeros-with-an-end"),
        pytest.param(lambda: zeroed(optimised(), kept=2), id="an-optimised-jpeg-of-zeros-with-an-end"),
        pytest.param(lambda: zeroed(with_restarts(), kept=2), id="restarts-in-zeros-with-an-end"),
        pytest.param(lambda: jpeg()[:-2], id="a-jpeg-without-its-end"),
        pytest.param(lambda: jpeg()[: len(jpeg()) // 2] + jpeg()[-2:], id="half-a-jpeg-with-an-end"),
    ],
)
def test_damage_that_a_lenient_decoder_overlooks_is_found(tmp_path: Path, damaged: Callable[[], bytes]) -> None:
    file = tmp_path / "frame"
    file.write_bytes(damaged())
    with pytest.raises(StillUnreadable, match="damaged"):
        stills.read(file)


def plain(kind: str, colour: tuple[int, int, int], **options: Any) -> bytes:
    """A picture whose larger part is of one colour, down to its end."""
    picture = Image.new("RGB", (640, 480), colour)
    picture.paste(Image.effect_noise((640, 60), 90), (0, 0))
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(lambda: jpeg() + bytes(5000), id="zeros-after-the-end"),
        pytest.param(lambda: jpeg() + b"what a phone adds" * 100, id="more-after-the-end"),
        pytest.param(lambda: jpeg()[:-2] + bytes(5000) + jpeg()[-2:], id="zeros-that-are-no-part-of-the-pixels"),
        pytest.param(lambda: png() + b"more" * 100, id="more-after-a-png"),
        pytest.param(lambda: noise("JPEG", progressive=True), id="progressive"),
        pytest.param(lambda: noise("JPEG", restart_marker_blocks=1), id="restarts"),
        pytest.param(two_pictures, id="two-pictures"),
        pytest.param(lambda: noise("JPEG", exif=b"Exif\0\0" + jpeg()), id="a-preview-inside"),
        *(
            pytest.param(partial(plain, kind, (shade,) * 3, **options), id=f"{kind}-{shade}-{len(options)}")
            for shade in (0, 128, 255)
            for kind, options in (
                ("JPEG", {}),
                ("JPEG", {"optimize": True, "quality": 40}),
                ("WEBP", {}),
                ("WEBP", {"lossless": True}),
            )
        ),
    ],
)
def test_a_whole_picture_is_never_taken_for_a_damaged_one(tmp_path: Path, whole: Callable[[], bytes]) -> None:
    file = tmp_path / "frame"
    file.write_bytes(whole())
    assert stills.read(file).width_px in (200, 640)


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
    [
        (b"", "is empty"),
        (b"text", "is not a picture"),
        (b"version https://git-lfs.github.com/spec/v1", "is only a Git LFS pointer"),
        (b"/annex/objects/SHA256E-s2--aa.png", "is only a git-annex pointer"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", "is an AVIF picture"),
        (b"\0\0\0\x20ftypavis\0\0\0\0", "is an AVIF picture"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "is an AVIF picture"),
        *((b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1", "is a HEIC picture") for brand in HEIF_BRANDS),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01", "is a camera's raw picture"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "is a video"),
        (b"8BPS\0\x01", "is a PSD picture"),
        (b"II*\0\x08\0\0\0", "is a TIFF picture"),
        (b"MM\0+\0\x08", "is a TIFF picture"),
        (b"II*\0\x10\0\0\0CR\x02\0", "is a camera's raw picture"),
        (b"\xff\x0a\xfa", "is a JPEG XL picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "is a JPEG 2000 picture"),
        (b"v/1\x01\x02", "is an OpenEXR picture"),
        (b"%PDF-1.7", "is a PDF document"),
        (b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg xmlns="', "is an SVG drawing"),
        (b"<!DOCTYPE html><html>", "is a web page"),
    ],
)
def test_what_is_no_picture_is_said_to_be_none(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "frame.png"
    file.write_bytes(content)
    with pytest.raises(StillUnreadable, match=reason):
        stills.read(file)


@pytest.mark.parametrize("tags", [{0x00FE: 1}, {0xC612: b"\x01\x04\0\0"}])
def test_the_preview_of_a_raw_picture_is_not_taken_for_the_picture(tmp_path: Path, tags: dict[int, Any]) -> None:
    file = tmp_path / "frame.tif"
    Image.new("RGB", (64, 32)).save(file, tiffinfo=tags)
    with pytest.raises(StillUnreadable, match="raw"):
        stills.read(file)
