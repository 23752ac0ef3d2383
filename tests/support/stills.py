"""Stills to begin and end on."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

from PIL import Image

Colour = tuple[int, int, int]


@cache
def content(colour: Colour) -> bytes:
    """A picture of one colour, as a PNG; it is compressed once for all tests."""
    data = io.BytesIO()
    Image.new("RGB", (640, 360), colour).save(data, "PNG")
    return data.getvalue()


def save(folder: Path, colours: dict[str, Colour]) -> None:
    """Pictures of these colours, by file name."""
    for name, colour in colours.items():
        (folder / name).write_bytes(content(colour))


PAIR: dict[str, Colour] = {"a.png": (40, 60, 120), "b.png": (230, 180, 90)}
"""What most manifests of the tests name."""
