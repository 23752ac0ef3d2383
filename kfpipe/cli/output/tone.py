"""Colour by meaning, on a terminal only. The words say the same, so that nothing is lost without colours."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import click


class Tone(StrEnum):
    """What a person should make of a line, the most urgent first."""

    FAILED = "failed"
    DECIDE = "decide"
    DONE = "done"
    QUIET = "quiet"


_STYLES: Final[dict[Tone, dict[str, Any]]] = {
    Tone.FAILED: {"fg": "red"},
    Tone.DECIDE: {"fg": "black", "bg": "yellow"},  # yellow letters alone cannot be read on white
    Tone.DONE: {"fg": "green"},
    Tone.QUIET: {"dim": True},
}
"""Only the colours that the user's theme defines, so that each is readable on its background."""


def painted(text: str, tone: Tone | None) -> str:
    """`text` in the colours of `tone`."""
    return text if tone is None or not text else click.style(text, **_STYLES[tone])


def heading(text: str) -> str:
    """`text` as the title of a column."""
    return click.style(text, bold=True)


def most_urgent(tones: set[Tone | None]) -> Tone | None:
    """What stands for all of them: the most urgent, or what they have in common."""
    if len(tones) == 1:
        return next(iter(tones))
    return next((tone for tone in (Tone.FAILED, Tone.DECIDE) if tone in tones), None)
