"""A stranger's shot list, as it comes to lie in front of a director: through the real command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.promises.strangers.conftest import Call
from tests.support.html_page import Page

SCRIPT = "</title></style><script>alert(1)</script>"
STILL = "frames/javascript:alert(1)'><i>.png"
MANIFEST = {
    "kfpipe": 1,
    "title": SCRIPT,
    "provider": {"name": "emulator"},
    "shots": [
        {
            "id": "javascript",
            "model": "wan2.7-i2v",
            "prompt": "=HYPERLINK(1) {{ '<svg onload=alert(1)>' }}",
            "first_frame": STILL,
            "negative_prompt": SCRIPT,
        }
    ],
}


@pytest.fixture
def hostile(folder: Path) -> Path:
    (folder / "frames").mkdir()
    Image.new("RGB", (640, 360)).save(folder / STILL)
    (folder / "shots.yaml").write_text(json.dumps(MANIFEST), "utf-8")
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="no file can be called so there")
def test_no_word_of_a_stranger_becomes_part_of_a_page(hostile: Path, kfpipe: Call) -> None:
    assert kfpipe("report", "shots.yaml").code == 0
    page = Page((hostile / "renders" / "shots.html").read_text("utf-8"))
    assert not {element.name for element in page.elements} & {"script", "svg", "i", "base", "iframe", "object", "form"}
    assert not any(name.startswith("on") for element in page.elements for name in element.attributes)
    assert page.text.count("<script>alert(1)</script>") == 3  # the title twice, what is not wanted once
    assert {urlsplit(address).scheme for address in page.addresses} == {""}
