"""A clip as a value: what it is to show, between which pictures, how long; and the file it became."""

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from kfpipe.emulator.film.burn_in import BurnIn
from kfpipe.emulator.film.formats import Format
from kfpipe.emulator.settings import FilmStyle

# A title need not be UTF-8. PyAV accepts any from release 19 on, earlier ones only with this option.
_ANY_TITLE: dict[str, Any] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Bytes the emulator holds, kept under their digest."""

    path: Path
    sha256: str
    size_bytes: int

    def opened(self) -> InputContainer:
        """The clip or the sound in it, to be closed again. Raises av.FFmpegError."""
        container: InputContainer = av.open(self.path, mode="r", **_ANY_TITLE)
        return container


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file elsewhere, which the emulator knows by its address alone: it never fetches anything."""

    url: str


MediaFile = StoredFile | RemoteFile


@dataclass(frozen=True, slots=True)
class Film:
    """A clip that is there."""

    path: Path
    size_bytes: int
    md5: str
    made_at: float  # virtual epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that decides a clip: equal scenes give equal bytes."""

    width_px: int
    height_px: int
    seconds: int
    first: MediaFile  # a picture, or a clip to continue from
    goes_on: bool = False
    last: MediaFile | None
    driving_audio: MediaFile | None = None
    has_sound: bool
    has_watermark: bool
    seed: int
    style: FilmStyle = FilmStyle.MOVING
    rate: int = 30  # pictures in a second
    extra_frames: int = 0  # beyond the whole seconds
    format: Format = Format.H264
    burn_in: BurnIn | None = None
    drifts: tuple[str, ...] = ()  # `first`, `last`: where another picture is shown than was ordered

    @property
    def frame_count(self) -> int:
        return self.seconds * self.rate + self.extra_frames

    @property
    def digest(self) -> str:
        """A name that all equal scenes share, wherever their files lie."""
        values = {field.name: _named(getattr(self, field.name)) for field in fields(self)}
        if self.format is Format.H264:
            del values["format"]  # clips that were filmed when there was no other keep their names
        if self.rate == 30:
            del values["rate"]
        for later in ("burn_in", "drifts", "extra_frames"):
            if not values[later]:
                del values[later]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def _named(value: object) -> object:
    match value:
        case StoredFile():
            return [value.sha256]
        case RemoteFile():
            return value.url
        case BurnIn():
            return [value.name, value.seed]
        case _:
            return value
