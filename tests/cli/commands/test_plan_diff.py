"""`plan --diff REV`: what has changed since a commit, in a real repository; and that a run changes nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from kfpipe.emulator import Emulator
from kfpipe.lock.states import name_of
from tests.cli.conftest import HEAD, Call, Ended, Git, clone_at

SHOTS = """\
shots:
  - {id: kitten, prompt: A kitten looks up.}
  - {id: monster, prompt: {file: prompts/monster.j2}}
  - {id: walk, prompt: It walks away., first_frame: {render: kitten, frame: last}}
  - {id: street, prompt: Lamps., first_frame: c.png}
"""


@pytest.fixture
def git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """The project in a repository of its own, committed."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / "no-config"))
    (folder / "prompts").mkdir()
    (folder / "prompts/monster.j2").write_text("A calm monster.", "utf-8")
    Image.new("RGB", (640, 360), (9, 9, 9)).save(folder / "c.png")
    (folder / "shots.yaml").write_text(HEAD + SHOTS, "utf-8")
    git = clone_at(folder)
    git("init", "-q", "-b", "main")
    (folder / ".gitignore").write_text("renders/\n.kfpipe/\n", "utf-8")
    commit(git)
    return git


def commit(git: Git) -> None:
    git("add", ".")
    git("commit", "-q", "-m", "Go on")


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def rows(ended: Ended) -> list[list[str]]:
    """The table's rows, cell by cell."""
    lines = ended.out.splitlines()
    return [[cell.strip() for cell in line.split("  ") if cell] for line in lines[1 : lines.index("")]]


# ---- edits in a project that is rendered ---------------------------------------------------------------------------


def test_an_edited_prompt_and_keyframe_concern_exactly_their_takes_in_plan_run_and_lockfile(
    folder: Path, git: Git, kfpipe: Call, emulator: Emulator
) -> None:
    kfpipe("run", "shots.yaml")
    commit(git)
    edit(folder / "prompts/monster.j2", "calm", "fierce")
    Image.new("RGB", (640, 360), (200, 9, 9)).save(folder / "c.png")
    steps = {step["take"]: step for step in kfpipe("plan", "shots.yaml", "--json").json["takes"]}
    assert {take: step["action"] for take, step in steps.items()} == {
        "kitten": "keep", "monster": "render", "walk": "keep", "street": "render",
    }  # fmt: skip
    assert steps["monster"]["reasons"] == ["prompt 'A calm monster.' -> 'A fierce monster.'"]
    (still,) = steps["street"]["reasons"]
    assert still.startswith("first_frame ") and " -> c.png (" in still
    assert kfpipe("run", "shots.yaml").code == 0
    before = json.loads(git("show", "HEAD:shots.lock.json").stdout)["requests"]
    after = json.loads((folder / "shots.lock.json").read_text("utf-8"))["requests"]
    assert {key: after[key] for key in before} == before
    assert {name_of(key) for key in after if key not in before} == {"monster", "street"}
    assert git("status", "--short").stdout.splitlines() == [" M c.png", " M prompts/monster.j2", " M shots.lock.json"]


# ---- compared ------------------------------------------------------------------------------------------------------


def test_each_take_that_differs_is_named_with_its_fields_and_what_it_costs(
    folder: Path, git: Git, kfpipe: Call
) -> None:
    edit(folder / "prompts/monster.j2", "calm", "fierce")
    edit(folder / "shots.yaml", "id: street, prompt: Lamps.", "id: road, duration: 5, prompt: Lamps.")
    ended = kfpipe("plan", "shots.yaml", "--diff", "HEAD")
    assert rows(ended) == [
        ["monster", "changed", "prompt 'A calm monster.' -> 'A fierce monster.'", "render", "0.20"],
        ["road", "added", "render", "0.50"],
        ["street", "removed"],
    ]
    commit_id = git("rev-parse", "HEAD").stdout[:8]
    assert f"since HEAD ({commit_id}): 1 added, 1 removed, 1 changed, 2 unchanged\n" in ended.out
    assert "  cost of rendering every take once: USD 0.80 -> USD 1.10 (+0.30)\n" in ended.out
    assert "4 takes: 3 to render, 1 waiting for another shot\n" in ended.out


def test_a_program_gets_the_same(folder: Path, git: Git, kfpipe: Call) -> None:
    edit(folder / "shots.yaml", "A kitten looks up.", "A kitten looks down.")
    diff = kfpipe("plan", "shots.yaml", "--diff", "main", "--json").json["diff"]
    assert diff["commit"] == git("rev-parse", "main").stdout.strip()
    fields = [{"field": "prompt", "before": "'...looks up.'", "after": "'...looks down.'"}]
    assert diff["takes"] == [{"take": "kitten", "change": "changed", "fields": fields}]
    assert (diff["unchanged"], diff["before"], diff["after"]) == (3, diff["after"], {"cost": "0.80", "unpriced": 0})


def test_nothing_but_the_sum_is_told_when_nothing_has_changed(folder: Path, git: Git, kfpipe: Call) -> None:
    ended = kfpipe("plan", "shots.yaml", "--diff", "HEAD")
    assert ended.out.splitlines()[0].endswith("): 4 unchanged")


def test_what_a_run_has_done_since_is_a_difference_of_the_record(
    folder: Path, git: Git, kfpipe: Call, emulator: Emulator
) -> None:
    kfpipe("run", "shots.yaml", "-s", "street")
    (row,) = rows(kfpipe("plan", "shots.yaml", "--diff", "HEAD"))
    assert row[:2] == ["street", "changed"]
    assert row[2].startswith("record absent -> rendered (")
    commit(git)
    assert kfpipe("plan", "shots.yaml", "--diff", "HEAD", "--json").json["diff"]["takes"] == []


def test_a_comment_on_a_pull_request_shows_what_differs(folder: Path, git: Git, kfpipe: Call) -> None:
    edit(folder / "shots.yaml", "looks up", "looks down")
    lines = kfpipe("plan", "shots.yaml", "--diff", "main", "--markdown").out.splitlines()
    assert lines[3].startswith("since main (")
    assert (
        lines[-2] == "| kitten | changed | <code>prompt '...looks up.' -&#62; '...looks down.'</code> | render | 0.20 |"
    )


def test_only_selected_takes_are_compared(folder: Path, git: Git, kfpipe: Call) -> None:
    edit(folder / "shots.yaml", "duration: 2", "duration: 3")
    diff = kfpipe("plan", "shots.yaml", "--diff", "HEAD", "-s", "kitten", "--json").json["diff"]
    assert [take["take"] for take in diff["takes"]] == ["kitten"]


def test_includes_tables_and_links_are_read_as_they_were(folder: Path, git: Git, kfpipe: Call) -> None:
    (folder / "more").mkdir()
    (folder / "more/list.csv").write_text("id,prompt\nowl,An owl.\n", "utf-8")
    (folder / "more/shots.yaml").write_text("kfpipe: 1\nshot_lists: [list.csv]\n", "utf-8")
    (folder / "d.png").symlink_to("c.png")
    head = HEAD.replace("a.png", "d.png") + "include: [more/shots.yaml]\n"
    (folder / "shots.yaml").write_text(head + SHOTS, "utf-8")
    commit(git)
    (folder / "more/list.csv").write_text("id,prompt\nowl,A barn owl.\n", "utf-8")
    (row,) = rows(kfpipe("plan", "shots.yaml", "--diff", "HEAD"))
    assert row[:3] == ["owl", "changed", "prompt 'An owl.' -> 'A barn owl.'"]


def test_a_manifest_in_a_folder_of_the_repository_is_found(folder: Path, git: Git, kfpipe: Call) -> None:
    (folder / "film").mkdir()
    (folder / "film/own.yaml").write_text(
        HEAD.replace("a.png", "../a.png").replace("b.png", "../b.png") + "shots: [{id: owl, prompt: An owl.}]\n",
        "utf-8",
    )
    commit(git)
    assert "1 unchanged" in kfpipe("plan", "film/own.yaml", "--diff", "HEAD").out


def test_a_still_in_git_lfs_is_found_where_it_was_fetched(folder: Path, git: Git, kfpipe: Call) -> None:
    content = (folder / "c.png").read_bytes()
    oid = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
    (folder / "c.png").write_text(pointer, "utf-8")
    commit(git)
    (folder / "c.png").write_bytes(content)
    ended = kfpipe("plan", "shots.yaml", "--diff", "HEAD")
    assert (ended.code, ended.err.splitlines()[0][:16]) == (2, "HEAD:shots.yaml:")
    store = folder / ".git/lfs/objects" / oid[:2] / oid[2:4]
    store.mkdir(parents=True)
    (store / oid).write_bytes(content)
    assert "4 unchanged" in kfpipe("plan", "shots.yaml", "--diff", "HEAD").out


# ---- refused -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nowhere", "", "--output=shots.yaml", "HEAD:shots.yaml", "HEAD~9", "main..main"])
def test_what_names_no_commit_is_refused(folder: Path, git: Git, kfpipe: Call, name: str) -> None:
    ended = kfpipe("plan", "shots.yaml", f"--diff={name}")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"--diff: git knows no commit '{name}'\n")


def test_a_commit_without_the_manifest_is_refused(folder: Path, git: Git, kfpipe: Call) -> None:
    (folder / "shots.yaml").rename(folder / "other.yaml")
    ended = kfpipe("plan", "other.yaml", "--diff", "HEAD")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "--diff: 'HEAD' has no 'other.yaml'")


def test_without_a_repository_there_is_nothing_to_compare_with(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("plan", "shots.yaml", "--diff", "HEAD")
    assert (ended.code, ended.err) == (2, "--diff: there is no git repository around the manifest\n")


def test_a_manifest_that_was_broken_is_told_of_in_its_own_place(folder: Path, git: Git, kfpipe: Call) -> None:
    edit(folder / "shots.yaml", "wan2.7-i2v", "wan2.7-i3v")
    commit(git)
    edit(folder / "shots.yaml", "wan2.7-i3v", "wan2.7-i2v")
    ended = kfpipe("plan", "shots.yaml", "--diff", "HEAD")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("HEAD:shots.yaml:4:19: shot 'kitten': ")


def test_neither_index_nor_work_tree_nor_hooks_nor_filters_have_a_part_in_it(
    folder: Path, git: Git, kfpipe: Call
) -> None:
    (folder / ".gitattributes").write_text("*.yaml filter=trap export-ignore\n", "utf-8")
    commit(git)
    for setting in ("filter.trap.smudge", "core.fsmonitor", "core.sshCommand"):
        git("config", setting, f"touch {folder}/sprung; cat")
    edit(folder / "shots.yaml", "Lamps", "Lanterns")
    index = (folder / ".git/index").read_bytes()
    assert len(rows(kfpipe("plan", "shots.yaml", "--diff", "HEAD"))) == 1
    assert (folder / ".git/index").read_bytes() == index
    assert not (folder / "sprung").exists()


def test_what_a_partial_clone_lacks_is_not_fetched_on_the_way(
    folder: Path, git: Git, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(folder / "shots.yaml", "Lamps", "Lanterns")
    commit(git)
    git("config", "uploadpack.allowFilter", "true")
    git("clone", "-q", "--filter=blob:none", folder.as_uri(), str(folder / "clone"))
    monkeypatch.chdir(folder / "clone")
    ended = kfpipe("plan", "shots.yaml", "--diff", "HEAD~1")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("--diff: git cannot read 'shots.yaml' of that commit\n  fix: ")


def test_what_a_commit_lacks_is_told_in_a_partial_clone_too(
    folder: Path, git: Git, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "shots.yaml").rename(folder / "later.yaml")
    commit(git)
    git("config", "uploadpack.allowFilter", "true")
    git("clone", "-q", "--filter=blob:none", folder.as_uri(), str(folder / "clone"))
    monkeypatch.chdir(folder / "clone")
    ended = kfpipe("plan", "later.yaml", "--diff", "HEAD~1")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("--diff: 'HEAD~1' has no 'later.yaml'\n")


def test_git_does_not_get_the_key(folder: Path, git: Git, kfpipe: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test-0123456789abcdef")
    real = shutil.which("git")
    (folder / "bin").mkdir()
    spy = folder / "bin/git"
    spy.write_text(f'#!/bin/sh\nenv > "{folder}/seen"\nexec {real} "$@"\n', "utf-8")
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spy.parent}{os.pathsep}{os.environ['PATH']}")
    assert kfpipe("plan", "shots.yaml", "--diff", "HEAD").code == 0
    assert "sk-test" not in (folder / "seen").read_text("utf-8")
