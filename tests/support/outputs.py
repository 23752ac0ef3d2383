"""What commands print under `--json`, held against the schemas that `kfpipe schema` prints for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from kfpipe.files.schemas import names, published


def check(words: Sequence[str], out: str) -> None:
    """Fail when a command printed what its schema does not tell of."""
    found = fault(words, out)
    assert found is None, found


def fault(words: Sequence[str], out: str) -> str | None:
    """What of a command's output is not as its schema has it; text for people is not looked at."""
    if "--json" not in words or (words[0] == "schema" and not {"--list", "--install"} & set(words)):
        return None
    try:
        data = json.loads(out)
    except ValueError as error:
        return f"--json printed no JSON: {error}\n{out[:500]}"
    name = "-".join(words[:2]) if words[0] in ("lock", "ci", "cluster") else words[0]
    found = best_match(_validator(name if name in names() else "refusal").iter_errors(data))
    return found and f"schemas/output.schema.json does not fit what {name} printed: {found.json_path}: {found.message}"


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(published(name))
