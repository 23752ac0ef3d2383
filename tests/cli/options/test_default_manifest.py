"""Where MANIFEST is left out, the one that the folder has is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe.cli.options import default_manifest
from kfpipe.errors import Refused
from tests.cli.conftest import HEAD, SHOTS, Call

OTHER = "services: {db: {kfpipe: 1}}\n"


@pytest.mark.parametrize(
    ("files", "meant"),
    [
        ({"kfpipe.yaml": "", "a.kfpipe.yaml": "kfpipe: 1", "b.yaml": "kfpipe: 1"}, "kfpipe.yaml"),
        ({"a.kfpipe.yaml": "", "b.yaml": "kfpipe: 1"}, "a.kfpipe.yaml"),
        ({"b.yml": "# a shot list\n\nkfpipe: 1\n", "compose.yaml": OTHER, "c.txt": "kfpipe: 1"}, "b.yml"),
        ({"b.yaml": '{"kfpipe": 1}'}, "b.yaml"),
        ({"镜头.yaml": "\ufefftitle: x\n'kfpipe' : 1\n"}, "镜头.yaml"),
    ],
)
def test_the_manifest_that_is_left_out_is_found(tmp_path: Path, files: dict[str, str], meant: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert default_manifest.found(tmp_path).name == meant


@pytest.mark.parametrize("files", [["a.yaml", "b.yml"], ["x.kfpipe.yaml", "y.kfpipe.yaml"]])
def test_of_several_manifests_none_is_guessed(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).write_text("kfpipe: 1\n", "utf-8")
    with pytest.raises(Refused) as caught:
        default_manifest.found(tmp_path)
    assert caught.value.problems[0].expected == " or ".join(files)


def test_every_command_works_on_the_manifest_of_the_folder(folder: Path, kfpipe: Call) -> None:
    assert kfpipe("validate").out == "ok: 2 shots, 2 takes\n"
    assert [take["take"] for take in kfpipe("plan", "--json").json["takes"]] == ["kitten", "monster"]
    assert kfpipe("lock", "check").code == kfpipe("lock", "check", "shots.yaml").code
    assert "kitten has no clip" in kfpipe("pick", "kitten", "kitten").err
    assert kfpipe("pick", "kitten").code == kfpipe("pick", "shots.yaml", "kitten").code == 0
    (folder / "other.yaml").write_text(HEAD + SHOTS, "utf-8")
    ended = kfpipe("run")
    assert (ended.code, "other.yaml or shots.yaml" in ended.err) == (2, True)
    (folder / "shots.yaml").unlink()
    (folder / "other.yaml").unlink()
    ended = kfpipe("status", "--json")
    assert (ended.code, ended.json["problems"][0]["what"]) == (2, "no manifest is named, and this folder has none")
