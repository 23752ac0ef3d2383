"""A seed for every take that is given none: from what it asks for, never from what anything is called."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from kfpipe.domain import SEED_MAX, Parameters, RenderRequest, Take
from kfpipe.files.text import normalised
from kfpipe.manifest.document.scalars import Scalar
from kfpipe.takes import fingerprint
from kfpipe.takes.matrix import scalar_text

STAND_IN = SEED_MAX
"""What a prompt that speaks of its seed is filled in with while the seed is derived from it."""


def derived(
    request: RenderRequest,
    variables: Mapping[str, Scalar],
    cuts: fingerprint.Cuts,
    spelling: fingerprint.Spelling | None = None,
) -> int:
    """The seed that follows from all else: SHA-256 modulo 2^31 of the request without its seed, and the variables.

    `variables` are the take's own values of those axes of its matrix that are no fields: takes that differ in nothing
    else have seeds of their own. Of a picture that is cut from another take only the end counts, neither that take's
    name nor what it is made of: where the same picture comes out, the same clip is asked for.
    `spelling` is the request's, where it is at hand.
    """
    pending = {role: f"render:{cut.part}" for role, cut in cuts}
    named = {name: normalised(scalar_text(value)) for name, value in variables.items()}
    spelling = spelling or fingerprint.spelling(request)
    return _seed_of(spelling.without_seed(pending, named))


def seeded(request: RenderRequest, seed: int) -> RenderRequest:
    """The request with this seed; `replace` takes three times as long, and every take may need it."""
    given = request.parameters
    return RenderRequest(
        model=request.model,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        media=request.media,
        template=request.template,
        variant=request.variant,
        parameters=Parameters(
            resolution=given.resolution,
            duration_s=given.duration_s,
            prompt_extend=given.prompt_extend,
            watermark=given.watermark,
            seed=seed,
            audio=given.audio,
        ),
    )


def another(take: Take, turn: int) -> int:
    """A seed in place of the derived one: the same for everybody who asks for the `turn`-th request of this clip."""
    return _seed_of(f"{take.reseeds or take.fingerprint}:{turn}".encode("ascii"))


def with_seed(take: Take, seed: int) -> Take:
    """The take with a seed in place of the one that is derived for it. Its prompt stays as it is."""
    request = seeded(take.request, seed)
    return replace(take, request=request, fingerprint=fingerprint.of(request), reseeds=take.reseeds or take.fingerprint)


def _seed_of(text: bytes) -> int:
    return int.from_bytes(hashlib.sha256(text).digest(), "big") % (SEED_MAX + 1)
