"""LiteLLM, a public client that knows the service by its own reading of the reference, against the emulator.

It brings more than kfpipe and all of its tests, so it may live in an environment of its own: KFPIPE_LITELLM_PYTHON is
that environment's Python.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kfpipe.emulator import Emulator

CLIENT = Path(__file__).with_name("litellm_client.py")


@pytest.fixture
def python() -> str:
    own = os.environ.get("KFPIPE_LITELLM_PYTHON")
    if own is None and importlib.util.find_spec("litellm") is None:
        pytest.skip("litellm is not installed here, and KFPIPE_LITELLM_PYTHON names no Python that has it")
    return own or sys.executable


@pytest.mark.timeout(300)  # its import alone takes long on a busy machine
def test_litellm_creates_polls_and_fetches_clips(python: str) -> None:
    surroundings = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    with Emulator(film="tiny", factor=50, queue_s=1, run_s=3, enforces_rates=False) as emulator:
        run = subprocess.run(
            [python, CLIENT, emulator.origin],
            capture_output=True,
            text=True,
            env={**surroundings, "PYTHONPATH": ""},
            check=False,
        )
        assert run.returncode == 0, run.stderr
        told = json.loads(run.stdout.splitlines()[-1])  # it has things to say of its own before
        bill = emulator.bill()
    for model in ("wan2.7-i2v", "wan3.0-video"):
        clip = told[model]
        assert (clip["first"], clip["last"], clip["is_mp4"]) == ("queued", "completed", True)
        assert clip["usage"] == {"duration_seconds": 2.0, "video_resolution": "720p"}
    assert told["without frames"]["last"] == "failed"
    assert "mutually exclusive" in json.dumps(told["without frames"]["error"])
    assert "url error" in told["by the wrong path"]
    assert [charge.model for charge in bill.charges] == ["wan2.7-i2v", "wan3.0-video"]
