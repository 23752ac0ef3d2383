"""What was probably meant by a value that the schema refuses: guesses, for the schema itself to judge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kfpipe.files.schemas import Schema
from kfpipe.manifest.document import scalars
from kfpipe.manifest.document.typed import in_yaml
from kfpipe.names import for_take_id
from kfpipe.wording import closest

_MEANT_TRUE = frozenset({"y", "yes", "on", "true", "1"})
_MEANT_FALSE = frozenset({"n", "no", "off", "false", "0"})
_UNIT = re.compile(r"[$€£¥]|(?:s|secs?|seconds?|usd|eur|cny|rmb)\b\.?", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(?:[.,][0-9]{1,15})?")
_GROUPED = re.compile(
    r"([-+]?[0-9]{1,3})(?P<by>[ _.,'\u2019\u00a0\u202f])([0-9]{3}(?:(?P=by)[0-9]{3})*)([.,][0-9]{1,15})?"
)


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


def _near_number(value: int | Decimal, schema: Schema) -> Iterator[Any]:
    """The same number in another form, and only where it is out of range the nearest that is not."""
    if value == int(value):
        yield int(value)
    if value in (0, 1):
        yield value == 1
    yield from (example for example in schema.get("examples", ()) if str(example).startswith(str(value)))
    yield str(value)
    yield from _numbers(str(value), schema)
    branches = [schema, *schema.get("anyOf", ())]
    yield from (branch["minimum"] for branch in branches if value < branch.get("minimum", value))
    yield from (branch["maximum"] for branch in branches if value > branch.get("maximum", value))


def _numbers(text: str, schema: Schema) -> Iterator[Any]:
    """The number that a text states with a unit, a decimal comma or separated groups; none where two could be meant."""
    digits = _UNIT.sub("", text).strip()
    decimal, grouped = _NUMBER.fullmatch(digits), _GROUPED.fullmatch(digits)
    if grouped is not None and grouped[4] is not None and grouped[4][0] == grouped["by"]:
        grouped = None
    if decimal is not None and grouped is not None and _takes_fractions(schema):
        return
    if decimal is not None:
        yield scalars.plain(decimal.group().replace(",", "."))
    if grouped is not None:
        whole = grouped[1] + grouped[3].replace(grouped["by"], "")
        yield scalars.plain(whole + (grouped[4] or "").replace(",", "."))


def _takes_fractions(schema: Schema) -> bool:
    branches = [schema, *schema.get("anyOf", ())]
    return any("number" in (branch.get("type", ()), *branch.get("type", ())) for branch in branches)


def _near_text(text: str, schema: Schema) -> Iterator[Any]:
    stripped = text.strip()
    if stripped.lower() in _MEANT_TRUE | _MEANT_FALSE:
        yield stripped.lower() in _MEANT_TRUE
    yield from _numbers(stripped, schema)
    branches = [schema, *schema.get("anyOf", ())]
    words = [
        str(word) for branch in branches for word in (*branch.get("enum", ()), *filter(None, [branch.get("const")]))
    ]
    word = closest(stripped, words)
    if word is not None:
        yield word
    yield stripped
    yield stripped.upper()
    yield re.sub("-{2,}", "-", for_take_id(stripped).replace("+", "-")).strip("-._")
    yield re.sub("[-._+]+", "_", for_take_id(stripped)).strip("_")
