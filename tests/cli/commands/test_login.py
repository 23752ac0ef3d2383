"""`kfpipe login`, `logout`, and a run that finds its key in the keyring."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kfpipe import environment, keychain
from kfpipe.errors import Refused
from tests.cli.conftest import HEAD, SHOTS, Call

KEY, OTHER = "sk-in-the-keyring-4711", "sk-of-the-environment-0815"
SERVICE = (HEAD + SHOTS).replace("provider: {name: emulator}", "provider: {name: dashscope, region: singapore}")


class Broken(Exception):
    """What a keyring's own library raises; it quotes what it was given."""


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[tuple[str, str], str]]:
    """What is in a keyring that is as real as others, but lasts no longer than the test."""
    keyring = pytest.importorskip("keyring", reason="the extra `keyring` is not installed")
    entries: dict[tuple[str, str], str] = {}

    class InMemory(keyring.backend.KeyringBackend):  # type: ignore[misc,name-defined]
        priority = 1
        name = "a keyring of this test"

        def get_password(self, service: str, username: str) -> str | None:
            return entries.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            if "broken" in entries.values():
                raise Broken(password)
            entries[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del entries[service, username]

    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())
    keychain._looked_up.cache_clear()
    yield entries
    keyring.set_keyring(before)
    keychain._looked_up.cache_clear()


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_doctor_says_that_a_named_account_has_its_key_there(folder: Path, kfpipe: Call, stored: dict[Any, str]) -> None:
    stored["kfpipe", "acme"] = KEY
    ended = kfpipe("doctor", "--account", "acme", "--account", "other")
    assert "key of acme: in the keyring, as `kfpipe login acme` has put it" in ended.out
    assert "key of other: none" in ended.out and KEY not in ended.out


@pytest.mark.parametrize(("account", "entry"), [((), "default"), (("acme",), "acme")])
def test_a_key_is_stored_found_and_removed(
    folder: Path, kfpipe: Call, stored: dict[Any, str], monkeypatch: pytest.MonkeyPatch, account: Any, entry: str
) -> None:
    typed(monkeypatch, f"{KEY}\n")
    ended = kfpipe("login", *account)
    assert (ended.code, stored) == (0, {("kfpipe", entry): KEY})
    name = account[0] if account else None
    assert environment.read().key_of(name) == KEY
    assert environment.read().key_of("other") is None
    assert kfpipe("logout", *account, "--json").json["removed"] is True
    assert kfpipe("logout", *account, "--json").json["removed"] is False
    assert (stored, environment.read().key_of(name)) == ({}, None)
    assert KEY not in ended.out + ended.err


def test_the_environment_goes_before_the_keyring_and_so_does_a_file(
    folder: Path, stored: dict[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored["kfpipe", "default"] = KEY
    (folder / ".env").write_text("DASHSCOPE_API_KEY=sk-of-a-file\n", "utf-8")
    assert environment.read().api_key == "sk-of-a-file"
    monkeypatch.setenv("DASHSCOPE_API_KEY", OTHER)
    assert environment.read().api_key == OTHER


def test_a_named_account_never_gets_the_key_of_the_unnamed_one(folder: Path, stored: dict[Any, str]) -> None:
    stored["kfpipe", "default"] = KEY
    assert environment.read().key_of("acme") is None
    assert environment.read().key_of("default") is None


def test_a_key_of_the_keyring_does_not_go_to_an_address_from_a_file(folder: Path, stored: dict[Any, str]) -> None:
    stored["kfpipe", "default"] = KEY
    (folder / ".env").write_text("DASHSCOPE_HTTP_BASE_URL=https://gateway.example/api/v1\n", "utf-8")
    with pytest.raises(Refused):
        environment.read().trusted_base_url()
    del stored["kfpipe", "default"]
    keychain._looked_up.cache_clear()
    assert environment.read().trusted_base_url() == "https://gateway.example/api/v1"


def test_doctor_and_plan_find_the_key_and_never_show_it(folder: Path, kfpipe: Call, stored: dict[Any, str]) -> None:
    stored["kfpipe", "default"] = KEY
    (folder / "shots.yaml").write_text(SERVICE, "utf-8")
    doctor, plan = kfpipe("doctor"), kfpipe("plan", "shots.yaml")
    assert "key: in the keyring" in doctor.out
    assert plan.code == 0
    assert KEY not in doctor.out + doctor.err + plan.out + plan.err


@pytest.mark.parametrize("text", ["", "\n", "two words\n", "sk-\u00e9\n"])
def test_what_cannot_be_a_key_is_refused_and_not_repeated(
    folder: Path, kfpipe: Call, stored: dict[Any, str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    typed(monkeypatch, text)
    ended = kfpipe("login")
    assert (ended.code, stored) == (2, {})
    assert not text.strip() or text.strip() not in ended.err


def test_a_keyring_that_fails_is_refused_without_its_words(
    folder: Path, kfpipe: Call, stored: dict[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored["another", "entry"] = "broken"
    typed(monkeypatch, f"{KEY}\n")
    ended = kfpipe("login")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "keyring: it cannot be used (Broken)")
    assert KEY not in ended.err


def test_the_name_of_the_unnamed_entry_is_no_account(folder: Path, kfpipe: Call, stored: dict[Any, str]) -> None:
    ended = kfpipe("login", "default")
    assert (ended.code, ended.err.splitlines()[-1]) == (2, "  fix: leave the name out, or give the account another one")


@pytest.mark.parametrize("command", ["login", "logout"])
def test_without_the_extra_it_is_named(kfpipe: Call, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    ended = kfpipe(command)
    assert (ended.code, "kfpipe[keyring]" in ended.err) == (2, True)
