"""What the page on Python shows runs, on both event loops, against an emulator."""

from __future__ import annotations

import ast
import inspect
import runpy
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

import kfpipe
from docs.signatures import FIELDS, FUNCTIONS, METHODS, field_rows
from kfpipe import environment
from kfpipe.emulator import Emulator
from kfpipe.plan.model import Plan
from tests.docs.pages import ROOT, blocks
from tests.docs.test_pages import HEAD, SHOTS, furnish

PAGE = ROOT / "docs" / "python.md"
TWO_SHOTS = SHOTS.replace("id: kitten", "id: kitten, tags: [hero]").replace("}]\n", "}, ") + (
    "{id: walk, tags: [hero], model: wan2.7-i2v, first_frame: a.png, prompt: It walks.}]\n"
)
EXAMPLE = ROOT / "docs" / "examples" / "render.py"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, quick_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder: a manifest with one shot, whose requests go to the emulator."""
    manifest = f"{HEAD}{SHOTS}"
    (tmp_path / "shots.yaml").write_text(manifest, "utf-8")
    furnish(tmp_path, manifest)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(environment.BASE_URL, quick_emulator.base_url)


@pytest.mark.anyio
async def test_the_example_renders_within_its_budget(capsys: pytest.CaptureFixture[str]) -> None:
    render = runpy.run_path(str(EXAMPLE))["render"]
    assert await render("shots.yaml", Decimal(1)) == 0
    assert capsys.readouterr().out == "kitten: renders/kitten.mp4\n1 rendered, 0.50 USD spent\n"
    assert await render("shots.yaml", Decimal(0)) == 0
    assert capsys.readouterr().out == "0 rendered, 0 USD spent\n"


@pytest.mark.anyio
async def test_the_example_sends_nothing_beyond_its_budget(quick_emulator: Emulator) -> None:
    with pytest.raises(kfpipe.OverBudget):
        await runpy.run_path(str(EXAMPLE))["render"]("shots.yaml", Decimal("0.49"))
    assert not quick_emulator.bill().charges


@pytest.mark.anyio
async def test_what_is_shown_for_a_notebook_runs_in_one(quick_emulator: Emulator) -> None:
    (block,) = (block for block in blocks(PAGE, "python") if "notebook" in block.words)
    names = {"kfpipe": kfpipe, "Decimal": Decimal}
    cell = compile(block.text, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    await eval(cell, names)
    assert "<td>rendered</td>" in kfpipe.records(kfpipe.load("shots.yaml"))._repr_html_()
    assert len(quick_emulator.bill().charges) == 1


def test_the_short_examples_run_one_after_the_other(
    quick_emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("shots.yaml").write_text(f"{HEAD}{TWO_SHOTS}", "utf-8")
    names: dict[str, object] = {}
    for block in blocks(PAGE, "python"):
        # heads of functions, the example above, and what only a notebook takes
        if not block.text.startswith(("def", "async", "@", '"""')) and "notebook" not in block.words:
            exec(block.text, names)
    printed = capsys.readouterr().out
    assert "2 1.00 USD\nkitten keep ('rendered',) 0\nwalk keep ('rendered',) 0\n" in printed
    assert names["heroes"] == ("kitten",)
    assert [step.take_id for step in cast(Plan, names["again"]).work] == ["kitten"]
    assert len(quick_emulator.bill().charges) == 2


@pytest.mark.parametrize("kind", FIELDS, ids=lambda kind: kind.__name__)
def test_every_field_of_plans_and_records_is_described(kind: type) -> None:
    assert not [name for name, _, told in field_rows(kind) if not told]
    assert f"<!-- table: fields:{kind.__name__} -->" in PAGE.read_text("utf-8")


def test_the_page_describes_every_public_function() -> None:
    public = {name for name in kfpipe.__all__ if inspect.isfunction(getattr(kfpipe, name))}
    assert public == set(FUNCTIONS)
    assert all(inspect.getdoc(getattr(kfpipe.Session, name)) for name in METHODS)
