"""Everything that decides the pixels -> one digest.

Two requests have one fingerprint exactly when the service would be asked for the same clip. Media count by their
bytes (remote ones by their address without its signature), never by their path, so that renaming a still renders
nothing again; prompts count by their text, however it is encoded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kfpipe.domain import CutFrom, MediaRole, RenderRequest
from kfpipe.files.text import normalised

VERSION: Final = 2
"""Goes into every fingerprint; a change of the canonical form below needs a new number, and renders all again."""

Cuts = Iterable[tuple[MediaRole, CutFrom]]


def of(request: RenderRequest, cuts: Cuts = ()) -> str:
    """SHA-256 of the canonical request, in hex; provisional while there are pictures to be cut."""
    return hashlib.sha256(canonical(request, cuts)).hexdigest()


def canonical(request: RenderRequest, cuts: Cuts = ()) -> bytes:
    """The request in its one spelling, with the version of it; pictures that are still to be cut are references."""
    pending = {role: f"render:{cut.take_id}:{cut.part}" for role, cut in cuts}
    return spelled({"version": VERSION, **form(request, pending)})


def form(request: RenderRequest, pending: Mapping[MediaRole, str]) -> dict[str, Any]:
    """The request as a tree of names, texts and whole numbers.

    A seed of null says that each render draws its own. What few requests have (an effect, a choice of sound) is listed
    for those only. `pending` says what stands for the pictures that are still to be cut.
    """
    parameters = request.parameters
    media = {**{given.role: given.medium.digest for given in request.media}, **pending}
    tree: dict[str, Any] = {
        "model": request.model,
        "prompt": normalised(request.prompt),
        "negative_prompt": normalised(request.negative_prompt),
        "media": {role.value: digest for role, digest in media.items()},
        "parameters": {
            "resolution": parameters.resolution,
            "duration": parameters.duration_s,
            "prompt_extend": parameters.prompt_extend,
            "watermark": parameters.watermark,
            "seed": parameters.seed,
        },
    }
    if request.template is not None:
        tree["template"] = request.template
    if parameters.audio is not None:
        tree["parameters"]["audio"] = parameters.audio
    return tree


def spelled(tree: Mapping[str, Any]) -> bytes:
    """A tree as JSON in its one canonical spelling: sorted keys, no spaces, ASCII, no floats."""
    return _SPELLING.encode(tree).encode("ascii")


_SPELLING = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
