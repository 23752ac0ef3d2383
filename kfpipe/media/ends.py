"""The pictures on which clips begin and end, small and grey, and how much two of them look alike.

They are kept like posters, named after the clip's content: put there when a clip is decoded anyway, cut where one is
missing. What was compared once is noted, and not compared again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kfpipe.domain import FrameEnd
from kfpipe.errors import BadRender, StorageFailed
from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir, storage
from kfpipe.files.scalars import decimal_text, parse_decimal
from kfpipe.media.posters import is_there

if TYPE_CHECKING:
    from PIL.Image import Image

FOLDER: Final = "ends"
NOTES: Final = "likeness.json"
VERSION: Final = 1

_ROUNDED_S: Final = Fraction(1, 500)
"""By so much may a picture's time differ from its number: files round it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPicture:
    """A picture of the clip with this digest: its first or last one, or the one shown so many seconds after its first.

    `file` is where the clip is.
    """

    file: Path
    sha256: str
    at: FrameEnd | Fraction

    @property
    def name(self) -> str:
        """What it is known by, wherever the clip is: `c0ffee.last`, `c0ffee.1500ms`."""
        place = self.at.value if isinstance(self.at, FrameEnd) else f"{round(self.at * 1000)}ms"
        return f"{self.sha256[:32]}.{place}"


def keep(folder: Path, sha256: str, greys: Mapping[FrameEnd, Image]) -> None:
    """Put the ends of the clip with this digest (see `pictures.greys`) in their places in the state folder.

    Raises StorageFailed.
    """
    for end, picture in greys.items():
        place = _place(folder, ClipPicture(file=folder, sha256=sha256, at=end))
        if not is_there(place):
            _put(place, picture)


class EndPictures:
    """The end pictures in a project's state folder.

    `most_cut` bounds how many are cut from clips, which takes a moment each; None: as many as are missing.
    """

    def __init__(self, folder: Path, *, most_cut: int | None = None) -> None:
        """`folder` is the state folder."""
        self._folder = folder
        self._left = most_cut
        self._known = _noted(folder / NOTES)
        self._learnt = False

    def likeness(self, one: ClipPicture, other: ClipPicture) -> Decimal | None:
        """How much two pictures look alike, 1.00 at most, two decimals; the second is scaled to the first one's shape.

        None where one of them cannot be decoded, or is not cut yet.
        """
        pair = f"{one.name} {other.name}"
        if pair not in self._known:
            with suppress(StorageFailed):  # the clip may be in its place tomorrow
                try:
                    found = self._compared(one, other)
                except BadRender:
                    self._note(pair, None)
                else:
                    if found is None:
                        return None
                    self._note(pair, found)
        return self._known.get(pair)

    def save(self) -> None:
        """Note what was compared for the next start. Failing to write is not an error."""
        if not self._learnt:
            return
        pairs = {pair: decimal_text(value) for pair, value in self._known.items()}
        text = json.dumps({"version": VERSION, "pairs": pairs}, sort_keys=True, indent=0)
        with suppress(OSError):
            make_state_dir(self._folder)
            durable.replace(self._folder / NOTES, [text.encode()])
            self._learnt = False

    def _note(self, pair: str, value: Decimal | None) -> None:
        self._known[pair] = value
        self._learnt = True

    def _compared(self, one: ClipPicture, other: ClipPicture) -> Decimal | None:
        first = self._picture(one)
        second = None if first is None else self._picture(other)
        if first is None or second is None:
            return None
        from kfpipe.media import likeness

        return likeness.of_grey(first, second)

    def _picture(self, wanted: ClipPicture) -> Image | None:
        """The picture, cut where it is missing; None where no more are to be cut. Raises BadRender, StorageFailed."""
        place = _place(self._folder, wanted)
        known = _read(place)
        if known is not None or self._left == 0:
            return known
        if self._left is not None:
            self._left -= 1
        with storage(wanted.file):
            picture = _cut(wanted)
        with suppress(StorageFailed):  # it can be cut again
            _put(place, picture)
        return picture


def _place(folder: Path, picture: ClipPicture) -> Path:
    return folder / FOLDER / f"{picture.name}.png"


def _put(place: Path, picture: Image) -> None:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # a tenth larger, in a third of the time
    with storage(place):
        make_state_dir(place.parent.parent)
        durable.make_folder(place.parent)
        if place.is_symlink():
            place.unlink()
        durable.replace(place, [buffer.getvalue()])


def _noted(file: Path) -> dict[str, Decimal | None]:
    """What was compared earlier; nothing where the notes are not as they were written."""
    try:
        data = json.loads(file.read_bytes())
        if data["version"] != VERSION:
            return {}
        return {str(pair): parse_decimal(value) for pair, value in data["pairs"].items()}
    except (OSError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError):
        return {}


def _read(place: Path) -> Image | None:
    """The picture that was kept there; None for what is no picture of that kind, which is cut again."""
    if not is_there(place):
        return None
    from PIL import Image

    from kfpipe.media.likeness import WIDTH_PX
    from kfpipe.media.stills import UNDECODABLE

    with suppress(Image.DecompressionBombError, *UNDECODABLE), Image.open(place, formats=["PNG"]) as picture:
        if picture.mode == "L" and picture.width == WIDTH_PX:
            picture.load()
            return picture
    return None


def _cut(wanted: ClipPicture) -> Image:
    """The picture, decoded. Raises `BadRender`, OSError."""
    from kfpipe.media import pictures, video  # PyAV is slow to load, and only a missing picture needs it

    try:
        frame = (
            video.picture(wanted.file, wanted.at) if isinstance(wanted.at, FrameEnd) else _at(wanted.file, wanted.at)
        )
        return pictures.grey(frame)
    except OSError:
        raise
    except pictures.UNDRAWN as trouble:
        raise BadRender(f"a picture of it cannot be decoded: {trouble}") from trouble


def _at(path: Path, at_s: Fraction) -> Any:
    """The picture that is shown so long after the first one; the last one of a clip that is shorter.

    Raises `BadRender`, av.FFmpegError, OSError.
    """
    from kfpipe.media.containers import container_of
    from kfpipe.media.display import displayed
    from kfpipe.media.video import fraction, opened, videos

    container = container_of(path)
    if container is None:
        raise BadRender("the file is not an MP4, MOV or WebM")
    with closing(opened(path, container.demuxer)) as file:
        stream, found = next(iter(videos(file)), None), None
        if stream is None or not stream.time_base:
            raise BadRender("there is no video in the file")
        unit = fraction(stream.time_base)
        begins = stream.start_time or 0
        file.seek(begins + int(at_s / unit), stream=stream)
        for frame in file.decode(stream):
            if found is not None and (frame.pts or 0) * unit > begins * unit + at_s + _ROUNDED_S:
                break
            found = frame
        if found is None or found.is_corrupt:
            raise BadRender("a picture of it cannot be decoded")
        return displayed(found)
