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
from kfpipe.emulator.models import LARGEST_SEED, Dialect, Model, Size, SizeRule, Sound, Tier, Watermark
from kfpipe.emulator.requested_media import urls_by_role
from kfpipe.emulator.settings import Switch

Fetch = Callable[[str], MediaFile]

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
    tier: str  # by the name of the price list
    tier_spelled: str = ""  # and as it was asked for
    width_px: int
    height_px: int
    seconds: int
    clip_seconds: int  # of them, those of the clip that is continued
    seed: int | None
    prompt_extend: bool
    watermark: bool
    has_sound: bool = True
    ratio: str | None = None  # as width:height, where the model reports it


def order(model: Model, body: Mapping[str, Any], fetch: Fetch, switches: Collection[Switch] = ()) -> Order:
    """The order a request's JSON body amounts to. Raises `TaskRefused`."""
    given = _section(body, "input", is_required=True)
    parameters = _section(body, "parameters", is_required=False)
    media = _media(model, given, fetch, switches)
    spelled = _tier(model, parameters)
    tier = model.tiers[spelled]
    shape, ratio = _shape(model, parameters, limits.shape(media))
    width_px, height_px = output_size(model.size, shape, tier)
    prompt = _prompt(model, given, switches)
    seconds = _seconds(model, parameters, tier, prompt)
    clip_seconds = round(limits.clip_length_s(media))
    if clip_seconds >= seconds:
        raise TaskRefused("InvalidParameter", "duration must be longer than the first clip, which is part of it")
    return Order(
        prompt=prompt,
        negative_prompt=_text(given, "negative_prompt", model.prompts.negative_limit) or None,
        media=media,
        template=_template(model, given),
        tier=tier.name,
        tier_spelled=spelled,
        width_px=width_px,
        height_px=height_px,
        seconds=seconds,
        clip_seconds=clip_seconds,
        seed=_seed(model, parameters),
        prompt_extend=_flag(parameters, "prompt_extend", default=True),
        watermark=_flag(parameters, "watermark", default=model.watermark is Watermark.ON),
        has_sound=_has_sound(model, parameters),
        ratio=ratio,
    )


def output_size(size: Size, shape: tuple[int, int], tier: Tier) -> tuple[int, int]:
    """Sides of the video, in pixels: the first frame's shape at the tier's size, in steps."""
    ratio = shape[0] / shape[1]
    area = math.sqrt(tier.width_px * tier.height_px * ratio)
    sides = (area, area / ratio)
    if size.rule is SizeRule.LONG or tier.name in size.long_side_tiers:
        sides = _scaled(ratio, tier.width_px / max(ratio, 1))
    elif size.rule is SizeRule.SHORT:
        sides = _scaled(ratio, tier.height_px / min(ratio, 1))
    turned = math.floor if size.rounds_down else round
    # Divided first, a side that is exact could fall just below its step.
    width, height = (size.step_px * turned(round(side / size.step_px, 6)) for side in sides)
    if size.rule is SizeRule.SHORT:  # the short side is the tier's, whatever the step
        return (width, tier.height_px) if ratio >= 1 else (tier.height_px, height)
    return width, height


def _scaled(ratio: float, height: float) -> tuple[float, float]:
    return height * ratio, height


def _media(model: Model, given: Mapping[str, Any], fetch: Fetch, switches: Collection[Switch]) -> dict[str, MediaFile]:
    media = {role: fetch(url) for role, url in urls_by_role(model, given).items()}
    for role, file in media.items():
        limits.check(model, role, file)
    if Switch.UNEQUAL_STILLS not in switches:
        limits.check_quotient(model, media)
    return media


def _prompt(model: Model, given: Mapping[str, Any], switches: Collection[Switch]) -> str | None:
    rules = model.prompts
    prompt = _text(given, "prompt", None)
    if not prompt:
        if rules.is_required:
            raise TaskRefused("InvalidParameter", "Field required: input.prompt")
        return prompt
    kept = _kept(prompt, rules.limit, rules.chinese_limit)
    is_refused = rules.refuses_longer or Switch.PROMPT_REFUSED in switches
    if len(kept) < len(prompt) and is_refused and Switch.PROMPT_CUT not in switches:
        raise TaskRefused("InvalidParameter", f"input.prompt must not be longer than {rules.limit} characters")
    return kept


def _kept(text: str, limit: int, chinese_limit: int | None) -> str:
    """As much of the text as the service reads."""
    if chinese_limit is None:
        return text[:limit]
    weight = limit // chinese_limit
    used = 0
    for index, letter in enumerate(text):
        used += weight if "\u3400" <= letter <= "\u9fff" else 1
        if used > limit:
            return text[:index]
    return text


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
    has_effects = model.dialect in (Dialect.FRAME_URLS, Dialect.IMG_URL)
    template = _text(given, "template", None) if has_effects else None
    if template and template not in model.templates:
        raise TaskRefused("InvalidParameter", f"input.template: {model.name} has no effect of this name")
    return template


def _tier(model: Model, parameters: Mapping[str, Any]) -> str:
    """The tier as requests spell it."""
    tier = parameters.get(model.tier_field, model.default_tier)
    if tier is None:
        raise TaskRefused("InvalidParameter", f"Field required: parameters.{model.tier_field}")
    if not isinstance(tier, str) or tier not in model.tiers:
        raise TaskRefused("InvalidParameter", f"{model.tier_field} must be one of {', '.join(model.tiers)}")
    return tier


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


def _seconds(model: Model, parameters: Mapping[str, Any], tier: Tier, prompt: str | None) -> int:
    lengths, asked = model.lengths, parameters.get("duration")
    if lengths.is_fixed or asked is None:
        if lengths.default_s is None:
            raise TaskRefused("InvalidParameter", "Field required: parameters.duration")
        return lengths.default_s
    if lengths.may_be_left_open and _is_left_to_the_model(asked):
        return _CHOSEN_LENGTHS_S[zlib.crc32((prompt or "").encode()) % len(_CHOSEN_LENGTHS_S)]
    allowed = lengths.at_tier.get(tier.name, lengths.seconds)
    if not isinstance(asked, int) or isinstance(asked, bool) or asked not in allowed:
        raise TaskRefused("InvalidParameter", f"duration must be {_range(allowed)}")
    return asked


def _range(allowed: tuple[int, ...]) -> str:
    if allowed == tuple(range(allowed[0], allowed[-1] + 1)):
        return f"an integer from {allowed[0]} to {allowed[-1]}"
    return f"one of {', '.join(map(str, allowed))}"


def _is_left_to_the_model(duration: object) -> bool:
    return isinstance(duration, int) and duration == -1


def _seed(model: Model, parameters: Mapping[str, Any]) -> int | None:
    """The seed asked for; None for any, and where the model has none."""
    seed, least = parameters.get("seed"), model.least_seed
    if seed is None or least is None:
        return None
    if not isinstance(seed, int) or isinstance(seed, bool) or not least <= seed <= LARGEST_SEED:
        raise TaskRefused("InvalidParameter", f"seed must be an integer from {least} to {LARGEST_SEED}")
    return None if seed < 0 else seed


def _has_sound(model: Model, parameters: Mapping[str, Any]) -> bool:
    if model.sound in (Sound.NEVER, Sound.ALWAYS):
        return model.sound is Sound.ALWAYS
    return _flag(parameters, "audio", default=model.sound is Sound.ON)


def _flag(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = parameters.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise TaskRefused("InvalidParameter", f"{name} must be a boolean")
    return value
