"""Where the key may go, by what the environment and a `.env` say."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe import environment
from kfpipe.errors import Refused

KEY = {"DASHSCOPE_API_KEY": "sk-test-0123456789abcdef"}
GATEWAY = "https://gateway.example/api/v1"


def read(folder: Path, variables: dict[str, str], *lines: str) -> environment.Environment:
    (folder / ".env").write_text("\n".join(lines), "utf-8")
    return environment.read(variables, folder)


def test_an_address_from_a_file_never_receives_a_key_that_does_not_come_from_it(tmp_path: Path) -> None:
    settings = read(tmp_path, KEY, f"DASHSCOPE_HTTP_BASE_URL={GATEWAY}")
    with pytest.raises(Refused) as refused:
        settings.trusted_base_url()
    assert GATEWAY in refused.value.problems[0].what


@pytest.mark.parametrize("host", ["dashscope-intl.aliyuncs.com", "dashscope.aliyuncs.com"])
def test_the_services_own_hosts_may_be_named_anywhere(tmp_path: Path, host: str) -> None:
    url = f"https://{host}/api/v1"
    assert read(tmp_path, KEY, f"DASHSCOPE_HTTP_BASE_URL={url}").trusted_base_url() == url


@pytest.mark.parametrize("host", ["dashscope.aliyuncs.com.evil.example", "evil.aliyuncs.com", "[::1", "127.0.0.1:80"])
def test_what_only_looks_like_the_service_is_a_stranger(tmp_path: Path, host: str) -> None:
    settings = read(tmp_path, KEY, f"DASHSCOPE_HTTP_BASE_URL=https://{host}/api/v1")
    with pytest.raises(Refused):
        settings.trusted_base_url()


def test_key_and_address_may_come_from_one_file_or_both_from_outside(tmp_path: Path) -> None:
    both = [f"DASHSCOPE_HTTP_BASE_URL={GATEWAY}", "DASHSCOPE_API_KEY=sk-test-0123456789abcdef"]
    assert read(tmp_path, {}, *both).trusted_base_url() == GATEWAY
    assert read(tmp_path, {**KEY, "DASHSCOPE_HTTP_BASE_URL": GATEWAY}).trusted_base_url() == GATEWAY
    assert read(tmp_path, {"DASHSCOPE_HTTP_BASE_URL": GATEWAY}, both[1]).trusted_base_url() == GATEWAY


def test_without_a_key_there_is_nothing_to_protect(tmp_path: Path) -> None:
    assert read(tmp_path, {}, f"DASHSCOPE_HTTP_BASE_URL={GATEWAY}").trusted_base_url() == GATEWAY


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:80x/api", "https://a:b@host/api/v1", "host/api/v1", "https://[::1/a"]
)
def test_what_is_no_address_is_refused_without_its_text(tmp_path: Path, url: str) -> None:
    settings = read(tmp_path, {**KEY, "DASHSCOPE_HTTP_BASE_URL": url})
    with pytest.raises(Refused) as refused:
        settings.trusted_base_url()
    assert refused.value.problems[0].file == "DASHSCOPE_HTTP_BASE_URL"
    assert url not in str(refused.value)


def test_a_program_that_is_started_gets_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ["DASHSCOPE_API_KEY", "DASHSCOPE_API_KEY_ACME", "GITHUB_TOKEN", "KFPIPE_NOTIFY", "KFPIPE_RUN_NOTIFY"]
    for name in secrets:
        monkeypatch.setenv(name, "secret")
    assert "secret" not in environment.without_key().values()
