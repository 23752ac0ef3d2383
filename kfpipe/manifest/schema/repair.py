"""What was probably meant by a value that the schema refuses: guesses, for the schema itself to judge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kfpipe.files.schemas import Schema
from kfpipe.manifest.document import scalars
from kfpipe.wording import closest

_MEANT_TRUE = frozenset({"y", "yes", "on", "true", "1"})
_MEANT_FALSE = frozenset({"n", "no", "off", "false", "0"})
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(?:[.,][0-9]{1,15})?")
_PLAIN = re.compile(r"[A-Za-z0-9_./][\w ./@-]*")


def repairs(value: Any, schema: Schema) -> Iterator[Any]:
    """Values close to a refused one, the likeliest first. None of them is sure to fit."""
    if "const" in schema:
        yield schema["const"]
    match value:
        case bool():
            yield in_yaml(value)
        case int() | Decimal():
            yield from _near_number(value, schema)
        case str():
            yield from _near_text(value, schema)
    if isinstance(value, (str, int, Decimal)):
        yield [value]


def in_yaml(value: Any) -> str:
    """A value as a person would type it on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value if _is_plain(value) else json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(in_yaml(item) for item in value)}]"
        case dict():
            return f"{{{', '.join(f'{key}: {in_yaml(item)}' for key, item in value.items())}}}"
        case _:
            return str(value)


def _is_plain(text: str) -> bool:
    """Whether every YAML reader takes the text for itself without quotes."""
    try:
        return bool(_PLAIN.fullmatch(text)) and scalars.plain(text) == text and not scalars.older_reading(text)
    except scalars.NumberRefused:
        return False


def _near_number(value: int | Decimal, schema: Schema) -> Iterator[Any]:
    yield int(value)
    if value in (0, 1):
        yield value == 1
    yield from (example for example in schema.get("examples", ()) if str(example).startswith(str(value)))
    yield str(value)
    branches = [schema, *schema.get("anyOf", ())]
    bounds = [branch[bound] for branch in branches for bound in ("minimum", "maximum") if bound in branch]
    yield from sorted(bounds, key=lambda bound: abs(bound - value))


def _near_text(text: str, schema: Schema) -> Iterator[Any]:
    stripped = text.strip()
    if stripped.lower() in _MEANT_TRUE | _MEANT_FALSE:
        yield stripped.lower() in _MEANT_TRUE
    number = _NUMBER.search(stripped)
    if number is not None:
        yield scalars.plain(number.group().replace(",", "."))
    branches = [schema, *schema.get("anyOf", ())]
    words = [
        str(word) for branch in branches for word in (*branch.get("enum", ()), *filter(None, [branch.get("const")]))
    ]
    word = closest(stripped, words)
    if word is not None:
        yield word
    yield stripped
    yield stripped.upper()
    yield re.sub(r"[^A-Za-z0-9._-]+", "-", stripped).strip("-._")
    yield re.sub(r"[^A-Za-z0-9]+", "_", stripped).strip("_")
