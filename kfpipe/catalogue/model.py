"""What a model takes, makes, allows and costs, as values: what it can do is asked here, and follows from no name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

from kfpipe.domain import MediaRole, PictureSize
from kfpipe.values import dataclass


class Certainty(StrEnum):
    """How reliable a fact is: on an official page, told by users or worked out, or nobody's word."""

    DOCUMENTED = "documented"
    REPORTED = "reported"
    UNKNOWN = "unknown"


class Dialect(StrEnum):
    """How a model wants its media on the wire: with their roles, in their order, or in fields of their own."""

    MEDIA = "media"
    PICTURES = "pictures"
    KEYFRAMES = "keyframes"
    PICTURE = "picture"


class Setting(StrEnum):
    """What a request may set, in the manifest's words; a model has some of them, under names of its own."""

    RESOLUTION = "resolution"
    DURATION = "duration"
    PROMPT_EXTEND = "prompt_extend"
    WATERMARK = "watermark"
    SEED = "seed"
    AUDIO = "audio"


class Handover(StrEnum):
    """How a file of the project may reach a model: uploaded, or inside the request. An address always may."""

    UPLOAD = "upload"
    INLINE = "inline"


class SizeRule(StrEnum):
    """What a tier fixes about a clip's picture: its pixel total, its longer or its shorter side."""

    AREA = "area"
    LONG_SIDE = "long side"
    SHORT_SIDE = "short side"


class Scope(StrEnum):
    """Whose tasks are counted together for a limit."""

    ACCOUNT = "account"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRules:
    """What the service takes as a still. `max_aspect` bounds the longer side over the shorter; None: not documented.

    `safe_sides_px` are the shortest and the longest side that all official pages allow, None where they agree.
    `alpha` is None where it is not known what becomes of transparency, else whether it is taken.
    """

    formats: tuple[str, ...]
    min_side_px: int | None
    max_side_px: int | None
    safe_sides_px: tuple[int, int] | None
    max_size_bytes: int
    max_aspect: Decimal | None
    alpha: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRules:
    """What the service takes as a sound or a clip; a sound has no sides."""

    formats: tuple[str, ...]
    min_s: int
    max_s: int
    max_size_bytes: int
    min_side_px: int | None
    max_side_px: int | None
    max_aspect: Decimal | None


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
class LimitGroup:
    """Models whose tasks are counted together, all of one `scope`. Without `rates` each keeps its own.

    `members` says in words which other models count, besides those of the catalogue.
    """

    name: str
    scope: Scope
    concurrent_tasks: int
    rates: tuple[Rate, ...]
    members: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model as sold in one region, under the `wire_name` that its requests bear there.

    `prices`: per second of video, by resolution; a missing one is unknown. Where sound has a price of its own,
    `prices_with_sound` has it, and `prices` those of a silent clip. `rates` are all those that are published.
    Beyond `concurrent_tasks`, `queued_tasks` more wait at the service; a `group` shares both with other models.
    `free_seconds` are a new account's, for 90 days. `doubt` says why the model may not be sold there after all.
    """

    wire_name: str
    certainty: Certainty
    source: str
    prices: Mapping[str, Decimal]
    prices_with_sound: Mapping[str, Decimal]
    rates: tuple[Rate, ...]
    concurrent_tasks: int
    queued_tasks: int | None
    group: LimitGroup | None
    free_seconds: int | None
    doubt: str | None

    @property
    def submissions_per_second(self) -> float:
        """What satisfies all of the published rates."""
        return min(rate.per_second for rate in self.rates)

    def price(self, resolution: str, *, sound: bool) -> Decimal | None:
        """What a second costs, None when that is unknown."""
        own = self.prices_with_sound.get(resolution) if sound else None
        return self.prices.get(resolution) if own is None else own

    def charges_for_sound(self, resolution: str) -> bool:
        """Whether a clip with sound is known to cost more than a silent one."""
        with_sound = self.prices_with_sound.get(resolution)
        return with_sound is not None and with_sound != self.prices.get(resolution)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A resolution: `pixels` is the total it aims at; `certain` whether an official page states it."""

    pixels: int
    certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """How a clip's size follows from its first picture and its tier, rounded down to multiples of `step_px`.

    `sides_px` are the sides that a rule by side fixes, by tier. Where it is not `certain`, only the shape can be
    relied on. `frame_rate` is None where it is not known.
    """

    rule: SizeRule
    step_px: int
    sides_px: Mapping[str, int]
    certain: bool
    frame_rate: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRules:
    """The address of a finished clip: for how long it is good (None: nobody says), and whether the service stores it.

    `foreign` ones are on a host of the model's maker.
    """

    life_h: int | None
    foreign: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a model can do. `certainty` and `source` say where these facts come from, `notes` what is open about them.

    `resolutions` are those offered, `spellings` the service's words for them, `tiers` all that there are. `durations_s`
    are the lengths offered, `durations_s_at` those of resolutions that differ. `parameters` are the settings it has, by
    the service's names; `constants` are sent with every request. Prompts that are too long are cut where `cuts_prompt`,
    else refused; a Chinese character counts as `chinese_counts`. `least_seed` is the smallest seed that means one clip.
    `combinations` are the legal sets of media, `pixel_quotient` bounds the pixels of the first frame over those of the
    last. `templates` are the effects known by name; None: the model has none. `handover` says how sure each way is, a
    missing one is closed. `shows_prompt`: whether a finished task says what it was made from. `switch_on` is where an
    account has to accept the model first.
    The service gives a task up after `longest_wait_h` in its queue, or `longest_run_h` of work (without the former: of
    both); None: not known.
    """

    name: str
    certainty: Certainty
    source: str
    summary: str
    notes: tuple[str, ...]
    aliases: tuple[str, ...]
    family: str
    dialect: Dialect
    path: str
    resolutions: tuple[str, ...]
    spellings: Mapping[str, str]
    tiers: Mapping[str, Tier]
    durations_s: tuple[int, ...]
    durations_s_at: Mapping[str, tuple[int, ...]]
    parameters: Mapping[Setting, str]
    constants: Mapping[str, str]
    prompt_limit_chars: int
    negative_prompt_limit_chars: int
    chinese_counts: int
    cuts_prompt: bool
    needs_prompt: bool
    sound: bool
    least_seed: int
    templates: tuple[str, ...] | None
    longest_wait_h: int | None
    longest_run_h: int | None
    combinations: tuple[frozenset[MediaRole], ...]
    frames: FrameRules
    pixel_quotient: tuple[Decimal, Decimal] | None
    recordings: Mapping[MediaRole, RecordingRules]
    handover: Mapping[Handover, Certainty]
    sizing: Sizing
    links: LinkRules
    shows_prompt: bool
    switch_on: str | None
    offers: Mapping[str, Offer]

    @property
    def min_duration_s(self) -> int:
        """The shortest clip that it makes."""
        return self.durations_s[0]

    @property
    def max_duration_s(self) -> int:
        """The longest clip that it makes, at one resolution at least."""
        return self.durations_s[-1]

    @property
    def audio_choice(self) -> bool:
        """Whether sound can be had or not."""
        return Setting.AUDIO in self.parameters

    @property
    def has_seed(self) -> bool:
        """Whether a request can say which of many clips it means; else none can be asked for twice."""
        return Setting.SEED in self.parameters

    def durations(self, resolution: str) -> Sequence[int]:
        """The lengths that it makes at a resolution, in seconds, the shortest first."""
        return self.durations_s_at.get(resolution, self.durations_s)

    def nearest(self, resolution: str) -> str:
        """The offered resolution that is most like another one; the first that is offered, for what is none."""
        digits = resolution.strip().upper().removesuffix("P")
        meant = next((name for name in self.tiers if name.removesuffix("P") == digits), None)
        if meant is None:
            return self.resolutions[0]
        pixels = self.tiers[meant].pixels
        return min(self.resolutions, key=lambda offered: abs(math.log(self.tiers[offered].pixels / pixels)))

    def predicted_size(self, resolution: str, width_px: int, height_px: int) -> PictureSize:
        """The clip's size for a first picture of the given sides.

        By area: the picture's shape, the tier's pixel total. Source: API reference, 10.3; it reproduces the one
        documented example (750x1000 at 720P gives 816x1104).
        """
        rule, side = self.sizing.rule, self.sizing.sides_px.get(resolution)
        if rule is SizeRule.AREA or side is None:
            pixels = self.tiers[resolution].pixels
            width, height = math.isqrt(pixels * width_px // height_px), math.isqrt(pixels * height_px // width_px)
        else:
            given = max(width_px, height_px) if rule is SizeRule.LONG_SIDE else min(width_px, height_px)
            width, height = side * width_px // given, side * height_px // given
        return PictureSize(width_px=self._stepped(width, side), height_px=self._stepped(height, side))

    def _stepped(self, length_px: int, fixed_px: int | None) -> int:
        step = self.sizing.step_px
        return length_px if length_px == fixed_px else max(step, length_px // step * step)
