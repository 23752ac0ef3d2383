"""Everything that decides the pixels -> one digest.

Two requests have one fingerprint exactly when the service would be asked for the same clip. Media count by their
bytes (remote ones by their URL), never by their path, so that renaming a still renders nothing again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from kfpipe.domain import CutFrom, MediaRole, RenderRequest

VERSION = 1
"""Goes into every fingerprint; a change of the canonical form below needs a new number, and renders all again."""


def canonical(request: RenderRequest, cuts: Iterable[tuple[MediaRole, CutFrom]] = ()) -> bytes:
    """The request as JSON in its one canonical spelling: sorted keys, no spaces, ASCII, no floats.

    A seed of null says that each render draws its own. What few requests have (an effect, a choice of sound) is listed
    for those only. Pictures that are still to be cut are references.
    """
    parameters = request.parameters
    pending = {role.value: f"render:{cut.take_id}:{cut.end}" for role, cut in cuts}
    form: dict[str, Any] = {
        "version": VERSION,
        "model": request.model,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "media": {medium.role.value: medium.medium.digest for medium in request.media} | pending,
        "parameters": {
            "resolution": parameters.resolution,
            "duration": parameters.duration_s,
            "prompt_extend": parameters.prompt_extend,
            "watermark": parameters.watermark,
            "seed": parameters.seed,
        },
    }
    if request.template is not None:
        form["template"] = request.template
    if parameters.audio is not None:
        form["parameters"]["audio"] = parameters.audio
    return _SPELLING.encode(form).encode("ascii")


_SPELLING = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def of(request: RenderRequest, cuts: Iterable[tuple[MediaRole, CutFrom]] = ()) -> str:
    """SHA-256 of the canonical request, in hex; provisional while there are pictures to be cut."""
    return hashlib.sha256(canonical(request, cuts)).hexdigest()
