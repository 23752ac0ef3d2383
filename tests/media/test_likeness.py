"""How much two pictures look alike, against the formula written out."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from statistics import fmean

import pytest
from PIL import Image, ImageChops, ImageOps

from kfpipe.domain import FrameEnd
from kfpipe.media import pictures, video
from kfpipe.media.likeness import of_still, similarity
from tests.support.films import film

SIZE = (32, 20)
RAMP = Image.linear_gradient("L").resize(SIZE)
SIDEWAYS = Image.linear_gradient("L").rotate(90).resize(SIZE)
RINGS = Image.radial_gradient("L").resize(SIZE)
PICTURES = [RAMP, SIDEWAYS, RINGS, ImageOps.invert(RAMP), ImageChops.add(RINGS, RAMP, 3), Image.new("L", SIZE, 90)]


def written_out(one: Image.Image, other: Image.Image) -> float:
    """The mean over all windows of 8 by 8 pixels that begin at multiples of 4."""
    found = []
    for top in range(0, SIZE[1] - 7, 4):
        for left in range(0, SIZE[0] - 7, 4):
            a, b = (list(picture.crop((left, top, left + 8, top + 8)).tobytes()) for picture in (one, other))
            ma, mb = fmean(a), fmean(b)
            va, vb = fmean((x - ma) ** 2 for x in a), fmean((x - mb) ** 2 for x in b)
            cov = fmean((x - ma) * (y - mb) for x, y in zip(a, b, strict=True))
            c1, c2 = 2.55**2, 7.65**2
            found.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return fmean(found)


@pytest.mark.parametrize("one", range(len(PICTURES)))
@pytest.mark.parametrize("other", range(len(PICTURES)))
def test_the_likeness_of_two_pictures_is_that_of_the_formula(one: int, other: int) -> None:
    a, b = PICTURES[one], PICTURES[other]
    found = similarity(a, b)
    assert found == pytest.approx(written_out(a, b), abs=1e-5)
    assert found == pytest.approx(similarity(b, a), abs=1e-12)
    assert -1 <= found <= 1
    assert (found == pytest.approx(1)) == (one == other)


def test_a_still_is_scaled_to_the_shape_of_the_clip_and_seen_upright(tmp_path: Path) -> None:
    picture = Image.radial_gradient("L").crop((0, 0, 256, 144)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.resize((960, 540)).rotate(90, expand=True).save(tmp_path / "still.png", exif=exif)
    assert str(of_still(picture, tmp_path / "still.png")) == "1.00"
    assert of_still(ImageOps.invert(picture), tmp_path / "still.png") < Decimal("0.5")


def test_a_still_that_is_damaged_by_now_leaves_the_clip_without_a_likeness(tmp_path: Path) -> None:
    made = io.BytesIO()
    Image.effect_noise((40, 30), 80).convert("RGB").save(made, "AVIF")
    content, still = made.getvalue(), tmp_path / "a.png"
    film(tmp_path / "clip.mp4", seconds=0.2, noise_bytes=0)
    seen = pictures.greys(video.glimpse(tmp_path / "clip.mp4"))
    found = []
    for at in range(0, len(content), max(1, len(content) // 100)):
        still.write_bytes(content[:at] + b"\xff\xff\xff" + content[at + 3 :])
        found.append(pictures.fidelity(seen, {FrameEnd.LAST: still}).last)
    assert None in found
