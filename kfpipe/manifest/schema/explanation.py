"""A failed keyword of the schema -> what a person has to know: what is there, what is expected, what to write.

Most keywords need no text of their own. What is expected at a place is said once, from the whole schema of the
place, whichever of its keywords failed; what was probably meant is found by trying repairs on the schema itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jsonschema import ValidationError

from kfpipe import names
from kfpipe.files.schemas import Schema
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.document.typed import in_yaml
from kfpipe.manifest.schema import strange
from kfpipe.manifest.schema.repair import repairs
from kfpipe.manifest.schema.rules import FORMATS, dereferenced, schema_at
from kfpipe.wording import closest, described, echoed, listed, visible

Fits = Callable[[Any, Schema], bool]

_LONGEST_LINE = 100
_ENTRIES = {"shots": "shot", "sequences": "sequence"}


def findings_of(error: ValidationError, prefix: DataPath, fits: Fits) -> Iterator[Finding]:
    """The findings in one failure; `prefix` is the path of the part that was validated."""
    path = (*prefix, *error.absolute_path)
    value: Any = error.instance
    if "propertyNames" in error.absolute_schema_path:
        yield _bad_name(path, value, fits)
        return
    match error.validator:
        case "additionalProperties":
            known = schema_at(path)["properties"]
            yield from (_unknown(path, key, inner) for key, inner in value.items() if key not in known)
        case "anyOf" if not path:
            yield _missing(("shots",))
        case "required":
            required: Any = error.validator_value
            yield from (_missing((*path, key)) for key in required if key not in value)
        case "uniqueItems":
            yield _repeated(path, value)
        case _:
            yield _unfit(path, value, fits)


def first_repeated(items: list[Any]) -> int | None:
    """Index of the first plain value that equals an earlier one; true and 1 differ."""
    seen = set()
    for index, item in enumerate(items):
        if isinstance(item, (dict, list)):
            continue
        key = (isinstance(item, bool), item)
        if key in seen:
            return index
        seen.add(key)
    return None


# ---- findings


def _unfit(path: DataPath, value: Any, fits: Fits) -> Finding:
    schema = schema_at(path)
    name = _name(path)
    if isinstance(value, str) and len(value) > (most := schema.get("maxLength", len(value))):
        what, wanted = f"{name} is {len(value)} characters long", f"at most {most} characters"
        return Finding(path=path, what=what, expected=wanted, fix="shorten it")
    what = f"{name} has no value" if value is None else f"{name} is {described(value)}"
    if isinstance(value, list) and 0 < len(value) < schema.get("minItems", 0):
        what = f"{name} has {len(value)} entry" if len(value) == 1 else f"{name} has {len(value)} entries"
    what += _culprit(value, schema)
    return Finding(path=path, what=what, expected=expected(schema), fix=_fix(path, value, schema, fits))


def _unknown(path: DataPath, key: str, value: Any) -> Finding:
    known = tuple(schema_at(path)["properties"])
    several = _of_another_tool(path, key, value, known) if isinstance(value, list) else None
    reason = several or _belongs(path, key) or _of_another_tool(path, key, value, known)
    match = None if reason else strange.meant_by(key, known) or closest(key.strip(), known)
    match = match or (known[0] if len(known) == 1 else None)
    return Finding(
        path=(*path, key),
        what=f"{echoed(key)} is not a field of {_name(path)}",
        expected=f"`{match}`" if match else listed([f"`{name}`" for name in known]),
        fix=reason or (f"write `{match}`" if match else "delete it"),
        at_key=True,
    )


def _of_another_tool(path: DataPath, key: str, value: Any, known: Sequence[str]) -> str | None:
    """Why there is no such field of a shot, where many tools have it; or how several values are given."""
    if "prompt" not in known:
        return None
    field = strange.singular(key, known)
    if field is not None and isinstance(value, list):
        return _as_matrix(path, field, value)
    return None if strange.meant_by(key, known) else strange.unavailable(key)


def _as_matrix(path: DataPath, field: str, values: list[Any]) -> str:
    """How to ask for a clip of each of several values."""
    line = _line(("matrix",), {field: values}) or f"matrix: {{{field}: [...]}}"
    place = "" if path[:1] in (("shots",), ("sequences",)) else " in a shot"
    return f"for a clip of each of them write `{line}`{place}"


def _belongs(path: DataPath, key: str) -> str | None:
    """Where a known field belongs that is on the wrong level, or after characters that only look like spaces."""
    if key != key.strip():
        return "delete the invisible characters around it, and indent with plain spaces"
    of_manifest, of_shot = schema_at(())["properties"], schema_at(("shots", 0))["properties"]
    if path[:1] == ("shots",) and key in ("keyframes", "prompts"):
        return "move the shot to the list `sequences`"
    if not path and key in of_shot:
        return f"indent `{key}`: it belongs to a shot, or under `defaults`"
    if path[:1] in (("defaults",), ("profiles",)) and key in of_shot:
        return f"move `{key}` into the shots: each has its own"
    if path and key in of_manifest:
        return f"move `{key}` to the left margin: it applies to the whole manifest"
    return None


def _missing(path: DataPath) -> Finding:
    schema = schema_at(path)
    example = _example(path, schema)
    return Finding(
        path=path,
        what=f"{_name(path)} is missing",
        expected=expected(schema),
        fix=f"add it, for example `{example}`" if example else f"add {_name(path)}",
    )


def _repeated(path: DataPath, items: list[Any]) -> Finding:
    index = first_repeated(items) or 0
    what = f"{_name(path)} contains {described(items[index])} twice"
    return Finding(path=(*path, index), what=what, expected="each value once", fix="delete one of the two")


def _bad_name(path: DataPath, name: str, fits: Fits) -> Finding:
    schema = dereferenced(schema_at(path)["propertyNames"])
    meant = next((candidate for candidate in repairs(name, schema) if fits(candidate, schema)), None)
    return Finding(
        path=(*path, name),
        what=f"{echoed(name)} cannot be a name in {_name(path)}{_culprit(name, schema)}",
        expected=expected(schema),
        fix=f"call it `{meant}`" if meant else "choose another name",
        at_key=True,
    )


def _culprit(value: Any, schema: Schema) -> str:
    """The character that a name cannot hold, where it may be invisible or look like another."""
    if not isinstance(value, str) or value.isascii() or schema.get("format") not in FORMATS:
        return ""
    culprit = names.unfit(value)
    return f", with {culprit}" if culprit else ""


# ---- their words


def expected(schema: Schema) -> str:
    """What the schema takes, in a phrase: `a whole number from 1 to 10`."""
    return listed(_phrases(schema))


def _phrases(schema: Schema) -> list[str]:
    """What a schema takes, a phrase for each alternative; its own words for a pattern come before those of its type."""
    if "anyOf" in schema:
        return [phrase for branch in schema["anyOf"] for phrase in _phrases(branch)]
    if "enum" in schema:
        return [f"`{value}`" for value in schema["enum"]]
    if "const" in schema:
        return [f"`{schema['const']}`"]
    if "patternErrorMessage" in schema:
        return [schema["patternErrorMessage"]]
    types = schema["type"]
    return [phrase for name in ([types] if isinstance(types, str) else types) for phrase in _of_type(name, schema)]


def _of_type(name: str, schema: Schema) -> list[str]:
    match name:
        case "string":
            return ["text that is not empty" if schema.get("minLength") else "text"]
        case "integer":
            return ["a whole number" + _range(schema)]
        case "number":
            return ["a number" + _range(schema)]
        case "boolean":
            return ["`true`", "`false`"]
        case "array":
            least = schema.get("minItems", 0)
            return [f"a list with at least {'one entry' if least == 1 else f'{least} entries'}" if least else "a list"]
        case _:
            return ["at least one line of `key: value`" if schema.get("minProperties") else "lines of `key: value`"]


def _range(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None:
        return ""
    return f" of at least {least}" if most is None else f" from {least} to {most}"


def _fix(path: DataPath, value: Any, schema: Schema, fits: Fits) -> str | None:
    if isinstance(value, list) and len(value) > 1 and (field := _axis(path, schema)):
        return _as_matrix(path, field, value)
    meant = next((candidate for candidate in repairs(value, schema) if fits(candidate, schema)), None)
    written = _line(path, meant) if meant is not None else None
    if written is not None:
        return f"write `{written}`"
    if isinstance(value, dict) and schema.get("type") == "array":
        return "begin each entry with `- `, on a line of its own"
    example = _example(path, schema)
    hint = f"for example `{example}`" if example else None
    if value is None:
        needed = path[-1] in schema_at(path[:-1]).get("required", ())
        return ", ".join(filter(None, ["write a value", hint, None if needed else "or delete the line"]))
    return hint


def _axis(path: DataPath, schema: Schema) -> str | None:
    """The field at `path`, where it is one of a shot that a matrix can vary."""
    *above, field = path
    of_shot = "prompt" in schema_at(tuple(above)).get("properties", ())
    is_single = schema.get("type") not in ("array", "object") and field not in ("id", "loop", "keyframes")
    return str(field) if of_shot and is_single else None


def _example(path: DataPath, schema: Schema) -> str | None:
    examples = schema.get("examples", ())
    return _line(path, examples[0]) if examples else None


def _line(path: DataPath, value: Any) -> str | None:
    """`key: value`, as it would be typed; None when it is too long to be shown, or not to be seen."""
    line = f"{path[-1]}: {in_yaml(value)}" if isinstance(path[-1], str) else in_yaml(value)
    return line if len(line) <= _LONGEST_LINE and line.isprintable() else None


def _name(path: DataPath) -> str:
    """A place as it is called inside its part: `duration`, `matrix.seed[0]`, the shot, the manifest."""
    if not path:
        return "the manifest"
    entry = _ENTRIES.get(str(path[0])) if len(path) > 1 else None
    inside = path[2:] if entry else path[1:] or path
    if not inside:
        return f"the {entry}"
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in inside)
    return f"`{visible(steps.removeprefix('.'))}`"
