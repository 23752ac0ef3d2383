from __future__ import annotations

import base64
import hashlib
import random
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest

from kfpipe.catalogue import shipped
from kfpipe.domain import PictureSize
from kfpipe.errors import BadRender, NotAVideo, ServiceUnclear, StorageFailed
from kfpipe.files import durable
from kfpipe.files.crc64 import agrees
from kfpipe.media.download import Disputed, Errand, FetchedClip, fetch
from kfpipe.media.facts import Expected
from kfpipe.provider import Body
from kfpipe.provider.client import DashScope
from tests.support.films import SECONDS, film

WEBM = "WebM instead of MP4, whatever its name says"
EXPECTED = Expected(size=PictureSize(width_px=128, height_px=72), seconds=SECONDS)


@dataclass(kw_only=True)
class Shelf:
    """What the server hands out. `cut_bytes` of an answer are sent at most; `heard` holds the Range of each request."""

    content: bytes
    tag: str | None = '"v1"'
    cut_bytes: int | None = None
    states_length: bool = True
    checksums: Mapping[str, str] = field(default_factory=dict)
    heard: list[str | None] = field(default_factory=list)


@contextmanager
def serving(shelf: Shelf) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            shelf.heard.append(wanted)
            fresh = wanted is None or self.headers["If-Range"] != shelf.tag
            start = 0 if fresh else int(wanted.removeprefix("bytes=").removesuffix("-"))
            size = len(shelf.content)
            self.send_response(200 if fresh else 206)
            if not fresh:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            if shelf.states_length:
                self.send_header("Content-Length", str(size - start))
            if shelf.tag is not None:
                self.send_header("ETag", shelf.tag)
            for name, value in shelf.checksums.items():
                self.send_header(name, value)
            self.end_headers()
            end = size if shelf.cut_bytes is None else start + shelf.cut_bytes
            self.wfile.write(shelf.content[start:end])
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Desk:
    """A project that downloads clips from a shelf."""

    def __init__(self, folder: Path, origin: str, shelf: Shelf) -> None:
        self.folder = folder
        self.shelf = shelf
        self.target = folder / "renders" / "kitten.mp4"
        self.partial = folder / "renders" / ".partial" / "task-1.mp4"
        self._origin = origin

    async def fetch(self, expected: Expected = EXPECTED, *, keep_refused: bool = False, **more: Any) -> FetchedClip:
        client = DashScope(
            base_url=f"{self._origin}/api/v1",
            api_key="sk-test",
            region="emulator",
            catalogue=shipped(),
            project=self.folder,
            uploads_file=self.folder / "uploads.json",
        )
        async with client:
            url = f"{self._origin}/clip.mp4"
            errand = Errand(target=self.target, partial=self.partial, expected=expected, keep_refused=keep_refused)
            return await fetch(client, url, replace(errand, **more))

    def files(self) -> list[str]:
        return files_in(self.target.parent)


class Spout:
    """A provider whose download is one that no server of the standard library would send."""

    def __init__(self, chunks: AsyncGenerator[bytes], *, size_bytes: int) -> None:
        self._chunks = chunks
        self._size_bytes = size_bytes

    @asynccontextmanager
    async def download(self, url: str, *, offset_bytes: int = 0, tag: str | None = None) -> AsyncIterator[Body]:
        async with aclosing(self._chunks):
            yield Body(offset_bytes=0, size_bytes=self._size_bytes, tag='"v1"', chunks=self._chunks)


class Rest:
    """A provider that continues from any byte, whatever version was asked for."""

    def __init__(self, content: bytes, *, tag: str) -> None:
        self._content = content
        self._tag = tag

    @asynccontextmanager
    async def download(self, url: str, *, offset_bytes: int = 0, tag: str | None = None) -> AsyncIterator[Body]:
        async def chunks() -> AsyncGenerator[bytes]:
            yield self._content[offset_bytes:]

        async with aclosing(chunks()) as rest:
            yield Body(offset_bytes=offset_bytes, size_bytes=len(self._content), tag=self._tag, chunks=rest)


async def fetch_from(provider: Any, target: Path, partial: Path) -> FetchedClip:
    return await fetch(provider, "", Errand(target=target, partial=partial, expected=EXPECTED))


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return film(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def desk(tmp_path: Path, clip: bytes) -> Iterator[Desk]:
    shelf = Shelf(content=clip)
    with serving(shelf) as origin:
        yield Desk(tmp_path, origin, shelf)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# ---- download and place ------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_clip_arrives_whole_checked_and_without_stray_files(desk: Desk, clip: bytes):
    found = await desk.fetch()
    assert found == FetchedClip(
        width_px=128,
        height_px=72,
        fps=Decimal(30),
        duration_s=Decimal(2),
        audio=False,
        codec="h264",
        remarks=(),
        sha256=sha256(clip),
        size_bytes=len(clip),
        is_vouched=False,
    )
    assert desk.target.read_bytes() == clip
    assert desk.files() == ["kitten.mp4"]


@pytest.mark.anyio
async def test_a_download_that_breaks_off_continues_where_it_stopped(desk: Desk, clip: bytes):
    desk.shelf.cut_bytes = 600_000
    with pytest.raises(ServiceUnclear):
        await desk.fetch()
    assert desk.files() == [".partial/task-1.mp4", ".partial/task-1.mp4.tag"]
    kept = desk.partial.stat().st_size
    found = await desk.fetch()
    assert desk.shelf.heard == [None, f"bytes={kept}-"]
    assert 0 < kept <= 600_000
    assert found.sha256 == sha256(clip)
    assert desk.target.read_bytes() == clip
    assert desk.files() == ["kitten.mp4"]


@pytest.mark.anyio
async def test_a_changed_file_at_the_service_is_downloaded_from_its_start(desk: Desk, tmp_path: Path):
    desk.shelf.cut_bytes = 600_000
    with pytest.raises(ServiceUnclear):
        await desk.fetch()
    other = film(tmp_path / "other.mp4", shade=100)
    desk.shelf.content, desk.shelf.tag, desk.shelf.cut_bytes = other, '"v2"', None
    found = await desk.fetch()
    assert found.sha256 == sha256(other)
    assert desk.target.read_bytes() == other


@pytest.mark.anyio
async def test_the_rest_of_another_version_is_not_put_behind_the_first_part(desk: Desk, clip: bytes):
    desk.shelf.cut_bytes = 600_000
    with pytest.raises(ServiceUnclear):
        await desk.fetch()
    rest = Rest(clip, tag='"v2"')
    with pytest.raises(BadRender, match="has changed since the download began"):
        await fetch_from(rest, desk.target, desk.partial)
    assert desk.files() == []


@pytest.mark.anyio
@pytest.mark.parametrize("note", [None, b"", b"\xff", b"[]", b'{"tag": "\\"v1\\"", "size_bytes": 7}'])
async def test_a_partial_file_that_a_crash_left_behind_is_not_trusted(desk: Desk, clip: bytes, note: bytes | None):
    desk.partial.parent.mkdir(parents=True)
    desk.partial.write_bytes(bytes(600_000))
    if note is not None:
        desk.partial.with_name("task-1.mp4.tag").write_bytes(note)
    found = await desk.fetch()
    assert desk.shelf.heard == [None]
    assert found.sha256 == sha256(clip)
    assert desk.files() == ["kitten.mp4"]


@pytest.mark.anyio
async def test_without_a_version_nothing_is_continued(desk: Desk, clip: bytes):
    desk.shelf.tag, desk.shelf.cut_bytes = None, 600_000
    with pytest.raises(ServiceUnclear):
        await desk.fetch()
    desk.shelf.cut_bytes = None
    assert (await desk.fetch()).sha256 == sha256(clip)
    assert desk.shelf.heard == [None, None]


@pytest.mark.anyio
async def test_a_cancelled_download_is_kept_for_the_next_run(desk: Desk, clip: bytes):
    async def chunks() -> AsyncGenerator[bytes]:
        yield clip[:300_000]
        scope.cancel()
        await anyio.sleep_forever()

    spout = Spout(chunks(), size_bytes=len(clip))
    with anyio.CancelScope() as scope:
        await fetch_from(spout, desk.target, desk.partial)
    assert (await desk.fetch()).sha256 == sha256(clip)
    assert desk.shelf.heard == ["bytes=300000-"]


@pytest.mark.anyio
async def test_a_render_that_is_replaced_is_set_aside(desk: Desk, clip: bytes, tmp_path: Path):
    older = film(tmp_path / "older.mp4", shade=50)
    await desk.fetch()
    desk.shelf.content = older
    await desk.fetch()
    assert desk.target.read_bytes() == older
    assert (desk.target.parent / ".previous" / f"kitten.{sha256(clip)[:12]}.mp4").read_bytes() == clip
    assert len(desk.files()) == 2


@pytest.mark.anyio
async def test_nothing_that_was_set_aside_is_overwritten(desk: Desk, clip: bytes):
    desk.target.parent.mkdir(parents=True)
    desk.target.write_bytes(b"older")
    kept = desk.target.parent / ".previous" / f"kitten.{sha256(b'older')[:12]}.mp4"
    kept.parent.mkdir()
    kept.write_bytes(b"altered by hand")
    await desk.fetch()
    assert kept.read_bytes() == b"altered by hand"
    assert kept.with_name(f"{kept.stem}.2.mp4").read_bytes() == b"older"
    assert desk.target.read_bytes() == clip


@pytest.mark.anyio
async def test_the_same_clip_again_changes_nothing(desk: Desk):
    await desk.fetch()
    before = desk.target.stat()
    await desk.fetch()
    assert desk.target.stat().st_ino == before.st_ino
    assert desk.files() == ["kitten.mp4"]


@pytest.mark.anyio
async def test_what_is_not_the_clip_is_thrown_away_and_the_older_one_stays(desk: Desk):
    desk.target.parent.mkdir(parents=True)
    desk.target.write_bytes(b"older")
    desk.shelf.content = b"<html>so sorry</html>" * 50_000
    with pytest.raises(BadRender, match="not an MP4, MOV or WebM") as refusal:
        await desk.fetch()
    assert not isinstance(refusal.value, NotAVideo)  # which would say where the bytes are
    assert desk.files() == ["kitten.mp4"]
    assert desk.target.read_bytes() == b"older"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("made", "codec", "remarks"),
    [
        ({"size": (112, 112)}, "h264", ("112x112 px instead of 128x72",)),
        ({"seconds": 1.0}, "h264", ("1 s instead of 2 s",)),
        ({"codec": "libvpx-vp9", "format": "webm", "noise_bytes": 0}, "vp9", ("VP9 instead of H.264", WEBM)),
    ],
    ids=["size", "length", "make"],
)
async def test_a_whole_clip_that_is_not_as_expected_is_kept_with_remarks(
    desk: Desk, tmp_path: Path, made: dict[str, Any], codec: str, remarks: tuple[str, ...]
):
    desk.shelf.content = film(tmp_path / "other", **{"format": "mp4"} | made)
    found = await desk.fetch()
    assert (found.codec, found.remarks, found.sha256) == (codec, remarks, sha256(desk.shelf.content))
    assert desk.target.read_bytes() == desk.shelf.content
    assert desk.files() == ["kitten.mp4"]
    assert desk.shelf.heard == [None]


@pytest.mark.anyio
@pytest.mark.parametrize("damage", ["noise", "cut off at the service"])
async def test_the_last_attempt_keeps_what_nobody_can_play(desk: Desk, clip: bytes, damage: str):
    desk.target.parent.mkdir(parents=True)
    desk.target.write_bytes(b"older")
    desk.shelf.content = random.Random(0).randbytes(50_000) if damage == "noise" else clip[:700]
    kept = desk.target.parent / ".refused" / f"kitten.{sha256(desk.shelf.content)[:12]}.mp4"
    for _ in range(2):  # the same again is no second file
        with pytest.raises(NotAVideo) as refusal:
            await desk.fetch(keep_refused=True)
        assert (refusal.value.path, refusal.value.sha256) == (kept, sha256(desk.shelf.content))
        assert kept.read_bytes() == desk.shelf.content
        assert desk.files() == [kept.relative_to(desk.target.parent).as_posix(), "kitten.mp4"]
    assert desk.target.read_bytes() == b"older"


@pytest.mark.anyio
async def test_nothing_that_was_refused_is_overwritten(desk: Desk):
    desk.shelf.content = random.Random(0).randbytes(50_000)
    kept = desk.target.parent / ".refused" / f"kitten.{sha256(desk.shelf.content)[:12]}.mp4"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"altered by hand")
    with pytest.raises(NotAVideo) as refusal:
        await desk.fetch(keep_refused=True)
    assert kept.read_bytes() == b"altered by hand"
    assert refusal.value.path == kept.with_name(f"{kept.stem}.2.mp4")
    assert refusal.value.path.read_bytes() == desk.shelf.content


@pytest.mark.anyio
async def test_what_is_refused_goes_through_no_planted_link(desk: Desk, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    desk.target.parent.mkdir(parents=True)
    (desk.target.parent / ".refused").symlink_to(elsewhere, target_is_directory=True)
    desk.shelf.content = random.Random(0).randbytes(50_000)
    with pytest.raises(StorageFailed, match="symbolic link"):
        await desk.fetch(keep_refused=True)
    assert list(elsewhere.iterdir()) == []
    assert desk.partial.read_bytes() == desk.shelf.content


@pytest.mark.anyio
async def test_what_may_have_been_cut_off_on_the_way_is_not_kept(desk: Desk, clip: bytes):
    desk.shelf.states_length, desk.shelf.cut_bytes = False, 700
    with pytest.raises(BadRender) as refusal:
        await desk.fetch(keep_refused=True)
    assert not isinstance(refusal.value, NotAVideo)
    assert desk.files() == []


@pytest.mark.anyio
@pytest.mark.parametrize("is_clip", [True, False], ids=["clip", "noise"])
async def test_a_file_is_on_the_disk_before_it_has_its_name(desk: Desk, monkeypatch: pytest.MonkeyPatch, is_clip: bool):
    """After a power cut a name may point to bytes that were never written, unless they were synced first."""
    steps: list[str] = []
    sync, sync_folder, replace = durable.sync, durable.sync_folder, Path.replace

    def noted(step: str, work: Any) -> Any:
        return lambda *args: (steps.append(step), work(*args))[1]

    monkeypatch.setattr(durable, "sync", noted("bytes", sync))
    monkeypatch.setattr(durable, "sync_folder", noted("folder", sync_folder))
    monkeypatch.setattr(Path, "replace", noted("name", replace))
    if is_clip:
        await desk.fetch()
    else:
        desk.shelf.content = random.Random(0).randbytes(50_000)
        with pytest.raises(NotAVideo):
            await desk.fetch(keep_refused=True)
    assert "bytes" in steps[: steps.index("name")]
    assert steps[-2:] == ["name", "folder"]


@pytest.mark.anyio
async def test_a_body_of_unknown_length_is_judged_by_its_content(desk: Desk, clip: bytes):
    desk.shelf.states_length = False
    assert (await desk.fetch()).size_bytes == len(clip)


@pytest.mark.anyio
@pytest.mark.parametrize(("size_bytes", "reason"), [(100, "continues past its 100 bytes"), (1 << 40, "announces")])
async def test_a_body_longer_than_it_says_or_may_be_is_refused(
    tmp_path: Path, clip: bytes, size_bytes: int, reason: str
):
    async def chunks() -> AsyncGenerator[bytes]:
        yield clip

    spout = Spout(chunks(), size_bytes=size_bytes)
    with pytest.raises(BadRender, match=reason):
        await fetch_from(spout, tmp_path / "a.mp4", tmp_path / "a.part")
    assert files_in(tmp_path) == []


# ---- the store's checksums -------------------------------------------------------------------------------------------


def crc64(content: bytes) -> str:
    """As the store computes it: ECMA-182, bits turned round, all ones to begin with, and turned at the end."""
    table = []
    for number in range(256):
        for _ in range(8):
            number = (number >> 1) ^ (0xC96C5795D7870F42 if number & 1 else 0)
        table.append(number)
    crc = 0xFFFF_FFFF_FFFF_FFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return str(crc ^ 0xFFFF_FFFF_FFFF_FFFF)


def test_the_checksum_is_the_one_of_the_standard():
    assert crc64(b"123456789") == str(0x995DC9BBDF1939FA)  # the catalogue of parametrised CRC algorithms, CRC-64/XZ


def stated_of(content: bytes) -> dict[str, dict[str, str]]:
    """What a store may state of a file, by its name."""
    md5 = hashlib.md5(content)
    return {
        "CRC-64": {"x-oss-hash-crc64ecma": crc64(content)},
        "MD5": {"Content-MD5": base64.b64encode(md5.digest()).decode()},
        "tag": {"ETag": f'"{md5.hexdigest().upper()}"'},
    }


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["CRC-64", "MD5", "tag"])
async def test_a_checksum_of_the_store_vouches_for_the_file_or_has_it_fetched_again(tmp_path: Path, how: str):
    content = film(tmp_path / "clip.mp4", noise_bytes=70_000)
    shelf = Shelf(content=content, tag=None, checksums=stated_of(content)[how])
    with serving(shelf) as origin:
        desk = Desk(tmp_path, origin, shelf)
        assert (await desk.fetch()).is_vouched
        shelf.content = content[:-1] + bytes([content[-1] ^ 1])  # which no decoder would see
        kind = "CRC-64" if how == "CRC-64" else "MD5"
        with pytest.raises(BadRender, match=f"does not have the {kind} that the store states") as refusal:
            await desk.fetch()
        assert isinstance(refusal.value, Disputed) is (how == "tag")
        assert desk.files() == ["kitten.mp4"]
        if isinstance(refusal.value, Disputed):  # it came just like that before: the tag is no checksum
            found = await desk.fetch(believed=frozenset([refusal.value.sha256]))
            assert (found.sha256, found.is_vouched) == (sha256(shelf.content), False)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 65_535, 65_536, 65_537, 200_001])
def test_a_crc_of_any_length_is_compared(length: int):
    content = random.Random(length).randbytes(length)
    pieces = [content[:100], content[100:]]
    assert [agrees(pieces, int(crc64(content)) ^ turned) for turned in (0, 1, 1 << 63)] == [True, False, False]


@pytest.mark.anyio
async def test_a_part_bears_the_checksum_of_the_whole_file(tmp_path: Path):
    content = film(tmp_path / "clip.mp4", noise_bytes=600_000)
    shelf = Shelf(content=content, cut_bytes=300_000, checksums=stated_of(content)["CRC-64"])
    with serving(shelf) as origin:
        desk = Desk(tmp_path, origin, shelf)
        with pytest.raises(ServiceUnclear):
            await desk.fetch()
        shelf.cut_bytes = None
        shelf.checksums = {**shelf.checksums, **stated_of(b"of a part?")["MD5"]}
        assert (await desk.fetch()).is_vouched
    assert shelf.heard[-1] not in (None, "bytes=0-")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "stated",
    [
        {"x-oss-hash-crc64ecma": "no number"},
        {"x-oss-hash-crc64ecma": str(1 << 64)},
        {"Content-MD5": "no base64"},
        {"Content-MD5": "c2hvcnQ="},
        {"ETag": f'"{"0" * 32}-3"'},
        {"ETag": f'W/"{"0" * 32}"'},
    ],
    ids=str,
)
async def test_what_is_no_checksum_says_nothing(tmp_path: Path, stated: dict[str, str]):
    content = film(tmp_path / "clip.mp4", noise_bytes=0)
    with serving(Shelf(content=content, tag=None, checksums=stated)) as origin:
        assert not (await Desk(tmp_path, origin, Shelf(content=content)).fetch()).is_vouched


@pytest.mark.anyio
async def test_a_full_disk_is_reported_as_such(desk: Desk):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageFailed, match=r"task-1\.mp4: the file is larger than the system allows"):
            await desk.fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not desk.target.exists()
    await desk.fetch()
    assert desk.files() == ["kitten.mp4"]


@pytest.mark.anyio
async def test_a_folder_in_the_clips_place_is_no_crash(desk: Desk):
    desk.target.mkdir(parents=True)
    with pytest.raises(StorageFailed):
        await desk.fetch()
