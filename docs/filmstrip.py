"""The README's picture: frames of the clips that the quickstart has rendered.

python docs/filmstrip.py [RENDERS] [PICTURE]
"""

from __future__ import annotations

import sys
from pathlib import Path

import av
from PIL import Image

CLIPS = ("dawn", "lighthouse@seed=7,resolution=720P", "street")
MOMENTS = (0.0, 0.45, 0.55, 1.0)
HEIGHT_PX = 150
GAP_PX = 6


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "manifests/renders")
    picture = Path(sys.argv[2] if len(sys.argv) > 2 else "docs/quickstart.jpg")
    rows = [_row(folder / f"{clip}.mp4") for clip in CLIPS]
    width = max(row.width for row in rows)
    sheet = Image.new("RGB", (width, len(rows) * (HEIGHT_PX + GAP_PX) - GAP_PX), "white")
    for number, row in enumerate(rows):
        sheet.paste(row, ((width - row.width) // 2, number * (HEIGHT_PX + GAP_PX)))
    sheet.save(picture, quality=85)


def _row(clip: Path) -> Image.Image:
    with av.open(clip) as container:
        frames = [frame.to_image() for frame in container.decode(video=0)]
    shown = [frames[round(moment * (len(frames) - 1))] for moment in MOMENTS]
    thumbs = [frame.resize((round(frame.width * HEIGHT_PX / frame.height), HEIGHT_PX)) for frame in shown]
    row = Image.new("RGB", (sum(thumb.width + GAP_PX for thumb in thumbs) - GAP_PX, HEIGHT_PX), "white")
    left = 0
    for thumb in thumbs:
        row.paste(thumb, (left, 0))
        left += thumb.width + GAP_PX
    return row


if __name__ == "__main__":
    main()
