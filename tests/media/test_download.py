from __future__ import annotations

import hashlib
import random
import struct
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import av
import pytest
from PIL import Image

from kfpipe.catalogue import shipped
from kfpipe.domain import PictureSize
from kfpipe.errors import BadRender, ServiceUnclear, StorageFailed
from kfpipe.media.download import FetchedClip, fetch
from kfpipe.media.facts import ClipFacts, Expected
from kfpipe.media.video import check_clip
from kfpipe.provider import Body
from kfpipe.provider.client import DashScope
from tests.support import recordings

SECONDS = 2
EXPECTED = Expected(size=PictureSize(width_px=128, height_px=72), seconds=SECONDS)


def film(
    path: Path,
    *,
    seconds: float = SECONDS,
    size: tuple[int, int] = (128, 72),
    codec: str = "libx264",
    videos: int = 1,
    audio: bool = False,
    shade: int = 0,
    encoding: dict[str, str] | None = None,
    **muxing: Any,
) -> bytes:
    """A clip that moves, of about a megabyte: the container carries a box of noise."""
    with av.open(str(path), "w", **muxing) as container:
        streams: list[Any] = []
        for _ in range(videos):
            stream = container.add_stream(codec, rate=30, options=encoding)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            streams.append(stream)
        sound: Any = container.add_stream("aac", rate=44100) if audio else None
        for number in range(round(seconds * 30)):
            picture = Image.new("RGB", size, ((shade + number) % 256, 90, 90))
            for stream in streams:
                container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        if sound is not None:
            samples = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
            samples.rate = 44100
            for plane in samples.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(sound.encode(samples))
            container.mux(sound.encode(None))
        for stream in streams:
            container.mux(stream.encode(None))
    noise = random.Random(shade).randbytes(1_000_000)
    content = path.read_bytes() + struct.pack(">I4s", len(noise) + 8, b"free") + noise
    path.write_bytes(content)
    return content


@dataclass(kw_only=True)
class Shelf:
    """What the server hands out. `cut_bytes` of an answer are sent at most; `heard` holds the Range of each request."""

    content: bytes
    tag: str | None = '"v1"'
    cut_bytes: int | None = None
    states_length: bool = True
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

    async def fetch(self, expected: Expected = EXPECTED) -> FetchedClip:
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
            return await fetch(client, url, target=self.target, partial=self.partial, expected=expected)

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
        sha256=sha256(clip),
        size_bytes=len(clip),
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
        await fetch(spout, "", target=desk.target, partial=desk.partial, expected=EXPECTED)
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
    with pytest.raises(BadRender, match="not a complete MP4"):
        await desk.fetch()
    assert desk.files() == ["kitten.mp4"]
    assert desk.target.read_bytes() == b"older"


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
        await fetch(spout, "", target=tmp_path / "a.mp4", partial=tmp_path / "a.part", expected=EXPECTED)
    assert files_in(tmp_path) == []


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


# ---- the check ---------------------------------------------------------------------------------------------------


def refusal_of(path: Path, expected: Expected = EXPECTED) -> str:
    with pytest.raises(BadRender) as refusal:
        check_clip(path, expected)
    return str(refusal.value)


def test_sound_is_noticed(tmp_path: Path):
    film(tmp_path / "clip.mp4", audio=True)
    facts = check_clip(tmp_path / "clip.mp4", EXPECTED)
    assert facts == ClipFacts(width_px=128, height_px=72, fps=Decimal(30), duration_s=Decimal(2), audio=True)


def test_a_title_that_is_not_utf_8_does_no_damage(tmp_path: Path):
    path = recordings.clip(tmp_path / "clip.mp4", seconds=SECONDS, size=(128, 72), title=recordings.LATIN_TITLE)
    assert check_clip(path, EXPECTED).duration_s == SECONDS


@pytest.mark.parametrize("size", [(128, 72), (256, 144), (128, 74)])
def test_any_size_of_about_the_right_shape_is_accepted(tmp_path: Path, size: tuple[int, int]):
    film(tmp_path / "clip.mp4", size=size)
    facts = check_clip(tmp_path / "clip.mp4", EXPECTED)
    assert (facts.width_px, facts.height_px) == size


def test_any_shape_is_accepted_when_none_can_be_predicted(tmp_path: Path):
    film(tmp_path / "clip.mp4", size=(72, 128))
    assert check_clip(tmp_path / "clip.mp4", Expected(size=None, seconds=SECONDS)).height_px == 128


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"size": (72, 128)}, "72x128 px, which is not the shape of 128x72"),
        ({"seconds": 1.0}, "lasts 1 s instead of 2 s"),
        ({"seconds": 3.0}, "lasts 3 s instead of 2 s"),
        ({"codec": "mpeg4"}, "encoded as mpeg4 instead of h264"),
        ({"videos": 2}, "2 video streams instead of one"),
        ({"format": "matroska"}, "not a complete MP4"),
    ],
    ids=str,
)
def test_another_clip_than_asked_for_is_refused(tmp_path: Path, made: dict[str, Any], reason: str):
    film(tmp_path / "clip.mp4", **made)
    assert reason in refusal_of(tmp_path / "clip.mp4")


def test_a_still_instead_of_a_clip_is_refused(tmp_path: Path):
    (tmp_path / "clip.mp4").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    assert "not a complete MP4" in refusal_of(tmp_path / "clip.mp4")


@pytest.mark.parametrize("options", [{}, {"options": {"movflags": "faststart"}}], ids=["index last", "index first"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_a_clip_that_is_cut_off_is_refused(tmp_path: Path, options: dict[str, Any], share: float):
    path = tmp_path / "clip.mp4"
    content = film(path, **options)
    path.write_bytes(content[: int((len(content) - 1_000_008) * share)])
    assert refusal_of(path)


def test_a_clip_that_is_cut_off_between_two_pictures_is_refused(tmp_path: Path):
    path = tmp_path / "clip.mp4"
    one_keyframe = {"sc_threshold": "0"}
    content = film(path, options={"movflags": "faststart"}, encoding=one_keyframe)
    with av.open(str(path)) as container:
        starts = [packet.pos for packet in container.demux(video=0) if packet.pos is not None]
    path.write_bytes(content[: starts[30]])
    assert refusal_of(path) == "the clip breaks off before its end"


def test_a_playlist_in_disguise_opens_no_other_file(tmp_path: Path, clip: bytes):
    (tmp_path / "secret.mp4").write_bytes(clip)
    (tmp_path / "clip.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n", encoding="utf-8")
    assert "not a complete MP4" in refusal_of(tmp_path / "clip.mp4")


@pytest.mark.parametrize("seed", range(20))
def test_damage_in_the_file_is_refused_or_harmless_never_a_crash(tmp_path: Path, clip: bytes, seed: int):
    noise = random.Random(seed)
    content = bytearray(clip[:-1_000_008])
    for _ in range(40):
        content[noise.randrange(len(content))] = noise.randrange(256)
    (tmp_path / "clip.mp4").write_bytes(content)
    try:
        check_clip(tmp_path / "clip.mp4", EXPECTED)
    except BadRender as refusal:
        assert str(refusal)
