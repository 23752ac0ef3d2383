"""What commands print for programs has a schema, and keeps to it; `tests/outputs.py` looks at every `--json`."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from jsonschema import Draft202012Validator

from kfpipe.cli.group import commands
from kfpipe.emulator import Emulator
from kfpipe.files.schemas import FILES, names, published, schema_file
from tests.cli.conftest import Call, clone_at
from tests.files.test_schemas import address_of
from tests.support import outputs

ANSWERS = (
    "init film",
    "validate shots.yaml",
    "plan shots.yaml",
    "run shots.yaml",
    "status shots.yaml",
    "cancel shots.yaml",
    "reconcile shots.yaml",
    "verify shots.yaml",
    "pick shots.yaml kitten",
    "prune shots.yaml",
    "report shots.yaml",
    "export shots.yaml --format csv",
    "stills shots.yaml",
    "models",
    "completion bash",
    "schema --list",
    "lock fmt shots.yaml",
    "lock check shots.yaml",
    "lock migrate shots.yaml",
    "lock merge base.json shots.lock.json theirs.json",
    "doctor",
    "ci check",
    "ci comment shots.yaml",
)
"""Each command with a result for programs, so that it can give one."""

NO_COMMANDS = {*FILES, "event", "refusal"}
IN_THE_KEYRING = ("login", "logout")
"""They need an extra: see `test_login.py`."""

IN_A_CLUSTER = ("cluster status", "cluster limits", "cluster drain", "cluster prune")
"""They need a database: see `tests/cluster`."""


def name_of(line: str) -> str:
    first, second, *_ = (*line.split(), "")
    return f"{first}-{second}" if first in ("lock", "ci", "cluster") else first


def every_command(group: click.Group, prefix: str = "") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, f"{name}-")
        else:
            yield f"{prefix}{name}"


def test_every_command_has_a_schema_of_its_output() -> None:
    told_by_lines = {"emulate", "review", "worker"}  # each prints an address, and then nothing until it is stopped
    assert set(every_command(commands)) - told_by_lines == set(names()) - NO_COMMANDS


def test_every_command_gives_a_program_a_result_that_fits(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    assert {name_of(line) for line in ANSWERS} == set(names()) - NO_COMMANDS - {
        *IN_THE_KEYRING,
        *map(name_of, IN_A_CLUSTER),
    }
    clone_at(folder)("init")
    for line in ANSWERS:
        if line.startswith("lock merge"):
            for copy in ("base.json", "theirs.json"):
                shutil.copy("shots.lock.json", copy)
        ended = kfpipe(*line.split(), "--json")
        assert not ended.json.get("problems"), line


@pytest.mark.parametrize("line", [*ANSWERS, *IN_THE_KEYRING, *IN_A_CLUSTER])
def test_every_refusal_of_a_command_fits(kfpipe: Call, line: str) -> None:
    assert kfpipe(*line.split(), "--colour", "--json").json["exit_code"] == 2


def test_a_field_that_the_schema_does_not_tell_of_is_found() -> None:
    refusal = {"problems": [], "exit_code": 2}
    outputs.check(["plan", "--json"], json.dumps(refusal))
    with pytest.raises(AssertionError, match="does not fit what plan printed"):
        outputs.check(["plan", "--json"], json.dumps({**refusal, "hint": "none"}))


@pytest.mark.parametrize("name", FILES)
def test_the_schema_of_a_file_is_printed_as_it_is_shipped(kfpipe: Call, name: str) -> None:
    assert json.loads(kfpipe("schema", name).out) == schema_file(name)


def test_the_schema_of_a_manifest_is_the_one_that_is_meant(kfpipe: Call) -> None:
    assert kfpipe("schema").out == kfpipe("schema", "manifest").out


@pytest.mark.parametrize("name", names())
def test_every_schema_stands_alone(name: str) -> None:
    schema = published(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == address_of(name)
    assert set(re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(schema))) <= schema["$defs"].keys()
    assert json.dumps(schema).count('"$ref"') == json.dumps(schema).count('"$ref": "#/$defs/')


def test_the_list_names_each_schema_with_what_it_describes(kfpipe: Call) -> None:
    lines = kfpipe("schema", "--list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *names()]
    assert "plan            What the next run will do, why, and what it will cost." in lines


def test_a_misspelt_schema_is_answered_with_the_right_one(kfpipe: Call) -> None:
    ended = kfpipe("schema", "paln")
    assert (ended.code, ended.err) == (2, "kfpipe schema: there is no schema 'paln'\n  fix: did you mean `plan`?\n")
