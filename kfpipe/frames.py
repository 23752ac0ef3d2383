"""The stills of a shot: how a manifest names one, and what is known of one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFrame:
    """A still of the project; `path` is relative to the manifest's folder, normalised, with forward slashes."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFrame:
    """A still that the service fetches by itself."""

    url: str


Frame = LocalFrame | RemoteFrame


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
