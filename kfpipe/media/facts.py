"""What the shots are made of: how a manifest names a picture, a sound or a clip, and what is known of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from kfpipe.domain import PictureSize


@dataclass(frozen=True, slots=True, kw_only=True)
class StillFacts:
    """What a still is by its content, whatever its name says; sides as stored, before any rotation by a viewer."""

    format: str
    mime_type: str
    width_px: int
    height_px: int
    size_bytes: int
    alpha: bool
    animated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A still that was read: its facts, and the SHA-256 of its bytes in hex."""

    facts: StillFacts
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFacts:
    """What a sound or a clip is by its content. `seconds` has three decimals at most; a sound has no sides.

    The sides are those that players show. `coding` names what a WAV holds in place of plain PCM.
    """

    format: str
    mime_type: str
    size_bytes: int
    seconds: Decimal
    width_px: int | None
    height_px: int | None
    coding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A sound or a clip that was read: its facts, and the SHA-256 of its bytes in hex."""

    facts: RecordingFacts
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a clip was asked to be; `size` is None when nobody can predict it.

    Where other seconds were billed than asked for, the clip may have either length: it was paid for.
    """

    size: PictureSize | None
    seconds: int
    billed_seconds: int | None = None

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
    """What the shots' files hold, by their name in the manifest; a file that cannot be used is missing here."""

    stills: Mapping[str, Still]
    recordings: Mapping[str, Recording]
    prompts: Mapping[str, str]


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
