"""What takes have in common is found out once, and each is what it would be in a shot list of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kfpipe import project
from kfpipe.domain import Take
from kfpipe.errors import Refused

STILLS = ("a.png", "b.png", "./a.png")

SHOTS = st.lists(
    st.fixed_dictionaries(
        {
            "first_frame": st.sampled_from(STILLS),
            "prompt": st.sampled_from(["A kitten.", "A {{ animal }} at {{ shot }}.", "Seed {{ seed }}", "{{ index }}"]),
        },
        optional={
            "model": st.sampled_from(["wan2.7-i2v", "wan2.2-kf2v-flash", "happyhorse-1.0-i2v"]),
            "last_frame": st.sampled_from(STILLS) | st.none(),
            "negative_prompt": st.sampled_from(["", "blur", "no {{ animal }}"]),
            "resolution": st.sampled_from(["720P", "1080P"]),
            "duration": st.sampled_from([5, 10]),
            "seed": st.sampled_from([0, 1, "random"]),
            "prompt_extend": st.booleans(),
            "watermark": st.booleans(),
            "vars": st.sampled_from([{"animal": "cat"}, {"animal": "dog", "more": [1, "e\u0301"]}, None]),
            "tags": st.lists(st.sampled_from(["night", "hero"]), max_size=2),
            "notes": st.sampled_from(["", "later"]),
            "attempts": st.sampled_from([1, 3]),
            "matrix": st.sampled_from([{"seed": [1, 2]}, {"light": ["dawn", "dusk"]}]),
        },
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("alike")
    for number, name in enumerate(("a.png", "b.png")):
        Image.new("RGB", (640, 360), (number, 0, 0)).save(made / name)
    return made


def takes_of(folder: Path, shots: Sequence[dict[str, Any]]) -> dict[str, tuple[Take, ...]] | None:
    """The takes by shot; None where something is wrong with one of the shots."""
    manifest = {
        "kfpipe": 1,
        "provider": {"name": "emulator"},
        "vars": {"animal": "kitten"},
        "defaults": {"model": "wan2.7-i2v"},
        "shots": shots,
    }
    (folder / "shots.yaml").write_text(json.dumps(manifest), "utf-8")
    try:
        takes = project.load(folder / "shots.yaml").takes
    except Refused:
        return None
    return {shot["id"]: tuple(take for take in takes if take.shot_id == shot["id"]) for shot in shots}


@settings(max_examples=60, deadline=None)
@given(SHOTS)
def test_a_shot_has_the_takes_that_it_would_have_alone(folder: Path, shots: list[dict[str, Any]]) -> None:
    named = [{"id": f"shot_{number}", **shot} for number, shot in enumerate(shots)]
    alone = [takes_of(folder, [shot]) for shot in named]
    together = takes_of(folder, named)
    if None in alone:
        assert together is None
    else:
        assert together == {name: takes for one in alone for name, takes in (one or {}).items()}
