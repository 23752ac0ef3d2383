"""What each model and region offers, costs and allows: typed access to dated data (`catalogue.toml`)."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from kfpipe.domain import MediaRole, PictureSize
from kfpipe.errors import Refused
from kfpipe.values import dataclass
from kfpipe.wording import Fix, did_you_mean, echoed, listed


class Dialect(StrEnum):
    """How a model wants its frames on the wire."""

    MEDIA = "media"
    KEYFRAMES = "keyframes"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRules:
    """What the service takes as a still. `max_aspect` bounds the longer side over the shorter; None: not documented.

    `safe_sides_px` are the shortest and the longest side that all official pages allow, None where they agree.
    """

    formats: tuple[str, ...]
    min_side_px: int
    max_side_px: int
    safe_sides_px: tuple[int, int] | None
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
class Rate:
    """At most `tasks` may be submitted within `seconds`."""

    tasks: int
    seconds: int

    @property
    def per_second(self) -> float:
        """Tasks a second, rounded down to two decimals."""
        whole, rest = divmod(self.tasks, self.seconds)
        return whole + 100 * rest // self.seconds / 100 if rest else whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model as sold in one region, under the `wire_name` that its requests bear there.

    `prices`: per second of video, by resolution; a missing one is unknown. `rates` are all those that are published.
    Beyond `concurrent_tasks`, `queued_tasks` more wait at the service. `free_seconds` are a new account's, for 90 days.
    `doubt` says why the model may not be sold there after all.
    """

    wire_name: str
    certainty: Certainty
    source: str
    prices: Mapping[str, Decimal]
    rates: tuple[Rate, ...]
    concurrent_tasks: int
    queued_tasks: int | None
    free_seconds: int | None
    doubt: str | None

    @property
    def submissions_per_second(self) -> float:
        """What satisfies all of the published rates."""
        return min(rate.per_second for rate in self.rates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a model can do. `certainty` and `source` say where these facts come from.

    `combinations` are the legal sets of media. `templates` are the effects known by name; None: the model has none.
    `audio_choice`: whether sound can be switched off. `constants` are sent with every request. The service gives a task
    up after `longest_wait_h` in its queue, or `longest_run_h` of work (without the former: of both); None: not known.
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
    longest_wait_h: int | None
    longest_run_h: int | None
    combinations: tuple[frozenset[MediaRole], ...]
    frames: FrameRules
    recordings: Mapping[MediaRole, RecordingRules]
    offers: Mapping[str, Offer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where an account lives. `id` is the cloud's own name for it; `currency` is an ISO code.

    `host` serves all accounts; None where each workspace has its own. `queries_per_second` is how often an account may
    ask for its tasks, whatever their models.
    """

    name: str
    id: str
    aliases: tuple[str, ...]
    host: str | None
    currency: str
    queries_per_second: int

    def base_url(self, workspace: str | None) -> str | None:
        """The usual address of the API; None where only a workspace has one, and none is given."""
        if self.host is not None:
            return f"https://{self.host}/api/v1"
        return None if workspace is None else self.workspace_url(workspace)

    def workspace_url(self, workspace: str) -> str:
        """The address of a workspace's own host. Source: API reference, 2.1."""
        return f"https://{workspace}.{self.id}.maas.aliyuncs.com/api/v1"


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
    sources = data["sources"]
    return Catalogue(
        as_of=data["as_of"],
        regions={name: _region(name, fields) for name, fields in data["regions"].items()},
        models={name: _model(name, data["models"], sources) for name in data["models"]},
        tiers={name: Tier(**fields) for name, fields in data["tiers"].items()},
    )


def _region(name: str, fields: dict[str, Any]) -> Region:
    return Region(
        name=name,
        id=fields["id"],
        aliases=tuple(fields["aliases"]),
        host=fields.get("host"),
        currency=fields["currency"],
        queries_per_second=fields["queries_per_second"],
    )


def _model(name: str, models: dict[str, dict[str, Any]], sources: Mapping[str, str]) -> Model:
    own = models[name]
    fields = {**models.get(own.get("like", ""), {}), **own}
    return Model(
        name=name,
        certainty=Certainty(fields["certainty"]),
        source=sources[fields["source"]],
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
        longest_wait_h=fields.get("longest_wait_h"),
        longest_run_h=fields.get("longest_run_h"),
        combinations=tuple(frozenset(map(MediaRole, roles)) for roles in fields["combinations"]),
        recordings={role: _recording_rules(fields[role]) for role in MediaRole if role in fields},
        frames=_frame_rules(fields["frames"]),
        offers={region: _offer(name, offer, sources) for region, offer in own["regions"].items()},
    )


def _frame_rules(fields: dict[str, Any]) -> FrameRules:
    safe = fields.get("safe_sides_px")
    return FrameRules(
        formats=tuple(fields["formats"]),
        min_side_px=fields["min_side_px"],
        max_side_px=fields["max_side_px"],
        safe_sides_px=None if safe is None else (safe[0], safe[1]),
        max_size_bytes=fields["max_size_bytes"],
        max_aspect=fields.get("max_aspect"),
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


def _offer(model: str, fields: dict[str, Any], sources: Mapping[str, str]) -> Offer:
    return Offer(
        wire_name=fields.get("wire_name", model),
        certainty=Certainty(fields["certainty"]),
        source="; ".join(sources[name] for name in fields["sources"]),
        prices={resolution: Decimal(price) for resolution, price in fields["prices"].items()},
        rates=tuple(Rate(tasks=tasks, seconds=seconds) for tasks, seconds in fields["submissions"]),
        concurrent_tasks=fields["concurrent_tasks"],
        queued_tasks=fields.get("queued_tasks"),
        free_seconds=fields.get("free_seconds"),
        doubt=fields.get("doubt"),
    )
