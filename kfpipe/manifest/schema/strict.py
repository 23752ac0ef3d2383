"""The validator that can explain: thorough, slow, and slow to load. It sees only what may fail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from kfpipe.files.schemas import Schema
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.schema.explanation import findings_of, first_repeated
from kfpipe.manifest.schema.rules import FORMATS, checked_schema, entry_schema, outer_schema

MOST_FINDINGS_IN_A_PART = 20


def findings_in_entry(entry: Any, part: str, index: int) -> list[Finding]:
    """What is wrong with an entry of one of the lists, in the words of the manifest."""
    return _bounded(_entry_validator(part).iter_errors(entry), (part, index))


def findings_outside_entries(data: dict[str, Any], *, included: bool) -> list[Finding]:
    """What is wrong with the rest of the manifest; every part that fails is among them."""
    by_part: dict[tuple[DataPath, str], list[ValidationError]] = {}
    for error in _outer_validator(included).iter_errors(data):
        errors = by_part.setdefault((tuple(error.absolute_path)[:1], error.validator), [])
        if len(errors) <= MOST_FINDINGS_IN_A_PART:
            errors.append(error)
    return [finding for errors in by_part.values() for finding in _bounded(errors, ())]


def fits(value: Any, schema: Schema) -> bool:
    """Whether a part of the manifest's schema takes a value."""
    return not any(_Strict({"$defs": checked_schema()["$defs"], **schema}).iter_errors(value))


def _bounded(errors: Iterable[ValidationError], prefix: DataPath) -> list[Finding]:
    found = (finding for error in errors for finding in findings_of(error, prefix, fits))
    shown = list(islice(found, MOST_FINDINGS_IN_A_PART + 1))
    if len(shown) > MOST_FINDINGS_IN_A_PART:
        what = "this part has more problems than are shown"
        shown[-1] = Finding(path=shown[-1].path, what=what, fix="fix those shown first")
    return shown


@cache
def _entry_validator(part: str) -> Any:
    return _Strict(entry_schema(part))


@cache
def _outer_validator(included: bool) -> Any:
    return _Strict(outer_schema(included=included))


def _whole_pattern(_validator: Any, pattern: str, instance: Any, _schema: Schema) -> Iterator[ValidationError]:
    """In Python `$` also matches before a final line break; an id that ends with one must not become a file name."""
    if isinstance(instance, str) and not re.fullmatch(pattern.removesuffix("$"), instance):
        yield ValidationError("does not match")


def _format(_validator: Any, name: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    """What the pattern lets pass and the rule does not; where both refuse, the pattern has said so."""
    if (
        isinstance(instance, str)
        and not FORMATS[name](instance)
        and not any(_whole_pattern(None, schema["pattern"], instance, schema))
    ):
        yield ValidationError("does not fit")


def _unique_items(_validator: Any, unique: bool, instance: Any, _schema: Schema) -> Iterator[ValidationError]:
    """In one pass; the library compares all pairs when a list mixes types."""
    if unique and isinstance(instance, list) and first_repeated(instance) is not None:
        yield ValidationError("has repeated items")


_Strict: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _whole_pattern, "format": _format, "uniqueItems": _unique_items}
)
