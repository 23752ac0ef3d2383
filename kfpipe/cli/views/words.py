"""What people read for the actions and states that programs get, and what colour they are. Pure."""

from __future__ import annotations

from typing import Final

from kfpipe.cli.output.tone import Tone
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
