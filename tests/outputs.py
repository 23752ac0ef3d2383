"""What commands print under `--json`, held against the schemas that `kfpipe schema` prints for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from kfpipe.schema.published import names, published


def check(words: Sequence[str], out: str) -> None:
    """Fail when a command printed what its schema does not tell of; text for people is not looked at."""
    if "--json" not in words or (words[0] == "schema" and not {"--list", "--install"} & set(words)):
        return
    name = "-".join(words[:2]) if words[0] == "lock" else words[0]
    fault = best_match(_validator(name if name in names() else "refusal").iter_errors(json.loads(out)))
    assert fault is None, f"schemas/output.schema.json lags behind {name}: {fault.json_path}: {fault.message}"


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(published(name))
