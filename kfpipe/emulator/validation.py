"""What the service checks inside a task: the request's shape, its ranges, its media. Nothing here costs money.

Unknown fields pass, as they do at the service: its own SDKs send some. A request that breaks a rule has already been
accepted, so every refusal is a `TaskRefused`.
"""

import math
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kfpipe.emulator import media_limits as limits
from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.film.scene import MediaFile
from kfpipe.emulator.models import TARGET_PX, Model, Route

Fetch = Callable[[str], MediaFile]

LARGEST_SEED = 2_147_483_647

ADAPTIVE = "adaptive"
"""The ratio that stands for the first frame's own shape."""

_CHOSEN_LENGTHS_S = (4, 5, 6, 8, 10)


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
    has_sound: bool = True
    ratio: str | None = None  # as width:height, where the model reports it


def order(model: Model, body: Mapping[str, Any], fetch: Fetch) -> Order:
    """The order a request's JSON body amounts to. Raises `TaskRefused`."""
    given = _section(body, "input", is_required=True)
    parameters = _section(body, "parameters", is_required=False)
    media = _media(model, given, fetch)
    tier = _tier(model, parameters)
    shape, ratio = _shape(model, parameters, limits.shape(media))
    width_px, height_px = output_size(shape, tier)
    prompt = _text(given, "prompt", model.prompt_limit)
    seconds = _seconds(model, parameters, prompt)
    clip_seconds = round(limits.clip_length_s(media))
    if clip_seconds >= seconds:
        raise TaskRefused("InvalidParameter", "duration must be longer than the first clip, which is part of it")
    return Order(
        prompt=prompt,
        negative_prompt=_text(given, "negative_prompt", model.negative_prompt_limit) or None,
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
        has_sound=model.has_sound and (not model.sound_is_optional or _flag(parameters, "audio", default=True)),
        ratio=ratio,
    )


def output_size(shape: tuple[int, int], tier: str) -> tuple[int, int]:
    """Sides of the video, in pixels: the first frame's shape, near the tier's pixel count, multiples of 16."""
    ratio = shape[0] / shape[1]
    target = TARGET_PX[tier]
    return 16 * math.floor(math.sqrt(target * ratio) / 16), 16 * math.floor(math.sqrt(target / ratio) / 16)


def _media(model: Model, given: Mapping[str, Any], fetch: Fetch) -> dict[str, MediaFile]:
    urls = _urls_by_role(model, given) if model.route is Route.MEDIA else _frame_urls(given)
    media = {role: fetch(url) for role, url in urls.items()}
    for role, file in media.items():
        limits.check(model, role, file)
    return media


def _urls_by_role(model: Model, given: Mapping[str, Any]) -> dict[str, str]:
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
    _check_together(model, urls)
    return urls


def _check_together(model: Model, roles: Collection[str]) -> None:
    foreign = model.foreign_roles.intersection(roles)
    if foreign:
        if len(foreign) < len(roles):
            message = "First/last frames and references cannot be combined. The two modes are mutually exclusive."
        else:
            message = "references are not emulated; give a first_frame, and a last_frame"
        raise TaskRefused("InvalidParameter", f"input.media: {message}")
    if frozenset(roles) not in model.role_sets:
        raise TaskRefused("InvalidParameter", f"input.media: {' + '.join(roles)} is not a supported combination")


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
    if template and template not in model.templates:
        raise TaskRefused("InvalidParameter", f"input.template: {model.name} has no effect of this name")
    return template


def _tier(model: Model, parameters: Mapping[str, Any]) -> str:
    tier = parameters.get("resolution")
    if tier is None:
        return model.default_tier
    if tier not in model.tiers:
        raise TaskRefused("InvalidParameter", f"resolution must be one of {', '.join(model.tiers)}")
    return str(tier)


def _shape(model: Model, parameters: Mapping[str, Any], own: tuple[int, int]) -> tuple[tuple[int, int], str | None]:
    """Sides the output is shaped like, and the model's name for them: the ratio asked for, or the one nearest."""
    if not model.ratios:
        return own, None
    shapes = {ratio: _sides(ratio) for ratio in model.ratios}
    ratio = parameters.get("ratio") or ADAPTIVE
    if ratio == ADAPTIVE:
        return own, min(shapes, key=lambda name: abs(math.log(shapes[name][0] * own[1] / (shapes[name][1] * own[0]))))
    if ratio not in shapes:
        raise TaskRefused("InvalidParameter", f"ratio must be one of {', '.join((ADAPTIVE, *shapes))}")
    return shapes[ratio], ratio


def _sides(ratio: str) -> tuple[int, int]:
    width, _, height = ratio.partition(":")
    return int(width), int(height)


def _seconds(model: Model, parameters: Mapping[str, Any], prompt: str | None) -> int:
    if model.route is Route.KEYFRAMES:  # its length is fixed, whatever is asked for
        return model.default_s
    if model.may_choose_length and _is_left_to_the_model(parameters.get("duration")):
        return _CHOSEN_LENGTHS_S[zlib.crc32((prompt or "").encode()) % len(_CHOSEN_LENGTHS_S)]
    return _integer(parameters, "duration", model.shortest_s, model.longest_s) or model.default_s


def _is_left_to_the_model(duration: object) -> bool:
    return isinstance(duration, int) and duration == -1


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
