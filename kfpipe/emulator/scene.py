"""What a clip is to show, as a value: the pictures it runs between, its size, its length."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Bytes the emulator holds, kept under their digest."""

    path: Path
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file elsewhere, which the emulator knows by its address alone: it never fetches anything."""

    url: str


MediaFile = StoredFile | RemoteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that decides a clip: equal scenes give equal bytes."""

    width_px: int
    height_px: int
    seconds: int
    first: MediaFile  # a picture, or a clip to go on from
    goes_on: bool = False
    last: MediaFile | None
    driving_audio: MediaFile | None = None
    has_sound: bool
    has_watermark: bool
    seed: int
