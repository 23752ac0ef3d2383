"""Who hears of a run: people elsewhere, a log; and a run that waits for another one."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from kfpipe import project as projects
from kfpipe.cli.options import waiting
from kfpipe.emulator import Emulator
from kfpipe.session import session
from tests.cli.conftest import HEAD, SHOTS, Call

KEY = "sk-never-told-4711"


@pytest.fixture
def inbox() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address for notifications on loopback, and what has arrived there."""
    pytest.importorskip("apprise", reason="the extra `notify` is not installed")
    arrived: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"json://127.0.0.1:{server.server_port}", arrived
        server.shutdown()
        thread.join()


def test_the_end_of_a_run_is_told_without_key_and_prompt(
    folder: Path, kfpipe: Call, emulator: Emulator, inbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, arrived = inbox
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("KFPIPE_NOTIFY", f"{url} {url}/again")
    emulator.script(
        {"on": "submit", "nth": 1, "prompt_contains": "kitten", "do": "fail", "code": "DataInspectionFailed",
         "message": "Output may be improper."}
    )  # fmt: skip
    assert kfpipe("run", "shots.yaml").code == 1
    assert len(arrived) == 2
    assert arrived[0]["title"] == "kfpipe run shots.yaml"
    assert arrived[0]["message"].splitlines() == [
        "some takes failed, or are left",
        "1 clip rendered, 1 failed: nothing charged (USD 0.20 of play money)",
        "failed: kitten",
    ]
    told = json.dumps(arrived)
    assert "looks up" not in told and KEY not in told
    arrived.clear()
    assert kfpipe("run", "shots.yaml", "--notify", url, "--notify-prompts").code == 1
    (again,) = arrived
    assert again["message"].splitlines()[-1] == "for you to decide: kitten: A kitten looks up."


def test_a_run_that_stops_for_want_of_consent_or_is_refused_is_told_too(folder: Path, kfpipe: Call, inbox: Any) -> None:
    url, arrived = inbox
    budget = "budget: {max_cost: 0.1, currency: USD}\n"
    (folder / "shots.yaml").write_text(HEAD + budget + SHOTS, "utf-8")
    assert kfpipe("run", "--notify", url).code == 3
    (folder / "shots.yaml").write_text("kfpipe: 99\n", "utf-8")
    assert kfpipe("run", "--notify", url).code == 2
    assert [one["message"].splitlines()[0].partition(" ")[0] for one in arrived] == ["stopped", "refused:"]


def test_a_notification_that_fails_is_a_warning_and_shows_no_address(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    pytest.importorskip("apprise", reason="the extra `notify` is not installed")
    ended = kfpipe("run", "shots.yaml", "-s", "kitten", "--notify", "json://user:hush@127.0.0.1:9/secret")
    assert ended.code == 0
    assert "warning: the notification was not sent" in ended.err
    assert "hush" not in ended.out + ended.err and "secret" not in ended.out + ended.err


def test_an_address_that_is_none_is_refused_before_anything_is_sent(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    pytest.importorskip("apprise", reason="the extra `notify` is not installed")
    ended = kfpipe("run", "shots.yaml", "--notify", "hush://secret")
    assert (ended.code, emulator.requests()) == (2, ())
    assert ended.err.startswith("--notify: address 1 of 1 is none") and "secret" not in ended.err


def test_without_the_extra_it_is_named(folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    ended = kfpipe("run", "shots.yaml", "--notify", "json://127.0.0.1")
    assert (ended.code, "kfpipe[notify]" in ended.err) == (2, True)


def test_a_log_takes_the_place_of_the_progress(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    ended = kfpipe("run", "shots.yaml", "-s", "kitten", "--log-json")
    records = [json.loads(line) for line in ended.err.splitlines()]
    assert [one["event"] for one in records] == [
        "run_started", "take_submitted", "take_succeeded", "take_rendered", "take_examined", "run_finished",
    ]  # fmt: skip
    assert {(one["level"], one["logger"]) for one in records} == {("info", "kfpipe.run")}
    assert records[1]["take"] == "kitten"
    ended = kfpipe("run", "shots.yaml", "-s", "monster", "--log-level", "info")
    assert " INFO kfpipe.run take_rendered take=monster path=renders/monster.mp4 " in ended.err
    assert kfpipe("run", "shots.yaml", "--rerender", "monster", "--log-level", "error").err == ""


def test_a_run_that_is_to_wait_goes_on_when_the_other_one_has_ended(
    folder: Path, kfpipe: Call, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = session(projects.load(folder / "shots.yaml"))
    held.__enter__()
    assert "another run is in progress" in kfpipe("run", "shots.yaml").err
    looks = []

    def wait(_: float) -> None:
        looks.append(1)
        if len(looks) == 2:
            held.__exit__(None, None, None)

    monkeypatch.setattr(waiting.time, "sleep", wait)
    ended = kfpipe("run", "shots.yaml", "--wait", "-s", "kitten")
    assert (ended.code, len(looks)) == (0, 2)
    assert ended.err.count("waiting: shots.lock.json: another run is in progress") == 1


def test_several_projects_hold_none_while_they_wait_for_one(
    folder: Path, kfpipe: Call, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = HEAD.replace("kfpipe: 1", "kfpipe: 1\noutput: {dir: north}") + SHOTS
    (folder / "north.yaml").write_text(other, "utf-8")
    held = session(projects.load(folder / "shots.yaml"))
    held.__enter__()

    def wait(_: float) -> None:
        with session(projects.load(folder / "north.yaml")):
            held.__exit__(None, None, None)

    monkeypatch.setattr(waiting.time, "sleep", wait)
    assert kfpipe("run", "north.yaml", "shots.yaml", "--wait", "-s", "kitten").code == 0
