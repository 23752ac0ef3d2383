"""What each model and region offers, costs and allows: typed access to dated data (`catalogue.toml`)."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from kfpipe.domain import MediaRole, PictureSize
from kfpipe.errors import Refused
from kfpipe.wording import Fix, did_you_mean, echoed, listed


class Dialect(StrEnum):
    """How a model wants its frames on the wire."""

    MEDIA = "media"
    KEYFRAMES = "keyframes"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRules:
    """What the service takes as a still. `max_aspect` bounds the longer side over the shorter; None: not documented."""

    formats: tuple[str, ...]
    min_side_px: int
    max_side_px: int
    max_size_bytes: int
    max_aspect: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRules:
    """What the service takes as a sound or a clip; a sound has no sides."""

    formats: tuple[str, ...]
    min_s: int
    max_s: int
    max_size_bytes: int
    min_side_px: int | None
    max_side_px: int | None
    max_aspect: int | None


class Certainty(StrEnum):
    """How reliable the facts about a model are."""

    DOCUMENTED = "documented"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model as sold in one region. `prices`: per second of video, by resolution; a missing one is unknown."""

    wire_name: str
    submissions_per_second: int
    concurrent_tasks: int
    prices: Mapping[str, Decimal]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a model can do. `certainty` and `source` say where these facts come from.

    `combinations` are the legal sets of media. `templates` are the effects known by name; None: the model has none.
    `audio_choice`: whether sound can be switched off. `constants` are sent with every request.
    """

    name: str
    certainty: Certainty
    source: str
    summary: str
    aliases: tuple[str, ...]
    dialect: Dialect
    path: str
    resolutions: tuple[str, ...]
    min_duration_s: int
    max_duration_s: int
    prompt_limit_chars: int
    negative_prompt_limit_chars: int
    sound: bool
    audio_choice: bool
    templates: tuple[str, ...] | None
    constants: Mapping[str, str]
    combinations: tuple[frozenset[MediaRole], ...]
    frames: FrameRules
    recordings: Mapping[MediaRole, RecordingRules]
    offers: Mapping[str, Offer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where an account lives. `base_url` is the usual address; `currency` is an ISO code.

    `queries_per_second` is how often an account may ask for its tasks, whatever their models.
    """

    name: str
    aliases: tuple[str, ...]
    base_url: str
    currency: str
    queries_per_second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A resolution: `pixels` is the total it aims at; `certain` whether an official page states it."""

    pixels: int
    certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All that is known, by name. `as_of` is the day on which prices and limits were read.

    The names of regions and models are those of manifests; tiers are named like `720P`.
    """

    as_of: date
    regions: Mapping[str, Region]
    models: Mapping[str, Model]
    tiers: Mapping[str, Tier]

    def model(self, name: str) -> Model | None:
        """The model of this name or alias."""
        return self.models.get(name) or next((m for m in self.models.values() if name in m.aliases), None)

    def region(self, name: str) -> Region | None:
        """The region of this name or alias."""
        return self.regions.get(name) or next((r for r in self.regions.values() if name in r.aliases), None)

    def region_named(self, name: str, option: str, *, otherwise: Fix) -> Region:
        """The region of this name or alias, given as `option`. Raises Refused when there is none.

        `otherwise` is the fix where no known name is close to it.
        """
        region = self.region(name)
        if region is None:
            fix = did_you_mean(name, self.regions, otherwise)
            what = f"the region {echoed(name)} is not known"
            raise Refused.because(option, what, expected=listed(self.regions), fix=fix)
        return region

    def predicted_size(self, resolution: str, width_px: int, height_px: int) -> PictureSize:
        """The clip's size for a first frame of the given sides.

        The frame's shape, the tier's pixel total, both sides rounded down to a multiple of 16. Source: API
        reference, 10.3; it reproduces the one documented example (750x1000 at 720P gives 816x1104).
        """
        pixels = self.tiers[resolution].pixels
        return PictureSize(
            width_px=16 * (math.isqrt(pixels * width_px // height_px) // 16),
            height_px=16 * (math.isqrt(pixels * height_px // width_px) // 16),
        )


@cache
def shipped() -> Catalogue:
    """The catalogue that came with this version of kfpipe."""
    return parse(files("kfpipe").joinpath("catalogue.toml").read_text("utf-8"))


def parse(text: str) -> Catalogue:
    """The catalogue in the text of a TOML file of kfpipe's own: KeyError and ValueError mean that it is damaged."""
    data = tomllib.loads(text)
    return Catalogue(
        as_of=data["as_of"],
        regions={name: _region(name, fields) for name, fields in data["regions"].items()},
        models={name: _model(name, data["models"]) for name in data["models"]},
        tiers={name: Tier(**fields) for name, fields in data["tiers"].items()},
    )


def _region(name: str, fields: dict[str, Any]) -> Region:
    return Region(
        name=name,
        aliases=tuple(fields["aliases"]),
        base_url=fields["base_url"],
        currency=fields["currency"],
        queries_per_second=fields["queries_per_second"],
    )


def _model(name: str, models: dict[str, dict[str, Any]]) -> Model:
    own = models[name]
    fields = {**models.get(own.get("like", ""), {}), **own}
    frames = fields["frames"]
    return Model(
        name=name,
        certainty=Certainty(fields.get("certainty", Certainty.DOCUMENTED)),
        source=fields["source"],
        summary=fields["summary"],
        aliases=tuple(own.get("aliases", ())),
        dialect=Dialect(fields["dialect"]),
        path=fields["path"],
        resolutions=tuple(fields["resolutions"]),
        min_duration_s=fields["min_duration_s"],
        max_duration_s=fields["max_duration_s"],
        prompt_limit_chars=fields["prompt_limit_chars"],
        negative_prompt_limit_chars=fields["negative_prompt_limit_chars"],
        sound=fields["sound"],
        audio_choice=fields.get("audio_choice", False),
        templates=tuple(fields["templates"]) if "templates" in fields else None,
        constants=fields.get("constants", {}),
        combinations=tuple(frozenset(map(MediaRole, roles)) for roles in fields["combinations"]),
        recordings={role: _recording_rules(fields[role]) for role in MediaRole if role in fields},
        frames=FrameRules(
            formats=tuple(frames["formats"]),
            min_side_px=frames["min_side_px"],
            max_side_px=frames["max_side_px"],
            max_size_bytes=frames["max_size_bytes"],
            max_aspect=frames.get("max_aspect"),
        ),
        offers={region: _offer(name, offer) for region, offer in own["regions"].items()},
    )


def _recording_rules(fields: dict[str, Any]) -> RecordingRules:
    return RecordingRules(
        formats=tuple(fields["formats"]),
        min_s=fields["min_s"],
        max_s=fields["max_s"],
        max_size_bytes=fields["max_size_bytes"],
        min_side_px=fields.get("min_side_px"),
        max_side_px=fields.get("max_side_px"),
        max_aspect=fields.get("max_aspect"),
    )


def _offer(model: str, fields: dict[str, Any]) -> Offer:
    return Offer(
        wire_name=fields.get("wire_name", model),
        submissions_per_second=fields["submissions_per_second"],
        concurrent_tasks=fields["concurrent_tasks"],
        prices={resolution: Decimal(price) for resolution, price in fields["prices"].items()},
        source=fields["source"],
    )
