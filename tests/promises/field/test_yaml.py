"""Manifests and prompts as people's editors leave them, and what else stands beside them."""

from __future__ import annotations

import json
import re
import shutil
import signal
from contextlib import chdir
from pathlib import Path

import pytest

from kfpipe.errors import ExitCode, Refused
from kfpipe.lock.tidy import LockPlace
from tests.promises.field.loading import problems, takes, told
from tests.promises.moving.world import World


@pytest.mark.parametrize("case", ["utf16le-no-bom"])
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-16"])
def test_a_file_in_utf_16_is_told_once(project: Path, codec: str) -> None:
    manifest = project / "shots.yaml"
    text = manifest.read_bytes().decode("utf-16-le")
    manifest.write_bytes(text.encode(codec))
    assert [problem.what for problem in problems(project)] == ["the file is written in UTF-16"]
    manifest.write_text(text.replace("prompt: A black kitten looks up.", "prompt: {file: p.txt}"), "utf-8")
    (project / "p.txt").write_bytes("A cat walks.".encode(codec))
    assert [problem.what for problem in problems(project)] == ["'p.txt' is written in UTF-16"]


@pytest.mark.parametrize("case", ["ok-yaml-merge-key"])
def test_a_merge_key_is_refused_with_the_way_to_share_fields(project: Path) -> None:
    (problem,) = problems(project)
    assert told(project).startswith("shots.yaml:6:5: `<<` does not merge anything here")
    assert "`defaults`" in (problem.fix or "")


def with_prompt(project: Path, text: str) -> str:
    """A manifest with one shot that has the prompt."""
    data = json.loads((project / "ok.yaml").read_text("utf-8"))
    data["defaults"] |= {"first_frame": "frames/a.png", "last_frame": "frames/b.png"}
    data["shots"] = [{"id": "k", "prompt": text}]
    (project / "one.yaml").write_text(json.dumps(data), "utf-8")
    return "one.yaml"


@pytest.mark.parametrize("case", ["prompts"])
def test_a_prompt_is_sent_as_it_was_written(project: Path) -> None:
    manifest = project / "ok.yaml"
    text = manifest.read_text("utf-8").replace("a.png", "frames/a.png").replace("b.png", "frames/b.png")
    manifest.write_text(text, "utf-8")
    sent = {take.id: take.request.prompt for take in takes(project, "ok.yaml")}
    written = {shot["id"]: shot["prompt"].replace("\r\n", "\n").strip() for shot in json.loads(text)["shots"]}
    assert sent == {**written, "hash": "A phone shows  and #sunset"}
    assert "shot 'hash': warning: '{# hashtag #}' is a comment of the template" in told(project, "ok.yaml")


@pytest.mark.parametrize("case", ["prompts"])
@pytest.mark.parametrize("name", ["hash", "jinjaish", "percent"])
def test_braces_that_are_meant_as_text_can_be_written_as_the_fix_says(project: Path, name: str) -> None:
    text = json.loads((project / "p.json").read_text("utf-8"))[name]
    (problem,) = problems(project, with_prompt(project, text))
    (written,) = re.findall(r"write (\{\{ '.*?' \}\})", problem.fix or "")
    literal = written[4:-4]
    assert literal in text
    (take,) = takes(project, with_prompt(project, text.replace(literal, written, 1)))
    assert take.request.prompt == text


@pytest.mark.parametrize("case", ["prompts"])
def test_a_prompt_that_is_one_character_too_long_is_refused(project: Path) -> None:
    (problem,) = problems(project, with_prompt(project, "猫" * 801))
    assert "801 characters" in problem.what


@pytest.mark.parametrize("case", ["prompts"])
def test_a_slip_that_all_shots_inherit_is_told_once(project: Path) -> None:
    (project / "many.yaml").write_text(
        "kfpipe: 1\nprovider: {name: emulator}\nbudget: {max_cost: 1, currency: USD}\n"
        "defaults: {model: wan2.2-kf2v-flash, resolution: 4K, first_frame: frames/a.png, last_frame: frames/z.png,\n"
        "  prompt: 'A {{ x }}'}\n"
        "shots: [{id: a}, {id: b}, {id: c}]\n",
        "utf-8",
    )
    found = problems(project, "many.yaml")
    assert [(problem.position and problem.position.line, problem.where) for problem in found] == [
        (4, "shot 'a'"),
        (4, "shot 'a'"),
        (5, "shot 'a'"),
    ]
    assert all(problem.what.endswith(" (and in 2 more)") for problem in found)


@pytest.mark.parametrize("case", ["same-stem"])
@pytest.mark.parametrize("manifest", ["shots.yaml", "shots.yml"])
def test_two_manifests_of_one_stem_are_refused_before_they_share_a_lockfile(project: Path, manifest: str) -> None:
    (problem,) = problems(project, manifest)
    assert "'shots.yaml' and 'shots.yml'" in problem.what
    assert "rename one of the two" in (problem.fix or "")
    (project / "shots.lock.json").write_text("{}", "utf-8")
    with chdir(project), pytest.raises(Refused, match="share the lockfile"):
        LockPlace.of(Path(manifest))
    (project / "shots.yml").rename(project / "dogs.yml")
    assert [take.id for take in (*takes(project), *takes(project, "dogs.yml"))] == ["kitten", "dog"]


@pytest.mark.parametrize("case", ["ok-crlf-clone"])
def test_a_prompt_file_with_other_line_ends_asks_for_nothing_new(world: World, tmp_path: Path) -> None:
    world.git("init", "-q")
    world.run()
    (world.folder / ".gitignore").write_text(".kfpipe/\nrenders/\n", "utf-8")
    world.commit()
    world.git("clone", "-q", "-c", "core.autocrlf=true", str(world.folder), str(tmp_path / "clone"))
    shutil.copytree(world.folder / "renders", tmp_path / "clone" / "renders")
    clone = World(folder=tmp_path / "clone", emulator=world.emulator)
    assert b"\r\n" in (clone.folder / "p.txt").read_bytes()
    assert b"\r\n" in (clone.folder / "shots.lock.json").read_bytes()
    assert set(clone.actions().values()) == {"keep"}


@pytest.mark.parametrize("case", ["ok-lock-reformatted"])
def test_a_lockfile_may_be_formatted_by_another_program(world: World) -> None:
    world.run()
    lockfile = world.folder / "shots.lock.json"
    written = lockfile.read_bytes()
    data = json.loads(written)
    formatted = {
        "indented": json.dumps(data, indent=2).encode(),
        "on one line": json.dumps(data, separators=(",", ":")).encode(),
        "sorted, in ASCII": json.dumps(data, indent=4, sort_keys=True, ensure_ascii=True).encode(),
        "with CRLF": written.replace(b"\n", b"\r\n"),
        "with a byte order mark": b"\xef\xbb\xbf" + written,
    }
    for how, content in formatted.items():
        lockfile.write_bytes(content)
        assert set(world.actions().values()) == {"keep"}, how
        with chdir(world.folder):
            assert LockPlace.of(Path("shots.yaml")).rewrite(), how
        assert lockfile.read_bytes() == written, how


@pytest.mark.parametrize("case", ["ok-edit-while-interrupted"])
def test_a_take_that_was_edited_after_an_interruption_is_brought_in_beside_the_new_one(world: World) -> None:
    world.emulator.script({"on": "submit", "do": "vanish", "seconds": 400})  # it goes on for two seconds
    process = world.start("run", "shots.yaml")
    world.wait_for(lambda: any(entry["task_id"] for entry in world.requests().values()), process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    manifest = world.folder / "shots.yaml"
    manifest.write_text(manifest.read_text("utf-8").replace("looks up", "looks down"), "utf-8")
    assert [debt["action"] for debt in world.plan()["debts"]] == ["follow"]
    world.run()
    world.check(bills=2)
    assert {entry["state"] for entry in world.requests().values()} == {"rendered"}
