"""Stills for a clip: decoded, cropped to its size, or drawn where the file is somewhere else."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from PIL import Image, ImageDraw, ImageFont, ImageOps

from kfpipe.emulator.film.display import as_shown
from kfpipe.emulator.film.scene import MediaFile, RemoteFile, StoredFile

PLACEHOLDER_PX = (1280, 720)

_INK = (214, 219, 226)
_FAINT_INK = (122, 132, 147)


def fitted(file: MediaFile, size: tuple[int, int]) -> Image.Image:
    """The picture in `file`, scaled to cover `size` and cropped to it around its middle, in RGB.

    A last frame of another shape is cropped alike. Pixels are taken as they are stored: what the service makes of a
    rotation tag is not documented. Raises OSError or ValueError for bytes that are not a picture.
    """
    if isinstance(file, RemoteFile):
        return ImageOps.fit(placeholder(file.url), size, Image.Resampling.LANCZOS)
    with Image.open(file.path) as picture:
        picture.draft("RGB", size)
        return ImageOps.fit(_in_rgb(picture), size, Image.Resampling.LANCZOS)


def _in_rgb(picture: Image.Image) -> Image.Image:
    """16 bits of grey are scaled to 8: a plain conversion would take all but the darkest for white."""
    if not picture.mode.startswith("I"):
        return picture.convert("RGB")
    return picture.convert("I").point(lambda grey: grey / 257 + 0.5).convert("L").convert("RGB")


def moving(clip: StoredFile, size: tuple[int, int], frames_per_second: int) -> Iterator[Image.Image]:
    """The pictures of a video at another frame rate, each fitted to `size`. Raises OSError or ValueError."""
    shown: Image.Image | None = None
    count = 0
    with clip.opened() as container:
        for frame in container.decode(video=0):
            while shown is not None and count < (frame.time or 0.0) * frames_per_second - 0.5:
                yield shown
                count += 1
            shown = ImageOps.fit(as_shown(frame), size, Image.Resampling.BILINEAR)
    if shown is not None:
        yield shown


def placeholder(url: str) -> Image.Image:
    """A quiet card that names the host and the file a remote picture would come from."""
    address = urlsplit(url)
    width, height = PLACEHOLDER_PX
    card = Image.linear_gradient("L").resize(PLACEHOLDER_PX).convert("L")
    picture = ImageOps.colorize(card, (30, 36, 46), (58, 68, 84))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((40, 40, width - 41, height - 41), outline=(84, 95, 112), width=2)
    _centred(draw, height // 2 - 56, "remote picture, not fetched", 24, _FAINT_INK)
    _centred(draw, height // 2, _shortened(PurePosixPath(address.path).name or "/", 40), 46, _INK)
    _centred(draw, height // 2 + 52, _shortened(address.hostname or "", 60), 26, _FAINT_INK)
    return picture


def lettering(text: str, size_px: int, opacity: float) -> Image.Image:
    """The text as a mask, no larger than it needs; letters are as white as `opacity` (0 to 1) says."""
    font = ImageFont.load_default(size_px)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
    mask = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(mask).text((-left, -top), text, font=font, fill=round(255 * opacity))
    return mask


def _centred(draw: ImageDraw.ImageDraw, y: int, text: str, size_px: int, colour: tuple[int, int, int]) -> None:
    draw.text((PLACEHOLDER_PX[0] // 2, y), text, fill=colour, font=ImageFont.load_default(size_px), anchor="mm")


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit // 2 - 1]}…{text[-limit // 2 :]}"
