"""What people read for the actions and states that programs get, and what colour they are. Pure."""

from __future__ import annotations

from typing import Final

from kfpipe.cli.output.tone import Tone
from kfpipe.domain import cell_of
from kfpipe.lock.records import Record
from kfpipe.lock.states import ABSENT
from kfpipe.plan.model import Action

ACTIONS: Final = {
    Action.RENDER: "render",
    Action.ADOPT: "look up",
    Action.FOLLOW: "follow",
    Action.DOWNLOAD: "download",
    Action.REUSE: "reuse",
    Action.WAIT: "wait",
    Action.KEEP: "keep",
    Action.DECIDE: "decide",
    Action.RETIRED: "retired",
}

ACTION_TONES: Final = {Action.DECIDE: Tone.DECIDE, Action.KEEP: Tone.QUIET, Action.RETIRED: Tone.QUIET}

STATES: Final = {
    "failed": "failed",
    "rendered": "rendered",
    "succeeded": "not downloaded",
    "submitted": "submitted",
    "unclear": "answer lost",
    "submitting": "submitting",
    "canceled": "cancelled",
    "lost": "lost",
    ABSENT: "not rendered",
}
"""In the order in which a summary counts them."""

STATE_TONES: Final = {"failed": Tone.FAILED, "lost": Tone.FAILED, "unclear": Tone.DECIDE, "rendered": Tone.DONE}


def picked_text(record: Record | None) -> str:
    """Whether the take is picked of its shot, in the column of that name."""
    return _with_age("yes", ", ", record)


def picked_label(record: Record | None) -> str:
    """The same where no column says what it is about."""
    return _with_age("picked", " ", record)


def picked_name(take_id: str, record: Record | None) -> str:
    """The same where it is asked which of a shot's takes is picked."""
    return _with_age(cell_of(take_id), ", ", record)


def _with_age(word: str, link: str, record: Record | None) -> str:
    """The word for a pick, and whether it was made before the take's clip was rendered."""
    if record is None or not record.picked:
        return ""
    return f"{word}{link}on an older clip" if record.picked_earlier else word
