"""What each model takes and allows, and where it is sold. Data as of November 2026; sources: the API references."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum


class Route(StrEnum):
    """The path segment a model is submitted under; every other one answers "url error"."""

    KEYFRAMES = "image2video"
    MEDIA = "video-generation"


class UsageShape(StrEnum):
    """Which fields a finished task reports its seconds in."""

    KF2V_21 = "kf2v-2.1"
    KF2V_22 = "kf2v-2.2"
    WAN_27 = "wan-2.7"
    WAN_30 = "wan-3.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many virtual seconds a task may wait, may run, and may do both; past any of them it fails."""

    waiting_s: float = math.inf
    running_s: float = math.inf
    in_all_s: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    name: str
    route: Route
    usage: UsageShape
    tiers: tuple[str, ...]
    default_tier: str
    shortest_s: int
    longest_s: int
    default_s: int = 5
    may_choose_length: bool = False  # asked for a duration of -1, it chooses one
    has_sound: bool
    sound_is_optional: bool = False
    ratios: tuple[str, ...] = ()  # shapes that can be asked for in place of the first frame's
    role_sets: tuple[frozenset[str], ...] = ()  # media that go together, where they are given by role
    foreign_roles: frozenset[str] = frozenset()  # those of a mode that excludes frames
    prompt_limit: int
    negative_prompt_limit: int = 500
    frame_limit_bytes: int
    frame_side_px: tuple[int, int] = (240, 8000)
    widest_aspect: float | None
    templates: frozenset[str] = frozenset()  # names of its effects
    snapshot: str | None = None  # the dated model that the name stands for
    submissions_per_second: int
    concurrent_tasks: int
    queued_tasks: int = 500  # how many more may wait
    patience: Patience = Patience()


# Pixels a tier aims at; the first frame's shape decides how they are spread.
TARGET_PX = {"480P": 640 * 480, "720P": 1280 * 720, "1080P": 1920 * 1080}

MEGABYTE = 1024 * 1024

HOUR_S = 3600.0

_FRAMES = (frozenset({"first_frame"}), frozenset({"first_frame", "last_frame"}))
_REFERENCES = frozenset({"reference_image", "reference_video", "reference_audio", "file", "link"})

_WAN_27 = Model(
    name="wan2.7-i2v",
    route=Route.MEDIA,
    usage=UsageShape.WAN_27,
    tiers=("720P", "1080P"),
    default_tier="1080P",
    shortest_s=2,
    longest_s=15,
    has_sound=True,
    role_sets=(
        *_FRAMES,
        *(roles | {"driving_audio"} for roles in _FRAMES),
        frozenset({"first_clip"}),
        frozenset({"first_clip", "last_frame"}),
    ),
    snapshot="wan2.7-i2v-2026-04-25",
    prompt_limit=5000,
    frame_limit_bytes=20 * MEGABYTE,
    widest_aspect=8.0,
    submissions_per_second=5,
    concurrent_tasks=5,
)
_WAN_27_SNAPSHOT = replace(_WAN_27, name="wan2.7-i2v-2026-04-25", snapshot=None)
_WAN_30 = Model(
    name="wan3.0-video",
    route=Route.MEDIA,
    usage=UsageShape.WAN_30,
    tiers=("480P", "720P", "1080P"),
    default_tier="1080P",
    shortest_s=2,
    longest_s=30,
    may_choose_length=True,
    has_sound=True,
    sound_is_optional=True,
    ratios=("16:9", "4:3", "1:1", "3:4", "9:16"),
    role_sets=_FRAMES,
    foreign_roles=_REFERENCES,
    prompt_limit=20_000,
    negative_prompt_limit=0,
    frame_limit_bytes=20 * MEGABYTE,
    widest_aspect=8.0,
    submissions_per_second=5,
    concurrent_tasks=5,
    queued_tasks=200,
    patience=Patience(waiting_s=24 * HOUR_S, running_s=8 * HOUR_S),
)
_WAN_30_PRIME = replace(_WAN_30, name="wan3.0-video-prime")
_KF2V_FLASH = Model(
    name="wan2.2-kf2v-flash",
    route=Route.KEYFRAMES,
    usage=UsageShape.KF2V_22,
    tiers=("480P", "720P", "1080P"),
    default_tier="720P",
    shortest_s=5,
    longest_s=5,
    has_sound=False,
    prompt_limit=800,
    frame_limit_bytes=10 * MEGABYTE,
    widest_aspect=None,
    submissions_per_second=2,
    concurrent_tasks=2,
    patience=Patience(in_all_s=3 * HOUR_S),
)
_KF2V_PLUS_BEIJING = replace(
    _KF2V_FLASH,
    name="wanx2.1-kf2v-plus",
    usage=UsageShape.KF2V_21,
    tiers=("720P",),
    templates=frozenset({"hanfu-1", "solaron", "magazine", "mech1", "mech2"}),
)
_KF2V_PLUS_SINGAPORE = replace(_KF2V_PLUS_BEIJING, name="wan2.1-kf2v-plus", submissions_per_second=1)


def _by_name(*models: Model) -> dict[str, Model]:
    return {model.name: model for model in models}


_WAN = (_WAN_27, _WAN_27_SNAPSHOT, _WAN_30, _WAN_30_PRIME, _KF2V_FLASH)
_ONLY_WAN_30 = _by_name(_WAN_30, _WAN_30_PRIME)

REGIONS: dict[str, dict[str, Model]] = {
    "emulator": _by_name(*_WAN, _KF2V_PLUS_SINGAPORE, _KF2V_PLUS_BEIJING),
    "singapore": _by_name(*_WAN, _KF2V_PLUS_SINGAPORE),
    "beijing": _by_name(*_WAN, _KF2V_PLUS_BEIJING),
    "virginia": _ONLY_WAN_30,
    "frankfurt": _ONLY_WAN_30,
    "tokyo": _ONLY_WAN_30,
    "hongkong": _ONLY_WAN_30,
}
"""The models by name, of each region; the region `emulator` has them all."""

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
