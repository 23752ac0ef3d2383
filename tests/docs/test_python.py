"""What the page on Python shows runs, on both event loops, against an emulator."""

from __future__ import annotations

import inspect
import runpy
from decimal import Decimal
from pathlib import Path

import pytest

import kfpipe
from docs.signatures import FUNCTIONS, METHODS
from kfpipe import environment
from kfpipe.emulator import Emulator
from tests.docs.pages import ROOT, blocks
from tests.docs.test_pages import HEAD, SHOTS, furnish

PAGE = ROOT / "docs" / "python.md"
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


def test_the_short_examples_run_one_after_the_other(
    quick_emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, object] = {}
    for block in blocks(PAGE, "python"):
        if not block.text.startswith(("def", "async", "@", '"""')):  # heads of functions, and the example above
            exec(block.text, names)
    assert "1 0.50 USD\nkitten keep ('rendered',) 0\n" in capsys.readouterr().out
    assert len(quick_emulator.bill().charges) == 1


def test_the_page_describes_every_public_function() -> None:
    public = {name for name in kfpipe.__all__ if inspect.isfunction(getattr(kfpipe, name))}
    assert public == set(FUNCTIONS)
    assert all(inspect.getdoc(getattr(kfpipe.Session, name)) for name in METHODS)
