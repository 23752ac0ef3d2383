"""What the service checks inside a task: the request's shape, its ranges, its media. Nothing here costs money.

Unknown fields pass, as they do at the service: its own SDKs send some. A request that breaks a rule has already been
accepted, so every refusal is a `TaskRefused`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kfpipe.emulator import media_limits as limits
from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.film.scene import MediaFile
from kfpipe.emulator.models import TARGET_PX, Model, Route

Fetch = Callable[[str], MediaFile]

LARGEST_SEED = 2_147_483_647

_ROLE_SETS = (
    {"first_frame"},
    {"first_frame", "driving_audio"},
    {"first_frame", "last_frame"},
    {"first_frame", "last_frame", "driving_audio"},
    {"first_clip"},
    {"first_clip", "last_frame"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that keeps every rule, with the service's defaults filled in."""

    prompt: str | None
    negative_prompt: str | None
    media: Mapping[str, MediaFile]
    template: str | None
    tier: str
    width_px: int
    height_px: int
    seconds: int
    clip_seconds: int  # of them, those of the clip that is continued
    seed: int | None
    prompt_extend: bool
    watermark: bool


def order(model: Model, body: Mapping[str, Any], fetch: Fetch) -> Order:
    """The order a request's JSON body amounts to. Raises `TaskRefused`."""
    given = _section(body, "input", is_required=True)
    parameters = _section(body, "parameters", is_required=False)
    media = _media(model, given, fetch)
    tier = _tier(model, parameters)
    width_px, height_px = output_size(limits.shape(media), tier)
    seconds = _seconds(model, parameters)
    clip_seconds = round(limits.clip_length_s(media))
    if clip_seconds >= seconds:
        raise TaskRefused("InvalidParameter", "duration must be longer than the first clip, which is part of it")
    return Order(
        prompt=_text(given, "prompt", model.prompt_limit),
        negative_prompt=_text(given, "negative_prompt", model.negative_prompt_limit),
        media=media,
        template=_template(model, given),
        tier=tier,
        width_px=width_px,
        height_px=height_px,
        seconds=seconds,
        clip_seconds=clip_seconds,
        seed=_integer(parameters, "seed", 0, LARGEST_SEED),
        prompt_extend=_flag(parameters, "prompt_extend", default=True),
        watermark=_flag(parameters, "watermark", default=False),
    )


def output_size(shape: tuple[int, int], tier: str) -> tuple[int, int]:
    """Sides of the video, in pixels: the first frame's shape, near the tier's pixel count, multiples of 16."""
    ratio = shape[0] / shape[1]
    target = TARGET_PX[tier]
    return 16 * math.floor(math.sqrt(target * ratio) / 16), 16 * math.floor(math.sqrt(target / ratio) / 16)


def _media(model: Model, given: Mapping[str, Any], fetch: Fetch) -> dict[str, MediaFile]:
    urls = _urls_by_role(given) if model.route is Route.MEDIA else _frame_urls(given)
    media = {role: fetch(url) for role, url in urls.items()}
    for role, file in media.items():
        limits.check(model, role, file)
    return media


def _urls_by_role(given: Mapping[str, Any]) -> dict[str, str]:
    media = given.get("media")
    if media is None:
        raise TaskRefused("InvalidParameter", "Field required: input.media")
    if not isinstance(media, list) or not media:
        raise TaskRefused("InvalidParameter", "input.media must be a non-empty array")
    urls: dict[str, str] = {}
    for index, item in enumerate(media):
        for field in ("type", "url"):
            if not isinstance(item, dict) or not isinstance(item.get(field), str):
                raise TaskRefused("InvalidParameter", f"Field required: input.media.{index}.{field}")
        if item["type"] in urls:
            raise TaskRefused("InvalidParameter", f"input.media: {item['type']} is given more than once")
        urls[item["type"]] = item["url"]
    if set(urls) not in _ROLE_SETS:
        raise TaskRefused("InvalidParameter", f"input.media: {' + '.join(urls)} is not a supported combination")
    return urls


def _frame_urls(given: Mapping[str, Any]) -> dict[str, str]:
    urls: dict[str, str] = {}
    # An effect needs the first frame alone.
    for role in ("first_frame",) if given.get("template") else ("first_frame", "last_frame"):
        url = given.get(f"{role}_url")
        if isinstance(url, str) and url:
            urls[role] = url
        elif url is not None:
            raise TaskRefused("InvalidParameter", f"input.{role}_url must be a non-empty string")
    if "first_frame" not in urls:
        raise TaskRefused("InvalidParameter", "Field required: input.first_frame_url")
    return urls


def _section(body: Mapping[str, Any], name: str, *, is_required: bool) -> Mapping[str, Any]:
    section = body.get(name)
    if section is None:
        if is_required:
            raise TaskRefused("InvalidParameter", f"Field required: {name}")
        return {}
    if not isinstance(section, dict):
        raise TaskRefused("InvalidParameter", f"{name} must be an object")
    return section


def _text(given: Mapping[str, Any], name: str, limit: int | None) -> str | None:
    """The field's text, silently cut where the service cuts it."""
    value = given.get(name)
    if value is None or isinstance(value, str):
        return value and value[:limit]
    raise TaskRefused("InvalidParameter", f"input.{name} must be a string")


def _template(model: Model, given: Mapping[str, Any]) -> str | None:
    template = _text(given, "template", None) if model.route is Route.KEYFRAMES else None
    if template and model.templates is not None and template not in model.templates:
        raise TaskRefused("InvalidParameter", f"input.template: {model.name} has no effect of this name")
    return template


def _tier(model: Model, parameters: Mapping[str, Any]) -> str:
    tier = parameters.get("resolution")
    if tier is None:
        return model.default_tier
    if tier not in model.tiers:
        raise TaskRefused("InvalidParameter", f"resolution must be one of {', '.join(model.tiers)}")
    return str(tier)


def _seconds(model: Model, parameters: Mapping[str, Any]) -> int:
    if model.route is Route.KEYFRAMES:  # its length is fixed, whatever is asked for
        return model.default_s
    return _integer(parameters, "duration", model.shortest_s, model.longest_s) or model.default_s


def _integer(parameters: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = parameters.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise TaskRefused("InvalidParameter", f"{name} must be an integer from {least} to {most}")
    return value


def _flag(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = parameters.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise TaskRefused("InvalidParameter", f"{name} must be a boolean")
    return value
