"""What a still or a slice of a sound needs before it can be sent, by its facts and what the manifest asks for. Pure."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

from kfpipe.catalogue import FrameRules, RecordingRules
from kfpipe.manifest.model import Preparation, Verb
from kfpipe.media.facts import Recipe, RecordingFacts, StillFacts

STANDING: Final = 1
"""The orientation of a picture that is stored as it is shown."""

AS_IT_IS: Final[Recipe] = ()

RESAMPLED_HZ: Final = 48_000
"""Samples a second that nobody hears more than."""

UNBOUNDED_PX: Final = 65_535
"""The longest side that a JPEG can have."""

_HEAD_BYTES: Final = 44
_SAMPLE_BYTES: Final = 2
_EARS: Final = 2


class Downmix(StrEnum):
    """What is done to a slice that would be too large as it is."""

    STEREO = "stereo"
    RATE = "48 kHz"


def slice_recipe(track: RecordingFacts, start_s: Decimal, duration_s: int, rules: RecordingRules | None) -> Recipe:
    """The words that make a slice: which seconds, and what makes it small enough for the model.

    They enter the fingerprint as those of stills do; `start_s` is the same however it is written.
    """
    words = [f"slice {seconds_text(start_s)}-{seconds_text(start_s + duration_s)} s"]
    channels, rate_hz = track.channels or 1, track.rate_hz or RESAMPLED_HZ
    room_bytes = None if rules is None else rules.max_size_bytes - _HEAD_BYTES

    def is_too_large() -> bool:
        return room_bytes is not None and channels * rate_hz * duration_s * _SAMPLE_BYTES > room_bytes

    if is_too_large() and channels > _EARS:
        words, channels = [*words, Downmix.STEREO], _EARS
    if is_too_large() and rate_hz > RESAMPLED_HZ:
        words.append(Downmix.RATE)
    return tuple(words)


def seconds_text(seconds: Decimal) -> str:
    """`12.5`, whether it was written `12.50` or `12.500`."""
    return f"{seconds.normalize():f}"


def recipe(facts: StillFacts, allowed: Preparation, rules: FrameRules) -> Recipe:
    """The verbs that change this still, in the order in which they are applied; those without effect are left out.

    It enters the fingerprint: a word, once given out, keeps its spelling.
    """
    if facts.animated:
        return AS_IT_IS
    needed = {
        Verb.CONVERT: facts.format not in rules.formats,
        Verb.UPRIGHT: facts.orientation != STANDING,
        Verb.FLATTEN: facts.alpha,
        Verb.RESIZE: not _is_in_range(facts, rules),
    }
    words = {
        Verb.FLATTEN: f"flatten {allowed.background}",
        Verb.RESIZE: "resize {}-{} {}".format(*_sides_px(rules), rules.max_size_bytes),
    }
    return tuple(words.get(verb, str(verb)) for verb, needs in needed.items() if needs and verb in allowed.verbs)


def _is_in_range(facts: StillFacts, rules: FrameRules) -> bool:
    (least, most), (short, long) = _sides_px(rules), sorted((facts.width_px, facts.height_px))
    return least <= short and long <= most and facts.size_bytes <= rules.max_size_bytes


def _sides_px(rules: FrameRules) -> tuple[int, int]:
    """The shortest and the longest side that nobody doubts; without a bound, what no picture has."""
    return rules.safe_sides_px or (rules.min_side_px or 1, rules.max_side_px or UNBOUNDED_PX)
