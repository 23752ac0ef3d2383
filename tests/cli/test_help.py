"""What a newcomer reads first, and that it comes quickly."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import click
import pytest

from kfpipe import __version__
from kfpipe.cli.group import SECTIONS, SUMMARIES, commands
from tests.cli.conftest import Call

HEAVY = [
    "httpx", "jsonschema", "jsonschema_rs", "jinja2", "yaml", "rich", "av", "PIL", "starlette", "uvicorn", "anyio",
    "dashscope",
]  # fmt: skip


def test_the_first_help_loads_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys, kfpipe.cli\n"
        "try: kfpipe.cli.main(['--help'])\n"
        f"finally: sys.exit(sorted(set({HEAVY!r}) & set(sys.modules)) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Usage: kfpipe" in ended.stdout


def test_importing_kfpipe_loads_none_of_them_either() -> None:
    code = f"import sys, kfpipe; sys.exit(sorted(set({HEAVY!r}) & set(sys.modules)) or 0)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_explains_itself_with_an_example(kfpipe: Call, name: str) -> None:
    ended = kfpipe(name, "--help")
    assert ended.code == 0
    assert f"kfpipe {name}" in ended.out.partition("\nExamples:\n")[2]
    assert "--json" in ended.out


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    command = commands.get_command(commands.make_context("kfpipe", [], resilient_parsing=True), name)
    assert command is not None and command.help is not None
    assert command.help.splitlines()[0] == SUMMARIES[name]


def test_the_first_help_groups_the_commands_in_the_order_of_the_work(kfpipe: Call) -> None:
    lines = kfpipe("--help").out.splitlines()
    headings = [lines.index(f"{heading}:") for heading in SECTIONS]
    assert headings == sorted(headings)
    for place, section in zip(headings, SECTIONS.values(), strict=True):
        listed = lines[place + 1 : place + 1 + len(section)]
        assert [line.split()[0] for line in listed] == list(section)
        assert all(line.endswith(summary) for line, summary in zip(listed, section.values(), strict=True))


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_example_is_a_command_with_these_options(name: str) -> None:
    command = commands.get_command(commands.make_context("kfpipe", [], resilient_parsing=True), name)
    assert command is not None and command.epilog
    for example in command.epilog.splitlines():
        if example.startswith("kfpipe"):
            program, verb, *words = shlex.split(re.split(" [|>] ", example)[0])
            assert (program, verb) == ("kfpipe", name)
            inner: click.Command = command
            if isinstance(command, click.Group):
                found = command.get_command(click.Context(command), words.pop(0))
                assert found is not None
                inner = found
            inner.make_context(name, words)


def test_no_words_at_all_show_the_help(kfpipe: Call) -> None:
    assert kfpipe().out == kfpipe("--help").out


def test_the_version_is_told(kfpipe: Call) -> None:
    assert kfpipe("--version").out == f"kfpipe {__version__}\n"


def test_a_misspelt_command_is_answered_with_the_right_one(kfpipe: Call) -> None:
    ended = kfpipe("plna")
    assert ended.code == 2
    assert ended.err == "kfpipe: there is no command `plna`\n  fix: did you mean `plan`?\n"


def test_a_misspelt_option_is_answered_with_the_right_one(kfpipe: Call) -> None:
    ended = kfpipe("run", "--max-csot", "3", "shots.yaml")
    assert ended.code == 2
    assert ended.err == "kfpipe run: there is no option `--max-csot`\n  fix: did you mean `--max-cost`?\n"


def test_a_missing_shot_is_asked_for(kfpipe: Call) -> None:
    ended = kfpipe("pick")
    assert ended.code == 2
    assert ended.err == "kfpipe pick: missing argument 'SHOT'\n  fix: run `kfpipe pick --help` for its usage\n"


def test_wrong_usage_is_json_where_json_was_asked_for(kfpipe: Call) -> None:
    ended = kfpipe("pick", "--json")
    assert ended.err == ""
    assert ended.json["exit_code"] == ended.code == 2
    assert ended.json["problems"][0]["what"] == "missing argument 'SHOT'"
