"""What is written in the documentation from the schemas and the code: `python -m docs.tables`.

A page says where a table stands and what it lists: the fields of an object, by the schema's file and a JSON pointer
into it; what scripted faults and switches can do; what a second of video costs in a region; what the example of a
bake-off costs; a part of the Python interface; which changes of the code the tests notice; how an answer of the service
in a phase is met; or a file of this folder:

    <!-- table: manifest.schema.json#/$defs/shot -->
    <!-- table: bake-off -->
    <!-- table: acts -->
    <!-- table: switches -->
    <!-- table: prices:singapore -->
    <!-- table: python:functions -->
    <!-- table: fields:Plan -->
    <!-- table: mutations -->
    <!-- table: answers:submit -->
    <!-- table: file:examples/render.py -->

Or, with `models`, what each model takes:

    <!-- table: models -->

Everything from there to `<!-- end -->` is written by this script.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from docs import signatures
from kfpipe import api, catalogue
from kfpipe.domain import MediaRole
from kfpipe.emulator.faults.kinds import ACTS, Act, Phase
from kfpipe.emulator.settings import Switch
from kfpipe.files.scalars import exact_amount
from tests.mutations import __main__ as mutations
from tests.support import golden

PAGES = Path(__file__).parent
SCHEMAS = PAGES.parent / "schemas"

ANSWERS = PAGES.parent / "tests/provider/answers"
ANSWERED = ("HTTP", "the service answers", "kfpipe", "exit code", "you read")

BAKE_OFF = PAGES.parent / "manifests/bake-off.yaml"

MARKED = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)

Schema = Mapping[str, Any]


def main() -> None:
    for page in sorted(PAGES.rglob("*.md")):
        text = page.read_text("utf-8")
        if (fresh := written(text)) != text:
            page.write_text(fresh, "utf-8")


def written(text: str) -> str:
    """The page with every table as the schemas and the code have it now."""
    return MARKED.sub(lambda found: f"{found[1]}{_table(found[2])}{found[3]}", text)


def subjects(text: str) -> set[str]:
    """What the tables of a page list."""
    return {found[2] for found in MARKED.finditer(text)}


def _table(subject: str) -> str:
    match subject.split(":"):
        case ["switches"]:
            return _drawn(("switch", "what it does"), [(f"`{switch}`", switch.effect) for switch in Switch])
        case ["bake-off"]:
            return _drawn(
                ("model", "size", "CNY a second", "with sound, where dearer", "CNY a clip of 5 s"), [*_bake_off()]
            )
        case ["acts"]:
            return _drawn(("do", "on", "fields", "what happens"), [_act(act) for act in ACTS.values()])
        case ["prices", region]:
            return _prices(region)
        case ["python", what]:
            return _python(what)
        case ["fields", name]:
            (kind,) = (kind for kind in signatures.FIELDS if kind.__name__ == name)
            return _drawn(("field", "type", "what it is"), [*signatures.field_rows(kind)])
        case ["mutations"]:
            return "".join(f"{line}\n" for line in mutations.listed())
        case ["models"]:
            return _models()
        case ["answers", phase]:
            return _drawn(ANSWERED, []) + golden.load(ANSWERS)[phase].expected
        case ["file", path]:
            return f"```python\n{(PAGES / path).read_text('utf-8')}```\n"
        case _:
            return _fields(*subject.split("#"))


def _python(what: str) -> str:
    match what:
        case "functions":
            return signatures.functions()
        case "methods":
            return signatures.methods()
        case "events":
            return _drawn(("event", "fields", "what it reports"), [*signatures.event_rows()])
        case "states":
            return _drawn(("class", "fields", "state"), [*signatures.state_rows()])
        case "errors":
            return _drawn(("error", "is a", "what it means"), [*signatures.error_rows()])
    raise ValueError(f"no table of python:{what}")


def _drawn(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table without its empty columns."""
    used = [place for place in range(len(titles)) if not rows or any(row[place] for row in rows)]
    lines = [[titles[place] for place in used], ["---"] * len(used), *([row[place] for place in used] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# ---- acts --------------------------------------------------------------------------------------------------------


def _act(act: type[Act]) -> tuple[str, ...]:
    phases = "all" if act.phases == frozenset(Phase) else ", ".join(phase for phase in Phase if phase in act.phases)
    fields = ", ".join(map(_argument, dataclasses.fields(act)))
    return (f"`{act.name}`", phases, fields, " ".join((act.__doc__ or "").split()))


def _argument(field: dataclasses.Field[Any]) -> str:
    """A field of an act, with the value that it has when it is left out."""
    if field.default is dataclasses.MISSING:
        return f"`{field.name}`"
    return f"`{field.name}` ({'none' if field.default is None else field.default})"


# ---- prices ------------------------------------------------------------------------------------------------------


def _prices(region: str) -> str:
    known = catalogue.shipped()
    rows = [
        (
            f"`{offer.wire_name}`",
            _amounts(offer),
            f"{offer.submissions_per_second:g}",
            str(offer.concurrent_tasks),
            _LINK.sub(r"[\1](\2)", offer.source),
        )
        for model in known.models.values()
        if (offer := model.offers.get(region)) is not None
    ]
    title = f"{known.regions[region].currency} for a second, as of {known.as_of}"
    return _drawn(("model", title, "submissions per second", "tasks at once", "source"), rows)


def _models() -> str:
    titles = ("model", "frames", "resolutions", "seconds", "sound", "seed", "prompt, characters")
    return _drawn(titles, [_model(model) for model in catalogue.shipped().models.values()])


def _model(model: catalogue.Model) -> tuple[str, ...]:
    frames = " or ".join(_FRAMES[taken] for taken in _FRAMES if taken in map(_roles, model.combinations))
    lengths = model.durations_s
    is_range = len(lengths) == lengths[-1] - lengths[0] + 1
    seconds = f"{lengths[0]} to {lengths[-1]}" if is_range and len(lengths) > 1 else ", ".join(map(str, lengths))
    fewer = (f"; at {tier} {', '.join(map(str, some))}" for tier, some in model.durations_s_at.items())
    return (
        f"`{model.name}`",
        frames,
        ", ".join(model.resolutions),
        seconds + "".join(fewer),
        "on or off" if model.audio_choice else "always" if model.sound else "none",
        "yes" if model.has_seed else "no",
        f"{model.prompt_limit_chars:,}{', required' if model.needs_prompt else ''}",
    )


def _roles(combination: frozenset[MediaRole]) -> tuple[str, ...]:
    return tuple(role for role in MediaRole if role in combination)


_FRAMES = {("first_frame",): "first", ("first_frame", "last_frame"): "first and last", ("last_frame",): "last"}


def _amounts(offer: catalogue.Offer) -> str:
    """The price of each resolution, and that of a clip with sound where it is another."""
    told = ", ".join(f"{step} {price}" for step, price in offer.prices.items()) or "unknown"
    loud = ", ".join(f"{step} {price}" for step, price in offer.prices_with_sound.items())
    return f"{told}; with sound {loud}" if loud else told


_LINK = re.compile(r"([^;\s][^;]*?): (https://[^;\s]+)")
"""A source of the catalogue: its title and its address."""


def _bake_off() -> Iterator[tuple[str, ...]]:
    """The takes of the manifest, with the prices of Beijing."""
    project = api.load(BAKE_OFF)
    for take in project.takes:
        assert take.size is not None and take.unit_price is not None and take.cost is not None
        asked = take.request.parameters
        offer = project.catalogue.models[take.request.model].offers["beijing"]
        loud = offer.price(asked.resolution, sound=True) if offer.charges_for_sound(asked.resolution) else None
        size = f"{take.size.width_px}x{take.size.height_px}"
        prices = (take.unit_price, loud, take.cost)
        yield f"`{offer.wire_name}`", size, *("" if price is None else exact_amount(price) for price in prices)


# ---- fields ------------------------------------------------------------------------------------------------------


def objects(file: str) -> Iterator[str]:
    """The pointers of all objects in a schema that have fields of their own."""
    schema = _schema(file)
    places = [("", schema), *((f"/$defs/{name}", inner) for name, inner in schema["$defs"].items())]
    for pointer, place in places:
        for name, inner in place.get("properties", {}).items():
            if "properties" in inner:
                yield f"{pointer}/properties/{name}"
        if "properties" in place:
            yield pointer


def _fields(file: str, pointer: str) -> str:
    root = _schema(file)
    place = _at(root, pointer)
    needed = set(place.get("required", ()))
    tells = len(needed) < len(place["properties"])  # where everything is required there is nothing to tell
    rows = [_row(root, name, inner, tells and name in needed) for name, inner in place["properties"].items()]
    return _drawn(("field", "value", "default", "what it is"), rows)


def _row(root: Schema, name: str, inner: Schema, is_required: bool) -> tuple[str, ...]:
    whole = _resolved(root, inner)
    return (f"`{name}`", _value(root, inner), _default(whole, is_required), _description(whole))


def _value(root: Schema, inner: Schema) -> str:
    """Examples where the schema has some, else the kind of value."""
    whole = _resolved(root, inner)
    if "examples" in whole:
        return " or ".join(f"`{_yaml(example)}`" for example in whole["examples"])
    return _kind(root, inner)


def _kind(root: Schema, inner: Schema) -> str:
    match inner:
        case {"anyOf": kinds}:
            return " or ".join(_kind(root, kind) for kind in kinds)
        case {"enum": words}:
            return ", ".join(f"`{word}`" for word in words)
        case {"const": value}:
            return f"`{_yaml(value)}`"
        case {"$ref": str(pointer)}:
            target = _at(root, pointer.removeprefix("#"))
            return pointer.rpartition("/")[2].replace("_", " ") if "type" in target else _kind(root, target)
        case {"type": [*kinds]}:
            return " or ".join(_KINDS[kind] for kind in kinds)
        case {"type": kind}:
            return _KINDS[kind]
    raise ValueError(f"a value of no kind: {inner}")


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "block",
    "null": "null",
}


def _default(whole: Schema, is_required: bool) -> str:
    if "default" in whole:
        return f"`{_yaml(whole['default'])}`"
    return "required" if is_required else ""


def _description(whole: Schema) -> str:
    """What the schema says, and the bounds of a number that a person writes."""
    text: str = whole["description"]
    if "examples" in whole and "minimum" in whole and "maximum" in whole:
        text += f" From {whole['minimum']:,} to {whole['maximum']:,}."
    return text


def _resolved(root: Schema, inner: Schema) -> Schema:
    """The schema with what it refers to beneath it."""
    if "$ref" not in inner:
        return inner
    return {**_resolved(root, _at(root, inner["$ref"].removeprefix("#"))), **inner}


def _at(root: Schema, pointer: str) -> Schema:
    place = root
    for part in pointer.split("/")[1:]:
        place = place[part]
    return place


def _yaml(value: Any) -> str:
    """The value as a manifest spells it, on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case {**fields}:
            return "{" + ", ".join(f"{name}: {_yaml(inner)}" for name, inner in fields.items()) + "}"
        case [*items]:
            return "[" + ", ".join(map(_yaml, items)) + "]"
        case "":
            return '""'
        case _:
            return str(value)


@cache
def _schema(file: str) -> Schema:
    schema: Schema = json.loads((SCHEMAS / file).read_text("utf-8"))
    return schema


if __name__ == "__main__":
    main()
