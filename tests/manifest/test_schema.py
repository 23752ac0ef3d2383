"""Documents against the schema of a manifest, and the schema against itself."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from kfpipe import catalogue
from kfpipe.domain import EMULATOR_REGION
from kfpipe.manifest import document, schema
from kfpipe.manifest.schema import strict, validation
from kfpipe.manifest.schema.rules import (
    NAMES_OF_THE_CATALOGUE,
    checked_schema,
    dereferenced,
    manifest_schema,
    schema_at,
)

HEAD = "kfpipe: 1\nprovider: {name: emulator}\nshots:\n"


def checked(text: str) -> schema.StructureCheck:
    return schema.check(document.parse(text, "shots.yaml"))


def complaints(text: str) -> list[tuple[str, str]]:
    return [(problem.where, problem.what) for problem in checked(text).problems]


FULL = """\
kfpipe: 1
title: Kitten and monster
provider: {name: dashscope, region: singapore, base_url: https://example.com/api/v1, workspace: ws-1, account: acme}
limits: {submissions_per_second: 5, concurrent_tasks: 5, queries_per_second: 20}
budget: {max_cost: 12.50, max_total: 200, currency: USD}
prices: {wan2.7-i2v: {720P: 0.10, 1080P: "0.15"}}
output: {dir: renders}
vars: {style: Realistic style, ratio: 2.0, night: true, moods: [calm, wild], sky: {evening: red}}
defaults: {model: wan2.7-i2v, resolution: 720P, duration: 5, prompt_extend: false, watermark: false}
shots:
  - id: kitten
    tags: [hero, act-1]
    first_frame: frames/kitten_a.png
    last_frame: frames/kitten_b.png
    prompt: "{{ style }}. A black kitten looks up."
    negative_prompt: blurry, text
    vars: {sky: evening}
    seed: 42
    attempts: 3
    priority: -1
  - id: monster
    prompt: {file: prompts/monster.j2}
    seed: random
    matrix:
      seed: [1, 2, 3]
      resolution: [720P, 1080P]
      include: [{seed: 4, resolution: 720P}]
      exclude: [{seed: 3, resolution: 1080P}]
"""


def test_a_manifest_with_every_field_is_sound() -> None:
    assert checked(FULL) == schema.StructureCheck(problems=(), broken=frozenset())


def test_both_validators_take_the_full_manifest() -> None:
    data = document.parse(FULL, "shots.yaml").data
    assert jsonschema_rs.Draft202012Validator(schema.manifest_schema()).is_valid(data)
    assert Draft202012Validator(schema.manifest_schema()).is_valid(data)


def test_broken_parts_and_shots_are_listed_and_the_sound_ones_are_not() -> None:
    text = FULL.replace("duration: 5,", "duration: five,").replace("currency: USD", "currency: usd")
    text += "  - {id: walk, fps: 24}\n  - {id: road}\n  - prompt: x\n"
    assert checked(text).broken == {("defaults",), ("budget",), ("shots", 2), ("shots", 4)}


def test_a_missing_and_an_unknown_part_are_broken_under_their_own_names() -> None:
    assert checked("kfpipe: 1\ntitel: x\nshots: [{id: a}]\n").broken == {("titel",), ("provider",)}


def test_nothing_of_another_version_is_used_or_complained_about() -> None:
    check = checked("kfpipe: 2\nscenes: []\n")
    assert check.broken == {()}
    assert len(check.problems) == 1


def test_problems_come_in_file_order() -> None:
    check = checked(HEAD + "  - {id: a, fps: 1}\n  - {id: b, seed: x}\nlimits: {tasks: 1}\n")
    assert [problem.position.line for problem in check.problems if problem.position] == [4, 5, 6]
    assert schema.problems(document.parse(HEAD + "  - {id: a}\n", "shots.yaml")) == ()


def test_a_shot_is_called_by_its_id_when_it_has_one_of_use() -> None:
    text = HEAD + "  - {id: kitten, fps: 1}\n  - {id: black kitten, fps: 1}\n  - {id: 3, fps: 1}\n  - 7\n"
    names = {where for where, _ in complaints(text)}
    assert names == {"shot 'kitten'", "shots[1]", "shots[2]", "shots[3]"}


def test_an_id_that_ends_with_a_line_break_is_no_id() -> None:
    assert checked(HEAD + '  - id: "kitten\\n"\n').broken == {("shots", 0)}


@pytest.mark.parametrize("field", ["duration: 5.0", "seed: 7.0", "attempts: 1e0", "priority: 2.0"])
def test_a_whole_number_is_written_without_a_point(field: str) -> None:
    assert checked(f"{HEAD}  - {{id: a, {field}}}\n").broken == {("shots", 0)}


def test_true_and_one_are_two_values_of_an_axis() -> None:
    assert complaints(HEAD + "  - {id: a, matrix: {x: [true, 1, 'true', '1', 1.5]}}\n") == []


def test_only_the_first_broken_shots_are_explained_and_the_rest_is_counted() -> None:
    shots = "".join(f"  - {{id: shot_{index}, fps: 24}}\n" for index in range(60))
    check = checked(HEAD + shots)
    assert len(check.broken) == 60
    assert len(check.problems) == schema.MOST_EXPLAINED_SHOTS + 1
    assert check.problems[-1].where == "shot 'shot_50'"
    assert "9 more" in check.problems[-1].what


def test_the_problems_of_one_part_are_bounded() -> None:
    names = ", ".join(f"k{index}: " for index in range(500))
    assert len(checked(f"{HEAD}  - {{id: a}}\nvars: {{{names}}}\n").problems) == strict.MOST_FINDINGS_IN_A_PART + 1


def test_no_message_repeats_a_long_value_or_a_control_character() -> None:
    text = HEAD + '  - {id: a, seed: "' + "x" * 5_000 + '"}\n  - {id: "\\u202Eevil", tags: [[' + "1, " * 5_000 + "]]}\n"
    text += 'prices: {"m\\u202Eodel": {720P: "$1"}, x: {"\\u202E": -1}}\n'
    for problem in checked(text).problems:
        line = f"{problem.where}{problem.what}{problem.expected}{problem.fix}"
        assert len(line) < 400
        assert line.isprintable()


def test_a_shot_that_only_the_gate_refuses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = {"shots": [{"id": "a", "duration": 0}]}
    monkeypatch.setattr(strict, "_entry_validator", lambda part: Draft202012Validator({}))
    (finding,) = validation.findings_in_entry(data, "shots", 0)
    assert finding.path == ("shots", 0, "duration")


def test_the_schema_a_caller_gets_is_its_own() -> None:
    schema.manifest_schema()["properties"].clear()
    assert schema.manifest_schema()["properties"]


# ---- the schema itself


def test_the_schema_is_valid_and_refers_to_nothing_outside() -> None:
    Draft202012Validator.check_schema(checked_schema())
    references = {part["$ref"] for _, part in parts() if "$ref" in part}
    assert {reference.removeprefix("#/$defs/") for reference in references} <= checked_schema()["$defs"].keys()


def test_every_property_has_a_title_a_description_and_an_example() -> None:
    for path, part in properties():
        field = dereferenced(part)
        assert field.get("title"), path
        assert field.get("description"), path
        assert field.get("examples"), path


def test_every_example_and_default_fits_its_own_field() -> None:
    for path, part in properties():
        field = dereferenced(part)
        for value in [*field["examples"], *([field["default"]] if "default" in field else [])]:
            assert strict.fits(value, field), (path, value)


def test_editors_are_offered_the_names_of_the_catalogue() -> None:
    known = catalogue.shipped()
    regions = [region for region in known.regions.values() if region.name != EMULATOR_REGION]
    told = {name: manifest_schema()["$defs"][name] for name in NAMES_OF_THE_CATALOGUE}
    for name in ("model", "resolution"):
        assert told[name]["enum"].pop() is None
    assert told["model"]["enumDescriptions"].pop() == "Takes away the inherited one."
    assert told["resolution"]["enum"] == list(known.tiers)
    for name, things in (("model", known.models.values()), ("region", regions)):
        assert told[name]["enum"] == [one.name for one in things] + [alias for one in things for alias in one.aliases]
        assert len(told[name]["enumDescriptions"]) == len(told[name]["enum"])
    assert all(set(one["examples"]) <= set(one["enum"]) for one in told.values())


def test_no_mapping_takes_unknown_fields_by_oversight() -> None:
    for path, part in parts():
        if "object" in part.get("type", ()):
            assert "additionalProperties" in dereferenced(part), path


def test_every_pattern_is_anchored_and_said_in_words() -> None:
    for path, part in parts():
        if "pattern" in part:
            assert part["pattern"].startswith("^"), path
            assert part["pattern"].endswith("$"), path
            assert part["patternErrorMessage"], path


def test_defaults_take_every_field_of_a_shot_but_its_name_notes_and_matrix() -> None:
    of_shot, of_defaults = (schema_at(path)["properties"] for path in (("shots", 0), ("defaults",)))
    assert {name: of_shot[name] for name in of_defaults} == of_defaults
    assert of_shot.keys() - of_defaults.keys() == {"id", "matrix", "notes"}


def parts() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside the schema, with its path."""

    def walk(path: str, part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(part, dict):
            yield path, part
            for keyword, below in part.items():
                if keyword not in ("examples", "default"):
                    yield from walk(f"{path}/{keyword}", below)
        elif isinstance(part, list):
            for index, below in enumerate(part):
                yield from walk(f"{path}/{index}", below)

    yield from walk("", checked_schema())


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, part in parts():
        if path.rpartition("/")[0].endswith("/properties"):
            yield path, part
