"""A stranger's project: what it may make kfpipe read, write, visit and start. Through the real command."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from kfpipe.lock import text as locktext
from tests.promises.fuzz.cases import KEY, SMALL
from tests.promises.fuzz.service import Service
from tests.promises.strangers.conftest import Call
from tests.support import makers

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")


def with_shot(line: str) -> str:
    return f"{SMALL}  - {{id: other, {line}}}\n"


# ---- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *("../secret.png", "frames/../../secret.png", "/etc/passwd", "~/secret.png", "C:/secret.png", "..\\secret.png"),
        *("//host/share/a.png", "./../secret.png", "a.png/../../secret.png", "x" * 3000, "a/" * 2000 + "b"),
    ],
)
@pytest.mark.parametrize("field", ["last_frame: '{}'", "prompt: {{file: '{}'}}"])
def test_a_path_out_of_the_project_is_refused(folder: Path, kfpipe: Call, path: str, field: str) -> None:
    Image.new("RGB", (640, 360)).save(folder.parent / "secret.png")
    (folder / "shots.yaml").write_text(with_shot(field.format(path)), "utf-8")
    assert kfpipe("validate", "shots.yaml").code == 2


@pytest.mark.parametrize("path", ["/tmp", "..", "../elsewhere", "x" * 3000, "shots.yaml"])
def test_clips_stay_in_the_project(folder: Path, kfpipe: Call, path: str) -> None:
    (folder / "shots.yaml").write_text(SMALL.replace("{dir: renders}", f"{{dir: '{path}'}}"), "utf-8")
    assert kfpipe("validate", "shots.yaml").code == 2


@pytest.mark.parametrize("path", [".env", ".git/config", "prompts/.keys"])
def test_files_that_hold_keys_are_not_sent_as_prompts(folder: Path, kfpipe: Call, path: str) -> None:
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(f"DASHSCOPE_API_KEY={KEY}\n", "utf-8")
    (folder / "shots.yaml").write_text(with_shot(f"prompt: {{file: {path}}}"), "utf-8")
    ended = kfpipe("plan", "shots.yaml", "--json")
    assert ended.code == 2
    assert "is a hidden file" in ended.json["problems"][0]["what"]


@needs_links
def test_nor_through_a_link(folder: Path, kfpipe: Call) -> None:
    (folder / ".env").write_text(f"DASHSCOPE_API_KEY={KEY}\n", "utf-8")
    (folder / "prompt.txt").symlink_to(".env")
    (folder / "shots.yaml").write_text(with_shot("prompt: {file: prompt.txt}"), "utf-8")
    assert kfpipe("plan", "shots.yaml").code == 2


# ---- writing -------------------------------------------------------------------------------------------------------


@needs_links
@pytest.mark.parametrize(
    "link",
    [
        *("shots.lock.json", ".kfpipe/shots.journal", ".kfpipe/shots.lock", ".kfpipe/shots.holder.json"),
        *(
            ".kfpipe/uploads.jsonl",
            ".kfpipe/digests.json",
            ".kfpipe/renders.json",
            ".kfpipe/.gitignore",
            ".kfpipe/emulator",
        ),
    ],
)
@pytest.mark.parametrize("exists", [True, False], ids=["to a file", "to nothing"])
def test_nothing_is_written_through_a_link_that_was_packed_with_the_project(
    folder: Path, kfpipe: Call, link: str, exists: bool
) -> None:
    target = folder.parent / "precious"
    if exists:
        target.write_text("mine", "utf-8")
    (folder / ".kfpipe").mkdir()
    (folder / link).symlink_to(target)
    assert kfpipe("run", "shots.yaml").code == 2
    assert target.read_text("utf-8") == "mine" if exists else not target.exists()


ARRIVING = ".previous/.partial"
"""Where the clip of a take arrives that has left the manifest."""


@needs_links
@pytest.mark.parametrize("link", [".partial", ".previous", f"{ARRIVING}/task-1.mp4", f"{ARRIVING}/task-1.mp4.tag"])
def test_a_download_goes_nowhere_else(folder: Path, service: Service, kfpipe: Call, link: str) -> None:
    """The lockfile says what is downloaded, from where, under which name: a stranger chooses all three."""
    target = folder.parent / "precious"
    target.mkdir() if "/" not in link else target.write_text("mine", "utf-8")
    place = folder / "renders" / link
    place.parent.mkdir(parents=True)
    place.symlink_to(target)
    (folder / "renders" / "gone.mp4").write_bytes(b"an older clip")
    far = makers.result(
        video_url=f"{service.origin}/clip/x.mp4",
        url_expires_at=datetime(2100, 1, 1, tzinfo=UTC),
        billed_seconds=Decimal(2),
    )
    lock = makers.lock(makers.succeeded(of_result=far, account=None), take_id="gone")
    (folder / "shots.lock.json").write_bytes(b"".join(locktext.pieces(lock)))
    kfpipe("run", "shots.yaml")
    assert [*target.iterdir()] == [] if target.is_dir() else target.read_text("utf-8") == "mine"
    fetched = [path for path in (folder / "renders" / ".previous").glob("gone.*.mp4") if path.stat().st_size > 100]
    assert fetched or target.is_dir()


# ---- visiting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/a.png", "https://localhost/a.png", "https://10.1.2.3/a.png", "https://[::1]/a.png"),
        *("https://169.254.169.254/latest/meta-data", "https://2130706433/a.png", "https://0x7f.1/a.png", "https://intranet/a.png"),
        *("https://printer.local/a.png", "https://[::ffff:10.0.0.1]/a.png", "http://127.0.0.1/a.png", "ftp://example.com/a.png"),
        *("file:///etc/passwd", "https://user:pw@example.com/a.png", "data:image/png;base64,AAAA", "oss://bucket/a.png"),
    ],
)  # fmt: skip
def test_a_remote_frame_has_a_public_address(folder: Path, kfpipe: Call, url: str) -> None:
    (folder / "shots.yaml").write_text(with_shot(f"prompt: x, last_frame: '{url}'"), "utf-8")
    assert kfpipe("validate", "shots.yaml").code == 2


# ---- burning time and memory ---------------------------------------------------------------------------------------

ALIASES = "vars:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SMALL + ALIASES, id="aliases of aliases"),
        pytest.param(SMALL + "title: " + "[" * 100_000, id="nested brackets"),
        pytest.param(SMALL + "title: " + "{a: " * 100_000, id="nested braces"),
        pytest.param(SMALL + "title: &a [*a]\n", id="a circle"),
        pytest.param("- " * 50_000 + "x", id="nested lists"),
        pytest.param(SMALL + f"title: {'9' * 1_000_000}\n", id="a giant number"),
        pytest.param(SMALL + "title: !!python/object/apply:os.system [id]\n", id="a tag that calls"),
        pytest.param(
            with_shot("prompt: x, matrix: {a: [1, 2, 3, 4, 5, 6, 7, 8, 9], b: [1, 2, 3, 4, 5, 6, 7, 8, 9], ")[:-2]
            + ", ".join(f"v{n}: [1, 2, 3, 4, 5, 6, 7, 8, 9]" for n in range(12))
            + "}}\n",
            id="a matrix of matrices",
        ),
    ],
)
def test_a_bomb_is_refused_at_once(folder: Path, kfpipe: Call, text: str) -> None:
    (folder / "shots.yaml").write_text(text, "utf-8")
    assert kfpipe("validate", "shots.yaml").code == 2


# ---- pictures ------------------------------------------------------------------------------------------------------


def png(width_px: int, height_px: int, pixels: bytes) -> bytes:
    """A PNG that claims these sides, whatever it holds."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 640 360\n%%EndComments\n(touched) (w) file closefile\n"
PICTURES = {
    "a hundred thousand pixels squared": png(100_000, 100_000, b""),
    "all sides zero": png(0, 0, b""),
    "pixels that never come": png(640, 360, b""),
    "a program": POSTSCRIPT,
    "a program in a box": b"\xc5\xd0\xd3\xc6" + struct.pack("<II20x", 32, len(POSTSCRIPT)) + POSTSCRIPT,
    "a page": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
    "a picture with a zip behind it, cut off": png(640, 360, b"\0" * 100) + b"PK\x03\x04",
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("content", PICTURES.values(), ids=PICTURES)
def test_a_still_that_is_none_is_refused_and_starts_nothing(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    programs = folder.parent / "programs"
    programs.mkdir()
    for name in ("gs", "gswin32c", "convert"):
        (programs / name).write_text(f"#!/bin/sh\ntouch {folder.parent}/started\n", "utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (folder / "b.png").write_bytes(content)
    assert kfpipe("validate", "shots.yaml").code == 2
    assert not (folder.parent / "started").exists()
