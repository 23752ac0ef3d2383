"""A seed for every take that is given none: from what it asks for, never from what anything is called."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from kfpipe.domain import SEED_MAX, RenderRequest
from kfpipe.files.text import normalised
from kfpipe.manifest.document.scalars import Scalar
from kfpipe.takes import fingerprint
from kfpipe.takes.matrix import scalar_text

STAND_IN = SEED_MAX
"""What a prompt that speaks of its seed is filled in with while the seed is derived from it."""


def derived(request: RenderRequest, variables: Mapping[str, Scalar], cuts: fingerprint.Cuts) -> int:
    """The seed that follows from all else: SHA-256 modulo 2^31 of the request without its seed, and the variables.

    `variables` are the take's own values of those axes of its matrix that are no fields: takes that differ in nothing
    else have seeds of their own. Of a picture that is cut from another take only the end counts, neither that take's
    name nor what it is made of: where the same picture comes out, the same clip is asked for.
    """
    tree = fingerprint.form(request, {role: f"render:{cut.part}" for role, cut in cuts})
    del tree["parameters"]["seed"]
    tree["variables"] = {name: normalised(scalar_text(value)) for name, value in variables.items()}
    return int.from_bytes(hashlib.sha256(fingerprint.spelled(tree)).digest(), "big") % (SEED_MAX + 1)
