"""Every option has a variable of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kfpipe.cli.group import SUMMARIES, commands
from tests.cli.conftest import Call


def options(command: click.Command, *path: str) -> Iterator[tuple[str, click.Option]]:
    """All options with the variable that each is said to have."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from options(inner, *path, name)
    for option in command.params:
        if isinstance(option, click.Option):
            for name in (text[2:] for text in option.opts if text.startswith("--")):
                yield "_".join(["kfpipe", *path, name]).replace("-", "_").upper(), option


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_option_of_every_command_reads_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    seen = set()
    for variable, option in options(command, name):
        monkeypatch.setenv(variable, "1")
        assert option.resolve_envvar_value(click.Context(command)) == "1", variable
        monkeypatch.delenv(variable)
        seen.add(variable)
    assert seen


def test_a_variable_counts_and_the_command_line_wins(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFPIPE_PLAN_SELECT", "kitten !monster")
    monkeypatch.setenv("KFPIPE_PLAN_CHECK", "1")
    monkeypatch.setenv("KFPIPE_PLAN_JSON", "1")
    ended = kfpipe("plan", "shots.yaml")
    assert (ended.code, [take["take"] for take in ended.json["takes"]]) == (1, ["kitten"])
    assert [take["take"] for take in kfpipe("plan", "-s", "monster").json["takes"]] == ["monster"]


def test_a_refusal_is_json_too_where_a_variable_asks_for_it(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFPIPE_LOCK_CHECK_JSON", "true")
    assert kfpipe("lock", "check", "shots.yaml").json["exit_code"] == 2


def test_a_variable_of_another_kind_is_refused_by_its_option(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFPIPE_RUN_LOG_LEVEL", "loud")
    ended = kfpipe("run", "shots.yaml")
    assert (ended.code, "--log-level" in ended.err) == (2, True)
