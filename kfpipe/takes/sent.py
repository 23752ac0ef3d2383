"""What a draft asks for -> what is sent of it: as far as its model has it."""

from __future__ import annotations

from functools import lru_cache

from kfpipe.catalogue import Model, Region, Setting
from kfpipe.domain import Parameters, Variant
from kfpipe.files.text import normalised
from kfpipe.takes import lacks
from kfpipe.takes.expand import Draft
from kfpipe.takes.matrix import scalar_text


def parameters(draft: Draft, model: Model, region: Region) -> Parameters:
    """The settings, a derived seed left out."""
    settings, has = draft.settings, model.parameters
    return _parameters(
        settings.resolution,
        settings.duration,
        settings.prompt_extend if Setting.PROMPT_EXTEND in has else None,
        settings.watermark if Setting.WATERMARK in has else None,
        settings.seed if Setting.SEED in has and isinstance(settings.seed, int) else None,
        lacks.sound_of(draft, model, model.offers[region.name]) if Setting.AUDIO in has else None,
    )


@lru_cache(maxsize=1 << 10)
def _parameters(
    resolution: str,
    duration_s: int,
    prompt_extend: bool | None,
    watermark: bool | None,
    seed: int | None,
    audio: bool | None,
) -> Parameters:
    """One object in place of all that are equal: the takes of a large shot list differ in their prompts."""
    return Parameters(
        resolution=resolution,
        duration_s=duration_s,
        prompt_extend=prompt_extend,
        watermark=watermark,
        seed=seed,
        audio=audio,
    )


def variant(draft: Draft) -> Variant:
    """What tells the takes of a model without a seed apart: their own values of axes that are no fields."""
    return tuple(sorted((name, normalised(scalar_text(value))) for name, value in draft.free_values.items()))


def negative_prompt(model: Model, text: str) -> str:
    """The negative prompt; a model that takes none gets none."""
    return text if model.negative_prompt_limit_chars else ""
