"""The vocabulary: what a shot list, a take and a request are made of. Values only, all of them frozen."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

SEED_MAX = 2_147_483_647
"""Largest seed that the service takes. Source: API reference, wan2.7-i2v and kf2v parameters."""


class MediaRole(StrEnum):
    """What a medium is for; the values are the service's own words."""

    FIRST_FRAME = "first_frame"
    LAST_FRAME = "last_frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMedium:
    """A file of the project. `path` is relative to the manifest's folder, with forward slashes."""

    path: str
    sha256: str
    size_bytes: int
    mime_type: str
    width_px: int
    height_px: int

    @property
    def digest(self) -> str:
        return f"sha256:{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteMedium:
    """A file that only the service fetches; kfpipe never looks at it. `digest` is that of the URL."""

    url: str
    digest: str


Medium = LocalMedium | RemoteMedium


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInput:
    role: MediaRole
    medium: Medium


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The settings as sent. `seed` is None when the take asked for a random one: it is drawn at submission."""

    resolution: str
    duration_s: int
    prompt_extend: bool
    watermark: bool
    seed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """Everything that decides the pixels. `model` is the catalogue's name for it."""

    model: str
    prompt: str
    negative_prompt: str
    media: tuple[MediaInput, ...]
    parameters: Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSize:
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One concrete render of a shot: one task, one bill, one entry of the lockfile.

    `size` is what the service should deliver, None when the first frame is remote. `unit_price` is per second of
    video, None when nobody knows it. `output` is the render's path, relative to the manifest's folder.
    `attempts` bounds how often a failure that may pass is tried; a higher `priority` goes first.
    """

    id: str
    shot_id: str
    tags: tuple[str, ...]
    request: RenderRequest
    fingerprint: str
    size: PictureSize | None
    unit_price: Decimal | None
    currency: str
    output: str
    attempts: int = 3
    priority: int = 0

    @property
    def cost(self) -> Decimal | None:
        """What the take should cost: billed seconds are the seconds asked for."""
        return None if self.unit_price is None else self.unit_price * self.request.parameters.duration_s
