"""What is said of a clip whose size is not the predicted one."""

from __future__ import annotations

import pytest

from kfpipe.domain import PictureSize
from kfpipe.media import remarks
from kfpipe.media.facts import Expected

VIDU = PictureSize(width_px=832, height_px=624)


@pytest.mark.parametrize(
    ("width_px", "height_px", "fine"), [(828, 624, True), (1280, 960, True), (960, 540, False), (624, 832, False)]
)
def test_of_a_size_that_nobody_can_predict_the_shape_has_to_be_right(width_px: int, height_px: int, fine: bool) -> None:
    made = PictureSize(width_px=width_px, height_px=height_px)
    rough = Expected(size=VIDU, seconds=5, is_rough=True)
    assert (not list(remarks.on_size(made, rough))) is fine
    assert bool(list(remarks.on_size(made, Expected(size=VIDU, seconds=5)))) is (max(width_px, height_px) != 828)
