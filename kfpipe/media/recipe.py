"""What a still needs before it can be sent, by its facts and what the manifest allows. Pure."""

from __future__ import annotations

from typing import Final

from kfpipe.catalogue import FrameRules
from kfpipe.manifest.model import Preparation, Verb
from kfpipe.media.facts import Recipe, StillFacts

STANDING: Final = 1
"""The orientation of a picture that is stored as it is shown."""

AS_IT_IS: Final[Recipe] = ()


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
    """The shortest and the longest side that nobody doubts."""
    return rules.safe_sides_px or (rules.min_side_px, rules.max_side_px)
