"""What the shots are made of: how a manifest names a picture, a sound or a clip, and what is known of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from kfpipe.domain import PictureSize
from kfpipe.values import dataclass

_FIRST_ON_ITS_SIDE: Final = 5

Recipe = tuple[str, ...]
"""How a still or a sound is prepared: the verbs that change it, in order, each with what it depends on.

Empty: sent as it is.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillFacts:
    """What a still is by its content, whatever its name says; sides as stored, before any rotation by a viewer.

    `orientation`: the rotation tag, 1 to 8 as EXIF counts, 1 where there is none. `cmyk`: it is made for print.
    """

    format: str
    mime_type: str
    width_px: int
    height_px: int
    size_bytes: int
    alpha: bool
    animated: bool
    orientation: int
    cmyk: bool

    @property
    def shown_px(self) -> tuple[int, int]:
        """Width and height as a viewer shows them; orientations from 5 on lie on their side."""
        sides = (self.width_px, self.height_px)
        return sides if self.orientation < _FIRST_ON_ITS_SIDE else sides[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A still that was read: its facts, and the SHA-256 of its bytes in hex."""

    facts: StillFacts
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedStill:
    """What a recipe has made of a still: a file at `path`, relative to the manifest's folder."""

    path: str
    still: Still


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFacts:
    """What a sound or a clip is by its content. `seconds` has three decimals at most; a sound has no sides.

    The sides are those that players show. `coding` names what a WAV holds in place of plain PCM. `rate_hz` and
    `channels` are those of a sound.
    """

    format: str
    mime_type: str
    size_bytes: int
    seconds: Decimal
    width_px: int | None
    height_px: int | None
    coding: str | None = None
    rate_hz: int | None = None
    channels: int | None = None

    @property
    def shown_px(self) -> tuple[int, int] | None:
        """Width and height; None of a sound."""
        return None if self.width_px is None or self.height_px is None else (self.width_px, self.height_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A sound or a clip that was read: its facts, and the SHA-256 of its bytes in hex."""

    facts: RecordingFacts
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSound:
    """What a recipe has made of a sound: a file at `path`, relative to the manifest's folder."""

    path: str
    sound: Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a clip was asked to be; `size` is None when nobody can predict it, and only a shape where it `is_rough`.

    Where other seconds were billed than asked for, the clip may have either length: it was paid for.
    """

    size: PictureSize | None
    seconds: int
    billed_seconds: int | None = None
    is_rough: bool = False

    @property
    def lengths_s(self) -> tuple[int, ...]:
        """The lengths that are accepted."""
        return (self.seconds,) if self.billed_seconds in (None, self.seconds) else (self.seconds, self.billed_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFacts:
    """What a rendered clip really holds. `fps` and `duration_s` have three decimals at most.

    `codec` is FFmpeg's name for it, such as "h264". `remarks` say what is not as it was asked for, a sentence each.
    """

    width_px: int
    height_px: int
    fps: Decimal
    duration_s: Decimal
    audio: bool
    codec: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the shots' files hold, by their name in the manifest; a file that cannot be used is missing here.

    `prepared` are the stills that are not sent as they are, `slices` the parts of sounds, both by name and recipe;
    `places` are the files' paths, where they may not be what they are called in the manifest to the last bit.
    """

    stills: Mapping[str, Still]
    recordings: Mapping[str, Recording]
    prompts: Mapping[str, str]
    prepared: Mapping[tuple[str, Recipe], PreparedStill] = field(default_factory=dict)
    slices: Mapping[tuple[str, Recipe], PreparedSound] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFacts:
    """The clips on disk, by take id; `elsewhere` says where the bytes of one are that is not in its place.

    `owners` names the lockfiles that stray clips are on record in.
    """

    clips: Mapping[str, FileState]
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)


class FileState(StrEnum):
    """A clip on disk, compared with the digest on record; a stray one is where no clip is on record, or another's.

    A pointer is what git holds of a clip that Git LFS stores.
    """

    MATCHES = "matches"
    MISSING = "missing"
    ALTERED = "altered"
    STRAY = "stray"
    POINTER = "a Git LFS pointer"
