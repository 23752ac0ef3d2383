"""`kfpipe doctor`: what support would ask first."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from kfpipe import catalogue, environment
from kfpipe.emulator import Emulator
from kfpipe.maintenance import doctor
from kfpipe.maintenance.doctor import Grade
from tests.cli.conftest import Call

KEY = "sk-4711-secret"


def shifted(by: timedelta) -> datetime:
    """The time of day on a clock that is wrong."""
    return datetime.now(UTC) + by


def verdicts(answer: Any) -> dict[str, str]:
    return {check["topic"]: check["verdict"] for check in answer["checks"]}


def told(answer: Any, topic: str) -> str:
    (what,) = [check["what"] for check in answer["checks"] if check["topic"] == topic]
    return str(what)


def test_a_sound_machine_is_ready_and_a_missing_key_is_no_alarm(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("doctor")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[-1] == "ready"
    assert "note       key: none: the emulator needs none, but the service does" in lines
    assert any(line.startswith("fine       libraries: anyio 4.") for line in lines)
    assert list(folder.glob(".kfpipe-*")) == []


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_it_says_where_the_key_is_and_never_what_it_is(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place == ".env":
        (folder / ".env").write_text(f"DASHSCOPE_API_KEY={KEY}\n", "utf-8")
    else:
        monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    ended = kfpipe("doctor", "--json")
    assert verdicts(ended.json)["key"] == "fine"
    assert place in told(ended.json, "key")
    assert "4711" not in ended.out + ended.err + kfpipe("doctor").out


def test_it_says_where_the_key_of_each_named_account_is(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "shots.yaml").write_text("kfpipe: 1\nprovider: {name: dashscope, account: acme.film}\nshots: {", "utf-8")
    (folder / "north.yaml").write_text("kfpipe: 1\nprovider: {name: dashscope, account: north}\n", "utf-8")
    (folder / "south.yaml").write_text("kfpipe: 1\nprovider: {name: dashscope, account: south}\n", "utf-8")
    (folder / ".env").write_text(f"DASHSCOPE_API_KEY_NORTH={KEY}\nDASHSCOPE_API_KEY_EAST={KEY}\n", "utf-8")
    monkeypatch.setenv("DASHSCOPE_API_KEY_ACME_FILM", KEY)
    ended = kfpipe("doctor", "--json", "--account", "acme.film")
    assert told(ended.json, "key of acme.film") == "in the environment, as DASHSCOPE_API_KEY_ACME_FILM"
    assert told(ended.json, "key of north") == f"in {folder / '.env'}"
    assert told(ended.json, "key of south").startswith("none")
    assert told(ended.json, "key DASHSCOPE_API_KEY_EAST").startswith(f"in {folder / '.env'}, for an account that no")
    assert (ended.code, "4711" in ended.out + ended.err) == (0, False)


def test_a_key_file_that_cannot_be_read_needs_attention(folder: Path, kfpipe: Call) -> None:
    (folder / ".env").write_bytes(b"\xff\xfe")
    ended = kfpipe("doctor", "--json")
    assert (ended.code, ended.json["exit_code"], verdicts(ended.json)["key"]) == (1, 1, "attention")
    assert kfpipe("doctor").out.endswith("needs attention\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a folder that nobody can write in")
def test_a_folder_that_cannot_be_written_needs_attention() -> None:
    checks = {check.topic: check for check in doctor.offline(Path("/proc"), {})}
    assert checks["writing"].verdict is Grade.ATTENTION


def test_offline_nothing_is_sent(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    assert kfpipe("doctor").code == 0
    assert emulator.requests() == ()


def test_online_the_service_is_asked_and_nothing_is_charged(
    folder: Path, kfpipe: Call, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    ended = kfpipe("doctor", "--online", "--json")
    assert ended.code == 0
    assert verdicts(ended.json)["service"] == verdicts(ended.json)["account"] == "fine"
    assert verdicts(ended.json)["catalogue"] != "attention"
    assert emulator.bill().charges == ()


def test_without_a_key_the_service_is_reached_all_the_same(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    answer = kfpipe("doctor", "--online", "--json").json
    assert verdicts(answer)["service"] == "fine"
    assert {"account", "catalogue"}.isdisjoint(verdicts(answer))
    assert len(emulator.requests()) == 1


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("http://127.0.0.1:9", "http://127.0.0.1:9: "),
        ("http://example.com", "not an address that kfpipe would send a key to"),
    ],
)
def test_a_service_that_cannot_be_asked_needs_attention(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch, address: str, what: str
) -> None:
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", address)
    ended = kfpipe("doctor", "--online", "--json")
    assert (ended.code, verdicts(ended.json)["service"]) == (1, "attention")
    assert what in told(ended.json, "service")


@pytest.mark.parametrize(("hours", "verdict"), [(0, Grade.FINE), (3, Grade.ATTENTION), (-3, Grade.ATTENTION)])
def test_a_clock_that_is_hours_off_needs_attention(
    folder: Path, emulator: Emulator, hours: int, verdict: Grade
) -> None:
    known = catalogue.shipped()
    checks = anyio.run(
        doctor.online, known, known.regions["singapore"], environment.read(), partial(shifted, timedelta(hours=hours))
    )
    assert {check.topic: check.verdict for check in checks}["clock"] is verdict


def test_a_region_that_does_not_exist_is_refused(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("doctor", "--region", "bejing")
    assert (ended.code, ended.err.splitlines()[-1]) == (2, "  fix: did you mean `beijing`?")


def test_it_says_where_the_account_books_are_and_leaves_nothing_there(
    folder: Path, kfpipe: Call, state_home: Path
) -> None:
    ended = kfpipe("doctor", "--json")
    assert verdicts(ended.json)["account book"] == "fine"
    assert str(state_home / "accounts") in told(ended.json, "account book")
    assert not [*state_home.rglob("*.sqlite3*")]


def test_a_book_that_cannot_be_used_needs_attention(folder: Path, kfpipe: Call, state_home: Path) -> None:
    (state_home / "accounts").mkdir(parents=True)
    book = state_home / "accounts" / "0123456789abcdef.sqlite3"
    book.write_bytes(b"no book at all, " * 99)
    ended = kfpipe("doctor", "--json")
    assert ended.code == 1
    assert str(book) in told(ended.json, "account book")
