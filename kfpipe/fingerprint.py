"""Everything that decides the pixels -> one digest.

Two requests have one fingerprint exactly when the service would be asked for the same clip. Media count by their
bytes (remote ones by their URL), never by their path, so that a renamed still renders nothing anew.
"""

from __future__ import annotations

import hashlib
import json

from kfpipe.domain import RenderRequest

VERSION = 1
"""Goes into every fingerprint; a change of the canonical form below asks for a new number, and renders all anew."""


def canonical(request: RenderRequest) -> bytes:
    """The request as JSON in its one canonical spelling: sorted keys, no spaces, ASCII, no floats.

    A seed of null says that each render draws its own.
    """
    parameters = request.parameters
    form = {
        "version": VERSION,
        "model": request.model,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "media": {medium.role.value: medium.medium.digest for medium in request.media},
        "parameters": {
            "resolution": parameters.resolution,
            "duration": parameters.duration_s,
            "prompt_extend": parameters.prompt_extend,
            "watermark": parameters.watermark,
            "seed": parameters.seed,
        },
    }
    return json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def of(request: RenderRequest) -> str:
    """SHA-256 of the canonical request, in hex."""
    return hashlib.sha256(canonical(request)).hexdigest()
