"""What each model takes and allows, and where it is sold. Data as of November 2026; sources: the API references."""

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
    has_sound: bool
    prompt_limit: int
    negative_prompt_limit: int = 500
    frame_limit_bytes: int
    frame_side_px: tuple[int, int] = (240, 8000)
    widest_aspect: float | None
    templates: frozenset[str] | None = None  # names of its effects, where they are known
    submissions_per_second: int
    concurrent_tasks: int


# Pixels a tier aims at; the first frame's shape decides how they are spread.
TARGET_PX = {"480P": 640 * 480, "720P": 1280 * 720, "1080P": 1920 * 1080}

MEGABYTE = 1024 * 1024

_WAN_27 = Model(
    name="wan2.7-i2v",
    route=Route.MEDIA,
    usage=UsageShape.WAN_27,
    tiers=("720P", "1080P"),
    default_tier="1080P",
    shortest_s=2,
    longest_s=15,
    has_sound=True,
    prompt_limit=5000,
    frame_limit_bytes=20 * MEGABYTE,
    widest_aspect=8.0,
    submissions_per_second=5,
    concurrent_tasks=5,
)
_WAN_27_SNAPSHOT = replace(_WAN_27, name="wan2.7-i2v-2026-04-25")
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


REGIONS: dict[str, dict[str, Model]] = {
    "emulator": _by_name(_WAN_27, _WAN_27_SNAPSHOT, _KF2V_FLASH, _KF2V_PLUS_SINGAPORE, _KF2V_PLUS_BEIJING),
    "singapore": _by_name(_WAN_27, _WAN_27_SNAPSHOT, _KF2V_FLASH, _KF2V_PLUS_SINGAPORE),
    "beijing": _by_name(_WAN_27, _WAN_27_SNAPSHOT, _KF2V_FLASH, _KF2V_PLUS_BEIJING),
}

# The region's name as the task list spells it.
REGION_IDS = {"emulator": "emulator", "singapore": "ap-southeast-1", "beijing": "cn-beijing"}
