"""Emulators on real sockets, and a caller that knows their paths."""

from __future__ import annotations

import base64
import concurrent.futures
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from PIL import Image

from kfpipe.emulator import Emulator

KEY = "sk-0123456789abcdef"

Json = dict[str, Any]


def png(colour: str = "teal", size: tuple[int, int] = (640, 360), mode: str = "RGB", kind: str = "PNG") -> bytes:
    data = io.BytesIO()
    Image.new(mode, size, colour).save(data, kind)
    return data.getvalue()


def data_uri(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


class Bodies:
    """Requests that keep every rule; tests break them one field at a time."""

    first = data_uri(png("teal"))
    last = data_uri(png("orange"))

    def wan27(self, prompt: str | None = "A lamp goes on.", **parameters: Any) -> Json:
        media = [{"type": "first_frame", "url": self.first}, {"type": "last_frame", "url": self.last}]
        parameters = {"resolution": "720P", "duration": 2, "seed": 1, **parameters}
        return {"model": "wan2.7-i2v", "input": {"prompt": prompt, "media": media}, "parameters": parameters}

    def kf2v(self, prompt: str | None = "A lamp goes on.", **parameters: Any) -> Json:
        given = {"prompt": prompt, "first_frame_url": self.first, "last_frame_url": self.last}
        parameters = {"resolution": "480P", "seed": 1, **parameters}
        return {"model": "wan2.2-kf2v-flash", "input": given, "parameters": parameters}


class Caller:
    """One running emulator, and a client of it."""

    def __init__(self, emulator: Emulator, http: httpx.Client) -> None:
        self.emulator = emulator
        self.http = http

    def submit(self, body: Any, **changes: Any) -> httpx.Response:
        route = "image2video" if "kf2v" in str(body.get("model")) else "video-generation"
        return self.http.post(f"services/aigc/{changes.pop('route', route)}/video-synthesis", json=body, **changes)

    def make(self, body: Json) -> str:
        response = self.submit(body)
        assert response.status_code == 200, response.text
        return str(response.json()["output"]["task_id"])

    def look(self, task_id: str) -> Json:
        response = self.http.get(f"tasks/{task_id}")
        assert response.status_code == 200, response.text
        return dict(response.json())

    def finish(self, task_id: str) -> Json:
        """Wait for the clips, jump to a time when the task is over, and look."""
        tasks = self.emulator.account.tasks()
        films = [film for task in tasks for film in (task.film, task.marked_film) if film is not None]
        concurrent.futures.wait(films, timeout=30)
        self.emulator.clock.advance(1000)
        return self.look(task_id)

    def failure(self, body: Json) -> tuple[str | None, str | None]:
        """Code and message of the task that a bad request became."""
        output = self.finish(self.make(body))["output"]
        assert output["task_status"] == "FAILED"
        return output.get("code"), output.get("message")


@pytest.fixture
def bodies() -> Bodies:
    return Bodies()


@contextmanager
def calling(**settings: Any) -> Iterator[Caller]:
    """An emulator that films cheaply and lets every rate pass, unless told otherwise."""
    headers = {"Authorization": f"Bearer {KEY}", "X-DashScope-Async": "enable"}
    with (
        Emulator(**{"film": "tiny", "enforces_rates": False, **settings}) as emulator,
        # Plain HTTP on loopback: loading root certificates would take longer than most tests.
        httpx.Client(base_url=emulator.base_url, headers=headers, timeout=30, verify=False) as http,
    ):
        yield Caller(emulator, http)


@pytest.fixture
def start() -> Iterator[Callable[..., Caller]]:
    with ExitStack() as running:
        yield lambda **settings: running.enter_context(calling(**settings))


@pytest.fixture
def caller(start: Callable[..., Caller]) -> Caller:
    return start()


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    """One emulator for all tests of a module that neither count its tasks nor stop its clock."""
    with calling() as caller:
        yield caller


@pytest.fixture
def as_uri() -> Callable[[bytes], str]:
    return data_uri


@pytest.fixture
def stills() -> tuple[bytes, bytes]:
    return png("teal"), png("orange")
