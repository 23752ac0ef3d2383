"""Pictures cut from rendered clips, for the takes that continue from them."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Colorspace
from PIL import Image

from kfpipe.domain import FrameEnd, LocalMedium
from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir, storage
from kfpipe.lock.states import Render
from kfpipe.media.video import picture

FOLDER: Final = "cuts"


def cut(render: Render, end: FrameEnd, *, folder: Path, state_dir: Path) -> LocalMedium:
    """The first or last picture of a rendered clip, as a file in `state_dir`.

    `folder` is the manifest's. The medium's digest is that of the decoded picture: H.264 decodes to the same picture
    everywhere, while no two machines need to write the same PNG. Raises `BadRender`, StorageFailed.
    """
    target = state_dir / FOLDER / f"{render.sha256[:32]}.{end}.png"
    with storage(target):
        known = _known(target)
        if known is not None:
            return known
        frame = picture(folder / render.path, end)
        png = _png(frame)
        medium = LocalMedium(
            path=target.relative_to(folder).as_posix(),
            sha256=hashlib.sha256(png).hexdigest(),
            size_bytes=len(png),
            mime_type="image/png",
            width_px=frame.width,
            height_px=frame.height,
            pixels=_digest(frame),
        )
        make_state_dir(state_dir)
        durable.make_folder(target.parent)
        durable.replace(target, [png])
        durable.replace(_note(target), [json.dumps(asdict(medium)).encode()])
        return medium


def _known(target: Path) -> LocalMedium | None:
    """What an earlier cut has noted; the name holds the clip's digest, so it is still true if the picture is there."""
    try:
        medium = LocalMedium(**json.loads(_note(target).read_bytes()))
        return medium if target.stat().st_size == medium.size_bytes else None
    except (OSError, ValueError, TypeError):
        return None


def _note(target: Path) -> Path:
    return target.with_suffix(".json")


def _png(frame: VideoFrame) -> bytes:
    buffer = io.BytesIO()
    _rgb(frame).save(buffer, "PNG")
    return buffer.getvalue()


def _rgb(frame: VideoFrame) -> Image.Image:
    """The picture in RGB, rounded to nearest: the usual fast conversion is darker by up to 2 of 255."""
    even = frame.reformat(format="yuv420p")
    size = (frame.width, frame.height)
    luma, *chroma = (_plane(plane) for plane in even.planes)
    wide = (plane.resize(size, Image.Resampling.BILINEAR) for plane in chroma)
    is_hd = frame.colorspace == Colorspace.ITU709
    return Image.merge("RGB", (luma, *wide)).convert("RGB", _BT709 if is_hd else _BT601)


def _plane(plane: VideoPlane) -> Image.Image:
    return Image.frombuffer("L", (plane.width, plane.height), bytes(plane), "raw", "L", plane.line_size, 1)


def _to_rgb(red: float, green_blue: float, green_red: float, blue: float) -> tuple[float, ...]:
    """Rows of (Y, Cb, Cr, constant) for red, green and blue, from video range to full range."""
    gain = 255 / 219
    rows = ((0.0, red), (-green_blue, -green_red), (blue, 0.0))
    return tuple(number for cb, cr in rows for number in (gain, cb, cr, 0.5 - 16 * gain - 128 * (cb + cr)))


_BT601: Final = _to_rgb(1.596027, 0.391762, 0.812968, 2.017232)
_BT709: Final = _to_rgb(1.792741, 0.213249, 0.532909, 2.112402)
"""How luma and colour differences make red, green and blue. Source: ITU-R BT.601 and BT.709."""


def _digest(frame: VideoFrame) -> str:
    """SHA-256 of the picture's planes, without the padding that decoders add to their rows."""
    digest = hashlib.sha256(f"{frame.format.name} {frame.width}x{frame.height}".encode())
    for plane in frame.planes:
        rows = memoryview(plane)
        for row in range(plane.height):
            start = row * plane.line_size
            digest.update(rows[start : start + plane.width])
    return digest.hexdigest()
