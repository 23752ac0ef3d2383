"""The pages keep their word: what they show exists, parses, runs, and prints what they say."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from pathlib import Path
from typing import Any
from zlib import crc32

import click
import pytest
from PIL import Image

from kfpipe import api, catalogue, environment
from kfpipe.cli.group import commands
from kfpipe.domain import MediaRole
from kfpipe.emulator import load_faults
from kfpipe.errors import ExitCode, Refused
from kfpipe.lock import check
from kfpipe.lock.states import STATES
from kfpipe.plan.model import Action
from tests.docs.conftest import Call
from tests.docs.pages import PAGES, ROOT, Block, blocks, blurred, headings, kfpipe_commands, links, shown, shown_file

DOCS = ROOT / "docs"
CONSOLES = [page for page in PAGES if any(blocks(page, "console"))]
MANIFESTS = [block for page in PAGES for block in blocks(page, "yaml")]
SHELL = [block for page in PAGES for block in blocks(page, "sh", "console")]

TABLES: dict[str, Any] = runpy.run_path(str(DOCS / "tables.py"))


# ---- links -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


def test_every_page_can_be_reached_from_the_index() -> None:
    index = DOCS / "index.md"
    assert set(DOCS.rglob("*.md")) <= {index, *((DOCS / link).resolve() for link in links(index))}


# ---- manifests ---------------------------------------------------------------------------------------------------

HEAD = "kfpipe: 1\nprovider: {name: emulator}\n"
SHOTS = "shots: [{id: kitten, model: wan2.7-i2v, first_frame: a.png, prompt: A kitten.}]\n"


def whole(block: Block) -> str:
    """The manifest that the block is, or is a part of."""
    if "top" in block.words:
        return HEAD + block.text + SHOTS
    if "shots" in block.words:
        return f"{HEAD}defaults: {{model: wan2.7-i2v}}\nshots:\n{block.text}"
    return block.text


def furnish(folder: Path, manifest: str) -> None:
    """Put the stills, prompts and tracks that a manifest names into the folder."""
    if "morphs/" in manifest:
        shutil.copytree(ROOT / "manifests" / "morphs", folder / "morphs", dirs_exist_ok=True)
    keyframes = [("keyframe", name) for row in re.findall(r"keyframes: \[(.*)\]", manifest) for name in row.split(", ")]
    for field, name in (*re.findall(r"(first_frame|last_frame|file): (?!https:)([\w./]+)", manifest), *keyframes):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            continue
        if field == "file":
            path.write_text("A blue monster looks up.", "utf-8")
        else:
            Image.new("RGB", (1280, 720), tuple(crc32(name.encode()).to_bytes(4)[:3])).save(path)


@pytest.mark.parametrize("block", MANIFESTS, ids=str)
def test_every_manifest_is_sound_unless_it_is_said_to_be_broken(block: Block, tmp_path: Path) -> None:
    manifest = tmp_path / "shots.yaml"
    manifest.write_text(whole(block), "utf-8")
    furnish(tmp_path, whole(block))
    if "broken" in block.words:
        with pytest.raises(Refused):
            api.load(manifest)
    else:
        assert not api.load(manifest).warnings


# ---- commands ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_every_command_exists_with_its_options(block: Block) -> None:
    for words in kfpipe_commands(block.text):
        command: click.Command = commands
        while isinstance(command, click.Group):
            with command.make_context("kfpipe", list(words), resilient_parsing=True) as context:
                name, found, words = command.resolve_command(context, words)
            assert found is not None
            command = found
        command.make_context(name, words)


@pytest.mark.parametrize("page", CONSOLES, ids=lambda page: page.name)
def test_every_command_prints_what_the_page_shows(
    page: Path, kfpipe: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks(page, "yaml", "json", "text", "console"):
        if block.file is not None:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(whole(block), "utf-8")
            furnish(tmp_path, block.text)
        if block.language == "console":
            for one in shown(block):
                (words,) = kfpipe_commands(one.command)
                assert blurred(kfpipe(words)) == blurred(one.output), f"{block}: {one.command}"


# ---- tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_are_those_of_the_schemas_and_the_code(page: Path) -> None:
    text = page.read_text("utf-8")
    assert TABLES["written"](text) == text, "python -m docs.tables writes them again"


@pytest.mark.parametrize(
    ("page", "schema", "told_otherwise"),
    [
        # `defaults` and a profile have the fields of a shot; `prompt` has one, which its example shows.
        ("manifest.md", "manifest.schema.json", {"/$defs/defaults", "/$defs/profile", "/$defs/prompt_file"}),
        ("lockfile.md", "lock.schema.json", set()),
    ],
)
def test_every_object_of_a_schema_has_its_table(page: str, schema: str, told_otherwise: set[str]) -> None:
    listed = TABLES["subjects"]((DOCS / page).read_text("utf-8"))
    assert {f"{schema}#{pointer}" for pointer in set(TABLES["objects"](schema)) - told_otherwise} <= listed


def first_cells(page: Path) -> set[str]:
    """What stands in the first column of the page's tables, as far as it is code."""
    return set(re.findall(r"^\| `([^`]+)`", page.read_text("utf-8"), re.MULTILINE))


def test_the_page_on_runs_covers_all_actions_states_exit_codes_and_variables() -> None:
    page = DOCS / "running.md"
    text = page.read_text("utf-8")
    cells = first_cells(page)
    assert {str(code.value) for code in ExitCode} <= cells
    assert {
        environment.API_KEY,
        environment.BASE_URL,
        environment.SUBMIT_TIMEOUT,
        environment.LIST_PATIENCE,
        environment.EMULATOR_CLOCK,
    } <= cells
    assert all(f"| `{action}` |" in text for action in Action)
    assert all(f"`{state}`" in text for state in STATES)


# ---- files that pages show ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["faults.json", "moving.json"])
def test_the_examples_of_fault_scripts_can_be_loaded(name: str, tmp_path: Path) -> None:
    script = tmp_path / name
    script.write_text(shown_file("emulator.md", name), "utf-8")
    assert len(load_faults(script)) == len(json.loads(script.read_text("utf-8")))


def test_the_example_of_several_accounts_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "accounts.py"
    script.write_text(shown_file("emulator.md", script.name), "utf-8")
    runpy.run_path(str(script))
    assert capsys.readouterr().out == "0 0 0\n"


def test_the_bake_off_is_that_of_the_example_and_has_every_keyframe_model() -> None:
    example = (ROOT / "manifests/bake-off.yaml").read_text("utf-8")
    assert example.endswith("\n" + shown_file("howto/bake-off.md", "bake-off.yaml"))
    known = catalogue.shipped().models
    frames = frozenset({MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME})
    sold = {name: model.offers["beijing"].wire_name for name, model in known.items() if frames in model.combinations}
    snapshots = {"wan2.7-i2v-2026-04-25"}
    assert {*re.findall(r"^ +- (\S+)$", example, re.MULTILINE)} == {*sold.values()} - snapshots


def test_the_morphs_are_those_of_the_example() -> None:
    example = (ROOT / "manifests/morphs.yaml").read_text("utf-8")
    assert example.endswith("\n" + shown_file("howto/morphs.md", "morphs.yaml"))


def test_the_example_of_a_lockfile_can_be_read() -> None:
    content = shown_file("lockfile.md", "shots.lock.json").encode()
    assert check.problems(content, "shots.lock.json") == ()
