"""What a manifest may point at."""

from __future__ import annotations

import pytest

from kfpipe.manifest import references
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import LocalFile, RemoteFile


@pytest.mark.parametrize(
    ("text", "path"),
    [("a.png", "a.png"), ("./a.png", "a.png"), ("x//y/../a.png", "x/a.png"), ("ä ö.png", "ä ö.png"), (".", ".")],
)
def test_a_path_is_normalised(text: str, path: str) -> None:
    assert references.inside_project(text, (), levels_up=0) == path


@pytest.mark.parametrize(
    ("text", "levels_up"),
    [
        ("../a.png", 0),
        ("x/../../a.png", 0),
        ("../../a.png", 1),
        ("/a.png", 9),
        ("//server/share/a.png", 9),
        ("~/a.png", 9),
        ("C:/a.png", 9),
        ("c:a.png", 9),
        (r"frames\a.png", 9),
        (r"..\a.png", 9),
        ("", 9),
        (" ", 9),
        ("a\n.png", 9),
        ("a\0.png", 9),
    ],
)
def test_a_path_that_leaves_the_project_or_is_none_is_refused(text: str, levels_up: int) -> None:
    assert isinstance(references.inside_project(text, (), levels_up=levels_up), Finding)


def test_a_public_address_is_passed_through_unchanged() -> None:
    url = "https://assets.example.com/a.png?signature=A%2Bb&x=1"
    assert references.file(url, (), levels_up=0) == RemoteFile(url=url)
    assert references.file("https://93.184.216.34/a.png", (), levels_up=0) == RemoteFile(
        url="https://93.184.216.34/a.png"
    )
    assert references.file("http://example.com/a.png", (), levels_up=0) == RemoteFile(url="http://example.com/a.png")
    assert references.file("frames/a.png", (), levels_up=0) == LocalFile(path="frames/a.png")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "oss://bucket/a.png",
        "data:image/png;base64,AAAA",
        "ftp://example.com/a.png",
        "https://",
        "https:///a.png",
        "https:a.png",
        "https://exa mple.com/a.png",
        "https://example.com:port/a.png",
        "https://user@example.com/a.png",
        "https://user:word@example.com/a.png",
        "http://localhost/a.png",
        "https://localhost/a.png",
        "https://LOCALHOST./a.png",
        "https://cam.localhost/a.png",
        "https://nas.local/a.png",
        "https://db.internal/a.png",
        "https://intranet/a.png",
        "https://127.0.0.1/a.png",
        "https://127.1/a.png",
        "https://2130706433/a.png",
        "https://0x7f.0.0.1/a.png",
        "https://0177.0.0.1/a.png",
        "https://0/a.png",
        "https://10.0.0.1/a.png",
        "https://172.16.0.1/a.png",
        "https://192.168.0.1/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://100.100.100.200/latest/meta-data",
        "https://[::1]/a.png",
        "https://[::ffff:127.0.0.1]/a.png",
        "https://[fe80::1]/a.png",
        "https://[fd00::1]/a.png",
        "https://[::/a.png",
    ],
)
def test_a_frame_that_is_no_public_address_is_refused(url: str) -> None:
    assert isinstance(references.file(url, (), levels_up=0), Finding)


@pytest.mark.parametrize("text", ["https://user:word@example.com/a.png?sig=hidden", "https://user:word@localhost/a"])
def test_a_refusal_repeats_no_credentials(text: str) -> None:
    for finding in (references.file(text, (), levels_up=0), references.base_url(text, ())):
        assert isinstance(finding, Finding)
        assert "word" not in finding.what.replace("password", "")
        assert "hidden" not in finding.what


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://dashscope.aliyuncs.com/api/v1/", "https://dashscope.aliyuncs.com/api/v1"),
        ("https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1", "https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1"),
        ("https://cn-hongkong.dashscope.aliyuncs.com", "https://cn-hongkong.dashscope.aliyuncs.com"),
        ("http://127.0.0.1:8123/api/v1", "http://127.0.0.1:8123/api/v1"),
        ("http://localhost:8123", "http://localhost:8123"),
        ("http://[::1]:8123", "http://[::1]:8123"),
    ],
)
def test_the_service_is_reached_by_https_or_on_this_machine(text: str, url: str) -> None:
    assert references.base_url(text, ()) == url


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/api/v1",
        "https://anyone.oss-cn-beijing.aliyuncs.com",
        "https://dashscope.aliyuncs.com.example.com",
        "http://example.com",
        "http://localhost.example.com",
        "http://192.168.0.1",
        "https://key@example.com",
        "example.com",
        "https://",
        "https://example.com/?a=1",
        "ftp://example.com",
        "https://example.com:99999",
    ],
)
def test_the_key_goes_nowhere_else(text: str) -> None:
    assert isinstance(references.base_url(text, ()), Finding)
