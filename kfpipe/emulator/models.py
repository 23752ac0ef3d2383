"""What a model takes, allows and answers with, as values; `models.toml` has them all, and where each is sold."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MEGABYTE = 1024 * 1024
HOUR_S = 3600.0
LARGEST_SEED = 2_147_483_647


class Route(StrEnum):
    """The path segment a model is submitted under; every other one answers "url error"."""

    KEYFRAMES = "image2video"
    MEDIA = "video-generation"


class Dialect(StrEnum):
    """How a request names its files: by role, two pictures by their order, or each in a field of its own."""

    ROLES = "roles"
    IMAGES = "images"
    FRAME_URLS = "frame_urls"
    IMG_URL = "img_url"


class Sound(StrEnum):
    """Whether clips have sound; ON and OFF are the defaults of models that have a parameter for it."""

    NEVER = "never"
    ALWAYS = "always"
    ON = "on"
    OFF = "off"


class Watermark(StrEnum):
    """OFF and ON are the defaults of a mark on the clip. COPY marks a second clip, if asked for, and not the first."""

    OFF = "off"
    ON = "on"
    COPY = "copy"


class SizeRule(StrEnum):
    """What of a tier's picture is kept for every shape: its pixel total, its long side, or its short one."""

    AREA = "area"
    LONG = "long"
    SHORT = "short"


class LinkKind(StrEnum):
    """What the address of a clip looks like: the object store's, another network's, or without a query at all."""

    OSS = "oss"
    AWS = "aws"
    CACHED = "cached"
    BARE = "bare"


class Measure(StrEnum):
    """What a field of `usage` can tell of a finished task."""

    SECONDS = "seconds"
    SECONDS_FLOAT = "seconds as float"
    GIVEN = "given seconds"
    GIVEN_FLOAT = "given seconds as float"
    MADE = "made seconds"
    MADE_FLOAT = "made seconds as float"
    ZERO = "zero"
    ONE = "one"
    STANDARD = "standard"
    TIER = "tier"
    TIER_TEXT = "tier as text"
    SIZE = "size"
    FPS = "fps"
    RATIO = "ratio"
    SOUND = "sound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """`name` is the price list's; `width_px` and `height_px` are those of its picture at 16:9."""

    name: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Whole seconds: those that can be asked for, and fewer at some tiers. Without a default one must be asked for."""

    seconds: tuple[int, ...]
    at_tier: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    default_s: int | None = None
    is_fixed: bool = False  # the default, whatever is asked for
    may_be_left_open: bool = False  # asked for -1, the model chooses one


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How the sides follow from tier and shape: multiples of `step_px`, below the exact ones or nearest to them."""

    rule: SizeRule = SizeRule.AREA
    long_side_tiers: frozenset[str] = frozenset()  # tiers whose long side is kept, whatever the rule
    step_px: int = 16
    rounds_down: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """Longest texts in characters; of a prompt, the part beyond is cut without a word, or the whole refused."""

    limit: int
    chinese_limit: int | None = None  # where a Chinese character counts for more than others
    negative_limit: int = 500
    is_required: bool = False
    refuses_longer: bool = False
    is_shown: bool = True  # a finished task repeats it
    may_be_rewritten: bool = False  # and shows what it became


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """What a still may be. `handed_over` are the ways that the model's page names: http, oss, data."""

    formats: tuple[str, ...] = ("JPEG", "PNG", "BMP", "WEBP")
    sides_px: tuple[int, int] = (240, 8000)
    widest_aspect: float = math.inf
    limit_mb: int
    takes_alpha: bool = False
    pixel_quotient: float = math.inf  # of the larger still to the smaller one
    handed_over: frozenset[str] = frozenset({"http", "oss", "data"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`places` and `pace` name the models that share their tasks at once, or their submissions; else the model's own.

    `is_per_key`: every key of the account has these places for itself.
    """

    submissions_per_second: int
    concurrent_tasks: int
    queued_tasks: int = 500  # how many more may wait
    places: str | None = None
    pace: str | None = None
    is_per_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many virtual seconds a task may wait, may run, and may do both; past any of them it fails."""

    waiting_s: float = math.inf
    running_s: float = math.inf
    in_all_s: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    name: str
    route: Route = Route.MEDIA
    dialect: Dialect = Dialect.ROLES
    opened_as: str | None = None  # what has to be switched on in the console before
    tiers: Mapping[str, Tier]  # as requests spell them
    tier_field: str = "resolution"
    default_tier: str | None = None  # without one a tier must be asked for
    lengths: Lengths
    size: Size = Size()
    frames_per_second: int = 30
    extra_frames: int = 0
    sound: Sound
    watermark: Watermark = Watermark.OFF
    least_seed: int | None = 0  # -1 stands for any; None: the model has no seed
    ratios: tuple[str, ...] = ()  # shapes that can be asked for in place of the first frame's
    role_sets: tuple[frozenset[str], ...] = ()  # media that go together
    foreign_roles: frozenset[str] = frozenset()  # those of a mode that excludes frames
    shortest_audio_s: int = 2
    prompts: Prompts
    frames: Frames
    templates: frozenset[str] = frozenset()  # names of its effects
    snapshot: str | None = None  # the dated model that the name stands for
    usage: Mapping[str, Measure]
    times_before_end: bool = True  # a task that goes on tells its times
    link: LinkKind = LinkKind.OSS
    link_life_h: float = 24
    limits: Limits
    run_s: tuple[float, float] = (40.0, 500.0)  # the span of its usual runs
    patience: Patience = Patience()

    @property
    def place_group(self) -> str:
        """The name shared by all models whose tasks take each other's places."""
        return self.limits.places or self.name

    @property
    def pace_group(self) -> str:
        """The name shared by all models whose submissions are counted together."""
        return self.limits.pace or self.name


# The region's name as the task list spells it.
REGION_IDS = {
    "emulator": "emulator",
    "singapore": "ap-southeast-1",
    "beijing": "cn-beijing",
    "virginia": "us-east-1",
    "frankfurt": "eu-central-1",
    "tokyo": "ap-northeast-1",
    "hongkong": "cn-hongkong",
}
