"""Stills are sent as a viewer shows them: the file that is made of one, and what becomes of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import pytest
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from kfpipe.media.cache import DigestCache
from kfpipe.media.facts import PreparedStill
from kfpipe.media.prepared import FOLDER, prepared

ORIENTATION: Final = 0x0112
PROFILE: Final = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SUFFIXES: Final = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".png", "MPO": ".jpg"}


def still(folder: Path, kind: str = "JPEG", turn: int = 6, size: tuple[int, int] = (90, 60)) -> Path:
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    picture = Image.merge("RGB", [Image.linear_gradient("L").rotate(angle).resize(size) for angle in (0, 90, 180)])
    more = {"save_all": True, "append_images": [picture]} if kind == "MPO" else {}
    file = folder / "still"
    picture.save(file, kind, exif=exif, icc_profile=PROFILE, **more)  # type: ignore[arg-type]
    return file


def made(file: Path, *recipe: str) -> PreparedStill:
    digests = DigestCache(file.parent / "digests.json")
    return prepared(file, digests.look(file), recipe or ("upright",), folder=file.parent, digests=digests)


@pytest.mark.parametrize("kind", SUFFIXES)
@pytest.mark.parametrize("turn", range(2, 9))
@pytest.mark.parametrize("size", [(90, 60), (64, 64)], ids=["long", "square"])
def test_an_upright_still_is_what_a_viewer_shows(tmp_path: Path, kind: str, turn: int, size: tuple[int, int]) -> None:
    file = still(tmp_path, kind, turn, size)
    found = made(file)
    assert (found.still.facts.orientation, Path(found.path).suffix) == (1, SUFFIXES[kind])
    with Image.open(file) as stored, Image.open(tmp_path / found.path) as upright:
        wanted = ImageOps.exif_transpose(stored).convert("RGB")
        difference = ImageStat.Stat(ImageChops.difference(wanted, upright.convert("RGB"))).mean
        assert upright.info["icc_profile"] == PROFILE
        assert not upright.getexif()
    assert max(difference) < 1
    assert (found.still.facts.width_px, found.still.facts.height_px) == wanted.size
    assert found.still.sha256 == hashlib.sha256((tmp_path / found.path).read_bytes()).hexdigest()


def test_what_was_made_is_used_again_and_made_again_when_it_is_gone_or_damaged(tmp_path: Path) -> None:
    file = still(tmp_path)
    first = made(file)
    target = tmp_path / first.path
    content = target.read_bytes()
    file.unlink()
    with pytest.raises(FileNotFoundError):
        made(file)
    still(tmp_path)
    for damage in (b"", content[:-100]):
        target.write_bytes(damage)
        assert made(file) == first
        assert target.read_bytes() == content
    target.unlink()
    assert made(file) == first


def test_a_link_in_the_place_of_a_prepared_still_leads_no_writer_away(tmp_path: Path) -> None:
    file, own = still(tmp_path), tmp_path / "settings"
    target = tmp_path / made(file).path
    content = target.read_bytes()
    own.write_bytes(content)
    target.unlink()
    target.symlink_to(own)
    own.write_bytes(b"mine")
    made(file)
    assert (own.read_bytes(), target.is_symlink(), target.read_bytes()) == (b"mine", False, content)


def test_where_nothing_can_be_written_the_still_is_known_all_the_same(tmp_path: Path) -> None:
    (tmp_path / ".kfpipe").write_text("in the way", "utf-8")
    found = made(still(tmp_path))
    assert (found.still.facts.width_px, found.path.startswith(FOLDER)) == (60, True)


def test_a_still_is_flattened_over_the_background(tmp_path: Path) -> None:
    file = tmp_path / "still"
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(file, "PNG")
    with Image.open(tmp_path / made(file, "flatten #00ff00").path) as flat:
        assert (flat.mode, flat.getpixel((0, 0))) == ("RGB", (0, 255, 0))


@pytest.mark.parametrize("kind", ["AVIF", "TIFF", "GIF"])
def test_a_picture_of_another_format_is_converted_without_loss(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "still"
    Image.linear_gradient("L").convert("RGB").save(file, kind)
    found = made(file, "convert")
    with Image.open(file) as stored, Image.open(tmp_path / found.path) as converted:
        assert ImageChops.difference(stored.convert("RGB"), converted.convert("RGB")).getbbox() is None
        assert converted.format == "PNG"


def test_a_heic_picture_is_converted_with_the_extra(tmp_path: Path) -> None:
    heic = pytest.importorskip("pillow_heif", reason="the extra `heic` is not installed")
    picture = Image.linear_gradient("L").convert("RGB")
    file = tmp_path / "still"
    heic.from_pillow(picture).save(file, quality=95)
    with Image.open(tmp_path / made(file, "convert").path) as converted:
        assert converted.format == "PNG"
        assert max(ImageStat.Stat(ImageChops.difference(picture, converted.convert("RGB"))).mean) < 4


def test_the_colours_of_print_are_converted_by_their_profile_or_without_one(tmp_path: Path) -> None:
    file = tmp_path / "still"
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(file, "TIFF")
    with Image.open(tmp_path / made(file, "convert").path) as converted:
        assert converted.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("size", "wanted"), [((100, 50), (400, 200)), ((2000, 1000), (600, 300)), ((300, 300), (300, 300))]
)
def test_a_still_is_brought_into_the_range_of_its_model(
    tmp_path: Path, size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    file = tmp_path / "still"
    Image.new("P", size).save(file, "PNG")
    facts = made(file, "resize 200-600 1000000").still.facts
    assert (facts.width_px, facts.height_px) == wanted


def test_a_still_of_too_many_bytes_becomes_lighter_and_only_then_smaller(tmp_path: Path) -> None:
    file = tmp_path / "still"
    Image.effect_noise((600, 600), 100).save(file, "PNG")
    light, small = (made(file, f"resize 100-600 {most}").still.facts for most in (250_000, 50_000))
    assert (light.format, light.width_px) == ("JPEG", 600)
    assert (small.size_bytes <= 50_000, 100 <= small.width_px < 600) == (True, True)


def test_a_rotation_tag_in_xmp_is_baked_in_and_dropped(tmp_path: Path) -> None:
    file = tmp_path / "still"
    Image.new("RGB", (90, 60)).save(file, "JPEG", xmp=b'<x:xmpmeta tiff:Orientation="6"/>')
    found = made(file)
    assert (found.still.facts.width_px, found.still.facts.orientation) == (60, 1)
