"""`kfpipe ci comment`: one comment on a pull request, in a real repository, at an API on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfpipe.cli.ci import comment
from kfpipe.cli.ci.comment import LONGEST, Review
from kfpipe.errors import Position, Problem, Severity
from tests.cli.conftest import HEAD, SHOTS, Call, Git, clone_at
from tests.support import github
from tests.support.github import Hub
from tests.support.places import ROOT

PROBLEM = Problem(file="a.yaml", position=Position(line=3, column=5), what="it is wrong", fix="put it right")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with github.serving() as hub:
        monkeypatch.setenv("GITHUB_API_URL", hub.url)
        yield hub


@pytest.fixture
def git(folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Git:
    """A branch of the pull request 7, in a job of GitHub; `main` has the manifest as it was."""
    git = clone_at(folder)
    git("init", "-q", "-b", "main")
    git("add", "--all")
    git("commit", "-q", "-m", "Begin")
    git("switch", "-q", "-c", "work")
    for name, value in {"ACTIONS": "true", "REPOSITORY": "acme/film", "TOKEN": hub.token}.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    for name in ("EVENT_PATH", "STEP_SUMMARY"):
        monkeypatch.setenv(f"GITHUB_{name}", str(folder / f"job-{name}"))
    event(folder, git, head="acme/film")
    return git


def event(folder: Path, git: Git, *, head: str) -> None:
    sides = {"base": {"sha": git("rev-parse", "main").stdout.strip(), "repo": {"full_name": "acme/film"}}}
    request = {"number": 7, **sides, "head": {"repo": {"full_name": head}}}
    (folder / "job-EVENT_PATH").write_text(json.dumps({"pull_request": request}), "utf-8")


def edit(folder: Path, before: str, after: str) -> None:
    path = folder / "shots.yaml"
    assert before in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(before, after), "utf-8")


def test_the_first_comment_has_the_change_and_the_price_and_the_next_brings_it_up_to_date(
    folder: Path, git: Git, hub: Hub, kfpipe: Call
) -> None:
    hub.bodies += ["Looks good."] * 130  # on the second page
    edit(folder, "A kitten", "A cat")
    ended = kfpipe("ci", "comment", "shots.yaml", "--json")
    assert (ended.code, ended.json["action"], len(hub.bodies)) == (0, "created", 131)
    assert hub.bodies[-1].startswith("<!-- kfpipe: shots.yaml -->\n")
    assert "1 changed, 1 unchanged" in hub.bodies[-1]
    assert "cost of rendering every take once: USD 0.40" in hub.bodies[-1]
    hub.bodies.append("Thank you.")
    edit(folder, "id: monster", "id: ogre")
    ended = kfpipe("ci", "comment", "shots.yaml")
    assert (ended.code, ended.out, len(hub.bodies)) == (0, "updated https://github.example/7#130\n", 132)
    assert "1 added, 1 removed, 1 changed" in hub.bodies[130]
    assert hub.bodies[130] in (folder / "job-STEP_SUMMARY").read_text("utf-8")
    assert hub.token not in ended.out + ended.err + "".join(hub.bodies)


def test_what_is_wrong_is_shown_at_its_line_and_fails_the_job(
    folder: Path, git: Git, hub: Hub, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "film, 1").mkdir()
    monkeypatch.chdir(folder / "film, 1")
    text = (HEAD + SHOTS).replace("a.png", "../a.png").replace("b.png", "../b.png").replace("id: kitten", "tag: 5%")
    Path("shots.yaml").write_text(text, "utf-8")
    ended = kfpipe("ci", "comment", "shots.yaml")
    assert ended.code == 2
    assert ended.err.startswith("::error file=film%2C 1/shots.yaml,line=6,col=")
    assert all(line.startswith("::") for line in ended.err.splitlines())
    assert "problem" in hub.bodies[0] and "shots.yaml:6:" in hub.bodies[0]
    assert kfpipe("ci", "comment", "shots.yaml", "--fail-on", "never").code == 0


def test_work_fails_the_job_only_where_that_is_asked_for(git: Git, kfpipe: Call) -> None:
    assert [kfpipe("ci", "comment", "--fail-on", word).code for word in ("problems", "work", "never")] == [0, 1, 0]


@pytest.mark.parametrize("why", ["read-only", "none", "wrong"])
def test_a_token_that_may_not_write_is_said_and_fails_nothing(
    folder: Path, git: Git, hub: Hub, kfpipe: Call, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    hub.may_write = why != "read-only"
    if why != "read-only":
        monkeypatch.setenv("GITHUB_TOKEN", {"none": "", "wrong": "ghs_another-secret"}[why])
    ended = kfpipe("ci", "comment", "shots.yaml")
    assert (ended.code, hub.bodies) == (0, [])
    assert ended.err.startswith("::warning title=kfpipe::no comment was written: ")
    assert "no comment was written" in (folder / "job-STEP_SUMMARY").read_text("utf-8")
    assert "to render" in ended.out
    assert "secret" not in ended.out + ended.err


def test_what_a_run_did_is_told_and_decides_the_exit_code(folder: Path, git: Git, hub: Hub, kfpipe: Call) -> None:
    totals = {"rendered": 2, "failed": 1, "kept": 0}
    takes = [{"take": "kitten", "state": "failed"}, {"take": "monster", "state": "rendered"}]
    ran = {"takes": takes, "totals": totals, "spent": "0.40", "currency": "USD", "exit_code": 1}
    (folder / "run.json").write_text(json.dumps(ran), "utf-8")
    assert kfpipe("ci", "comment", "--ran", "run.json").code == 1
    assert "2 rendered, 1 failed: nothing charged (USD 0.40 of play money)\n  failed: kitten" in hub.bodies[0]
    (folder / "run.json").write_text("", "utf-8")
    assert kfpipe("ci", "comment", "--ran", "run.json").code == 1
    assert "it ended without a result" in hub.bodies[0]


@pytest.mark.parametrize(("head", "code"), [("stranger/film", 0), ("acme/film", 4)])
def test_a_run_for_a_fork_needs_no_key_and_any_other_does(
    folder: Path, git: Git, hub: Hub, kfpipe: Call, head: str, code: int
) -> None:
    event(folder, git, head=head)
    refused = {"problems": [{"what": "no API key: DASHSCOPE_API_KEY is not set"}], "exit_code": 4}
    (folder / "run.json").write_text(json.dumps(refused), "utf-8")
    ended = kfpipe("ci", "comment", "--ran", "run.json")
    assert ended.code == code
    assert ("jobs have no key" in ended.err) is (code == 0)
    assert "no API key" in hub.bodies[0]


def test_a_base_that_cannot_be_read_is_said_and_the_rest_is_there(
    folder: Path, git: Git, hub: Hub, kfpipe: Call
) -> None:
    (folder / "new.yaml").write_text(HEAD + SHOTS, "utf-8")
    assert kfpipe("ci", "comment", "new.yaml").code == 0
    assert "not compared with the base&#58; " in hub.bodies[0] and "2 to render" in hub.bodies[0]
    assert kfpipe("ci", "comment", "shots.yaml", "--base", "nowhere").code == 0
    markers = [body.partition("\n")[0] for body in hub.bodies]
    assert markers == ["<!-- kfpipe: new.yaml -->", "<!-- kfpipe: shots.yaml -->"]


def test_outside_of_a_pull_request_the_comment_is_printed(folder: Path, kfpipe: Call, monkeypatch: Any) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_TOKEN", "GITHUB_EVENT_PATH", "GITHUB_REF", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    ended = kfpipe("ci", "comment", "shots.yaml")
    assert ended.out.startswith("### kfpipe: ")
    assert ended.err == "no comment was written: this job is not for a pull request\n"


@pytest.mark.parametrize("url", ["http://api.github.example", "ftp://127.0.0.1"])
def test_the_token_goes_nowhere_without_tls(git: Git, kfpipe: Call, monkeypatch: Any, url: str) -> None:
    monkeypatch.setenv("GITHUB_API_URL", url)
    ended = kfpipe("ci", "comment", "shots.yaml")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "GITHUB_API_URL: a token is sent by https only")


def test_a_comment_is_never_longer_than_it_may_be() -> None:
    long = Problem(file="a.yaml", what="x" * 3000)
    text = comment.text(Review(manifest="a.yaml", problems=[long] * 49))
    assert len(text) < LONGEST and text.endswith("prints all of it.")
    many = comment.text(Review(manifest="a.yaml", problems=[PROBLEM] * 500))
    assert "and 450 more" in many


def test_a_warning_is_no_problem() -> None:
    warning = Problem(file="a.yaml", what="it looks odd", severity=Severity.WARNING)
    assert "**1 warning**" in comment.text(Review(manifest="a.yaml", problems=[warning]))


def test_no_name_ends_the_hidden_line_early() -> None:
    assert comment.marker("a -->\n@all.yaml").count("-->") == 1


def test_the_action_uses_nothing_of_others_and_puts_no_input_into_a_script() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    assert set(action["inputs"]) == {"manifest", "command", "token", "fail-on"}
    steps = action["runs"]["steps"]
    assert {step["uses"].partition("@")[0] for step in steps if "uses" in step} <= {
        "actions/checkout", "actions/setup-python",
    }  # fmt: skip
    assert not [step for step in steps if "${{" in step.get("run", "")]
    with_token = [step["name"] for step in steps if "inputs.token" in json.dumps(step.get("env", {}))]
    with_key = [step["name"] for step in steps if "run" in step and "DASHSCOPE_API_KEY" not in step.get("env", {})]
    assert (with_token, with_key) == (["Comment"], ["Check the inputs", "Run"])
