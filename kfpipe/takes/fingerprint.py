"""Everything that decides the pixels -> one digest.

Two requests have one fingerprint exactly when the service would be asked for the same clip. Media count by their
bytes (remote ones by their address without its signature), never by their path, so that renaming a still renders
nothing again; prompts count by their text, however it is encoded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from kfpipe.domain import CutFrom, MediaRole, RenderRequest
from kfpipe.files.text import normalised

VERSION: Final = 2
"""Goes into every fingerprint; a change of the canonical form below needs a new number, and renders all again."""

Cuts = Iterable[tuple[MediaRole, CutFrom]]
_BY_ID: Final[Mapping[str, str]] = MappingProxyType({})


def of(request: RenderRequest, cuts: Cuts = (), sources: Mapping[str, str] = _BY_ID) -> str:
    """SHA-256 of the canonical request, in hex; provisional while there are pictures to be cut."""
    return hashlib.sha256(canonical(request, cuts, sources)).hexdigest()


def canonical(request: RenderRequest, cuts: Cuts = (), sources: Mapping[str, str] = _BY_ID) -> bytes:
    """The request in its one spelling, with the version of it."""
    return spelled({"version": VERSION, **form(request, cuts, sources)})


def form(request: RenderRequest, cuts: Cuts = (), sources: Mapping[str, str] = _BY_ID) -> dict[str, Any]:
    """The request as a tree of names, texts and whole numbers.

    A seed of null says that each render draws its own. What few requests have (an effect, a choice of sound) is listed
    for those only. Pictures that are still to be cut are references: to what `sources` has for the id of the take, or
    to the id itself.
    """
    parameters = request.parameters
    pending = {role.value: f"render:{sources.get(cut.take_id, cut.take_id)}:{cut.end}" for role, cut in cuts}
    tree: dict[str, Any] = {
        "model": request.model,
        "prompt": normalised(request.prompt),
        "negative_prompt": normalised(request.negative_prompt),
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
        tree["template"] = request.template
    if parameters.audio is not None:
        tree["parameters"]["audio"] = parameters.audio
    return tree


def spelled(tree: Mapping[str, Any]) -> bytes:
    """A tree as JSON in its one canonical spelling: sorted keys, no spaces, ASCII, no floats."""
    return _SPELLING.encode(tree).encode("ascii")


_SPELLING = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
