"""Makes the stills that `kfpipe init` writes out of the quickstart's, smaller: `python -m docs.starter_stills`."""

import sys
from pathlib import Path

from PIL import Image

HOME = Path(__file__).resolve().parents[1]
SOURCE, TARGET = HOME / "manifests" / "frames", HOME / "kfpipe" / "starter" / "frames"
HEIGHTS_PX = {"dawn": 540, "lighthouse": 640}
QUALITY = 78

if __name__ == "__main__":
    for name, height_px in HEIGHTS_PX.items():
        for suffix in "ab":
            still = Image.open(SOURCE / f"{name}_{suffix}.jpg")
            width_px = still.width * height_px // still.height
            path = TARGET / f"{name}_{suffix}.jpg"
            small = still.resize((width_px, height_px), Image.Resampling.LANCZOS)
            small.save(path, quality=QUALITY, optimize=True, progressive=True)
            sys.stdout.write(f"{path} {small.size} {path.stat().st_size}\n")
