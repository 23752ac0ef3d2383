"""What is on record for a clip, under the names that `plan --json` and the lockfile use. Pure."""

from __future__ import annotations

from typing import Any

from kfpipe.files.scalars import decimal_text
from kfpipe.lock.states import fidelity_of
from kfpipe.review.footage import Clip


def of(clip: Clip) -> dict[str, Any]:
    """Plain data; amounts are decimal text, null where the price is unknown."""
    entry, asked, fidelity = clip.entry, clip.entry.asked, fidelity_of(clip.entry)
    return {
        "take": clip.take.id,
        "shot": clip.take.shot_id,
        "picked": clip.record.picked,
        "picked_earlier": clip.record.picked_earlier,
        "changed": clip.has_changed,
        "tags": list(clip.take.tags),
        "notes": clip.take.notes or None,
        "model": asked.model,
        "resolution": asked.parameters.resolution,
        "seed": asked.parameters.seed,
        "prompt": asked.prompt,
        "negative_prompt": asked.negative_prompt,
        "width_px": entry.render.width_px,
        "height_px": entry.render.height_px,
        "seconds": decimal_text(entry.render.duration_s),
        "fps": decimal_text(entry.render.fps),
        "audio": entry.render.audio,
        "fidelity_first": fidelity and decimal_text(fidelity.first),
        "fidelity_last": fidelity and decimal_text(fidelity.last),
        "sha256": entry.render.sha256,
        "task_id": entry.task.task_id,
        "cost": decimal_text(entry.result.cost),
        "currency": asked.currency,
    }
