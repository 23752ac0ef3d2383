"""Stills to begin and end on."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from PIL import Image

Colour = tuple[int, int, int] | str
Size = tuple[int, int]
SIZE: Size = (640, 360)
HD: Size = (1280, 720)


@cache
def content(colour: Colour, size: Size = SIZE) -> bytes:
    """A picture of one colour, as a PNG; it is compressed once for all tests."""
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    return data.getvalue()


def save(folder: Path, colours: Mapping[str, Colour], size: Size = SIZE) -> None:
    """Pictures of these colours, by file name."""
    for name, colour in colours.items():
        (folder / name).write_bytes(content(colour, size))


PAIR: dict[str, Colour] = {"a.png": (40, 60, 120), "b.png": (230, 180, 90)}
"""What most manifests of the tests name."""
