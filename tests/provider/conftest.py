"""A server that answers by a script, for what no honest service would say, and the real client in front of it."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kfpipe.catalogue import shipped
from kfpipe.domain import LocalMedium, MediaInput, MediaRole, Medium, Parameters, RenderRequest
from kfpipe.emulator import Emulator
from kfpipe.provider.client import DashScope
from tests.support import stills

KEY = "sk-test-0123456789abcdef"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A request as it came over the wire; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


Act = Callable[[socket.socket, "Stub"], None]


class Stub:
    """Answers one request after the other by `script`; its last act goes on for ever."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.connections = 0
        self.script: list[Act] = [reply(200, {})]
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.base_url = f"{self.origin}/api/v1"
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def close(self) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _listen(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=[connection])
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        with connection:
            try:
                while (heard := self._hear(connection)) is not None:
                    self.heard.append(heard)
                    act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                    act(connection, self)
            except OSError:
                return

    def _hear(self, connection: socket.socket) -> Heard | None:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (piece := self._receive(connection)):
                return None
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            if not (piece := self._receive(connection)):
                return None
            body += piece
        method, target, _ = first.split(" ")
        return Heard(method=method, target=target, headers=headers, body=body)

    def _receive(self, connection: socket.socket) -> bytes:
        while not self.over.is_set():
            try:
                return connection.recv(65536)
            except TimeoutError:
                continue
        return b""


def reply(status: int, body: Any = b"", **headers: str) -> Act:
    """A whole answer; `body` as JSON unless it is bytes. Underscores in header names stand for hyphens."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Length": str(len(content))} | {name.replace("_", "-"): text for name, text in headers.items()}
    head = "".join(f"{name}: {text}\r\n" for name, text in lines.items())

    def act(connection: socket.socket, stub: Stub) -> None:
        connection.sendall(f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content)

    return act


def hang_up(connection: socket.socket, stub: Stub) -> None:
    """Close without an answer."""
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket, stub: Stub) -> None:
    """Break the connection off."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def stay_silent(connection: socket.socket, stub: Stub) -> None:
    """Never answer."""
    stub.over.wait()


def talk_forever(connection: socket.socket, stub: Stub) -> None:
    """Answer with a body that does not end."""
    connection.settimeout(5.0)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while not stub.over.is_set():
        connection.sendall(b" " * 65536)


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()
    yield stub
    stub.close()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(film="tiny", queue_s=0, run_s=0, enforces_rates=False) as emulator:
        yield emulator


@pytest.fixture
def dashscope(tmp_path: Path) -> Callable[..., DashScope]:
    """Makes clients of the account with the key `KEY`, whose project is `tmp_path`."""

    def make(base_url: str, **settings: Any) -> DashScope:
        own = {
            "api_key": KEY,
            "region": "emulator",
            "catalogue": shipped(),
            "project": tmp_path,
            "uploads_file": tmp_path / "uploads.jsonl",
        }
        return DashScope(base_url=base_url, **(own | settings))

    return make


@pytest.fixture
def still(tmp_path: Path) -> Callable[..., LocalMedium]:
    """Draws a frame into the project."""

    def draw(path: str, colour: str = "navy") -> LocalMedium:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        content = stills.content(colour)
        file.write_bytes(content)
        return LocalMedium(
            path=path,
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            mime_type="image/png",
            width_px=640,
            height_px=360,
        )

    return draw


def render_request(*frames: Medium, model: str = "wan2.7-i2v", **changes: Any) -> RenderRequest:
    """A request of 5 s; the first frame given is the first one of the clip, the second one the last."""
    fields: dict[str, Any] = {"prompt": "A kitten looks up.", "negative_prompt": ""}
    return RenderRequest(
        model=model,
        media=tuple(MediaInput(role=role, medium=frame) for role, frame in zip(MediaRole, frames, strict=False)),
        parameters=Parameters(resolution="720P", duration_s=5, prompt_extend=False, watermark=False, seed=42),
        **(fields | changes),
    )
