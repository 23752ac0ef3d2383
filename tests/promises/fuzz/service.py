"""A service that may answer anything: now and then what it should, else wrong types, floods, lies and the key itself.

It listens on a loopback port and speaks HTTP by hand, since no library would let such answers out.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final, Self
from urllib.parse import urlsplit

import av

from tests.promises.fuzz import mutations

STATUSES: Final = (
    200,
    200,
    200,
    201,
    204,
    206,
    301,
    302,
    307,
    400,
    401,
    403,
    404,
    408,
    416,
    429,
    500,
    502,
    503,
    504,
    999,
)
CODES: Final = (
    *("InvalidApiKey", "Arrearage", "Throttling.RateQuota", "Throttling.BurstRate", "Throttling.AllocationQuota"),
    *(
        "InternalError.Algo",
        "DataInspectionFailed",
        "InvalidParameter",
        "ModelNotFound",
        "Nonsense",
        "",
        "kfpipe.Http401",
    ),
)
WISHES: Final = (
    "1",
    "0",
    "-5",
    "99999999999999999999",
    "NaN",
    "Wed, 21 Oct 2015 07:28:00 GMT",
    "9 Jan 99999",
    "soon",
    "",
)
LARGE: Final = 5 << 20


@cache
def clip() -> bytes:
    """A film of two seconds, 640x360."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
            for _ in range(20):
                container.mux(stream.encode(av.VideoFrame(640, 360, "yuv420p")))
            container.mux(stream.encode(None))
        return path.read_bytes()


class Service:
    """`begin` sets what it is like from now on; `key` is what it echoes wherever it can."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._random = Random(0)
        self._malice = 0.0
        self._tasks: dict[str, int] = {}
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.base_url = f"{self.origin}/api/v1"

    def __enter__(self) -> Self:
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listening.join()

    def begin(self, random: Random, malice: float) -> None:
        """Forget all tasks; `malice` is the share of answers that are not honest."""
        self._random, self._malice = random, malice
        self._tasks = {}

    # ---- connections -----------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5.0)
        with connection, suppress(OSError, ValueError):
            reader = connection.makefile("rb")
            while not self._over.is_set():
                words = reader.readline().decode("latin-1").split()
                if len(words) != 3:
                    return
                length = 0
                while (line := reader.readline()) not in (b"\r\n", b"\n", b""):
                    name, _, text = line.partition(b":")
                    length = int(text) if name.lower() == b"content-length" else length
                body = reader.read(length)
                if not self._answer(connection, words[0], words[1], body):
                    return

    def _answer(self, connection: socket.socket, method: str, target: str, body: bytes) -> bool:
        """Whether the connection goes on."""
        status, headers, content = self._honest(method, urlsplit(target).path, body)
        if self._random.random() < self._malice:
            return self._lie(connection, status, headers, content)
        connection.sendall(_message(status, headers, content))
        return True

    # ---- what an honest service would say --------------------------------------------------------------------------

    def _honest(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        now_s = int(time.time())
        place = path.removeprefix("/api/v1/")
        if place == "uploads":
            policy = {
                "upload_host": f"{self.origin}/store",
                "upload_dir": "dashscope-instant/x",
                "oss_access_key_id": "id",
                "signature": "s",
                "policy": "p",
                "expire_in_seconds": 300,
            }
            return _json({"request_id": "r", "data": policy})
        if place.startswith("services/"):
            task_id = f"task-{self._random.randrange(10**9)}"
            self._tasks[task_id] = 0
            return _json({"request_id": "r", "output": {"task_id": task_id, "task_status": "PENDING"}})
        if place == "tasks/":
            rows = [
                {
                    "task_id": task_id,
                    "request_id": "r",
                    "model_name": "m",
                    "status": "RUNNING",
                    "gmt_create": now_s * 1000,
                }
                for task_id in self._tasks
            ]
            return _json({"request_id": "r", "data": rows, "page_no": 1, "total_page": 1, "total": len(rows)})
        if place.startswith("tasks/"):
            return _json(self._report(place.split("/")[1], now_s))
        if place.startswith("/clip"):
            return 200, {"Content-Type": "video/mp4", "ETag": '"v1"'}, clip()
        return 200, {}, b""

    def _report(self, task_id: str, now_s: int) -> dict[str, Any]:
        seen = self._tasks[task_id] = self._tasks.get(task_id, 0) + 1
        output: dict[str, Any] = {"task_id": task_id, "task_status": "RUNNING"}
        if seen > 1:
            link = f"{self.origin}/clip/{task_id}.mp4?Expires={now_s + 86_000}&Signature=x"
            output |= {"task_status": "SUCCEEDED", "video_url": link, "orig_prompt": "A kitten looks up."}
            return {"request_id": "r", "output": output, "usage": {"duration": 2, "SR": 720}}
        return {"request_id": "r", "output": output}

    # ---- what this one says ----------------------------------------------------------------------------------------

    def _lie(self, connection: socket.socket, status: int, headers: dict[str, str], content: bytes) -> bool:
        random = self._random
        match random.randrange(12):
            case 0:
                return False
            case 1:
                connection.sendall(random.choice((b"", b"\x00" * 300, self._key.encode(), b"HTTP/1.1 ")) + b"\r\n\r\n")
                return False
            case 2:
                name = random.choice(("Location", "X-Y", "Content-Length", "Transfer-Encoding", self._key))
                line = f"{name}: {self._key}\r\n{self._key}\r\n"
                connection.sendall(f"HTTP/1.1 {random.choice(STATUSES)} {self._key}\r\n{line}\r\n".encode())
                return False
            case 3:
                connection.sendall(_message(status, headers, content)[: random.randrange(len(content) + 100)])
                return False
            case 4:
                connection.sendall(_message(status, headers, b" " * LARGE))
                return True
            case 5:
                headers = {**headers, "Location": self._address(), "Retry-After": random.choice(WISHES)}
                connection.sendall(_message(random.choice(STATUSES), headers, content))
                return True
            case 6:
                answer = {"code": random.choice(CODES), "message": self._words(), "request_id": self._words()}
                headers = {**headers, "Retry-After": random.choice(WISHES)}
                connection.sendall(_message(random.choice(STATUSES), headers, json.dumps(answer).encode()))
                return True
            case 7:
                page = f"<html><Code>{self._key}</Code><Message>{self._words()}</Message></html>".encode(
                    errors="replace"
                )
                connection.sendall(_message(random.choice(STATUSES), {"Content-Type": "text/html"}, page))
                return True
            case 8:
                depth = random.choice((100, 100_000))
                connection.sendall(_message(200, headers, b'{"output":' * depth + b"1" + b"}" * depth))
                return True
            case 9:
                connection.sendall(_message(status, headers, mutations.flipped(content, random, 3)))
                return True
        connection.sendall(_message(status, headers, self._twisted(content)))
        return True

    def _twisted(self, content: bytes) -> bytes:
        """The honest answer with other values in it."""
        try:
            answer = json.loads(content)
        except ValueError:
            return b"\0" + content  # a clip: its bytes are kept as they come, so they do not hold the key
        twisted = mutations.damaged(answer, self._random, self._random.randrange(1, 6))
        fields = twisted.get("output") if isinstance(twisted, dict) else None
        if isinstance(fields, dict) and self._random.random() < 0.5:
            name = self._random.choice(("task_id", "task_status", "video_url", "message", "code", "actual_prompt"))
            fields[name] = self._random.choice(
                (self._words(), self._address(), mutations.value(self._random), "FAILED")
            )
        return json.dumps(twisted).encode()

    def _words(self) -> str:
        odd = self._random.choice(mutations.TEXTS)
        return f"{odd} {self._key} {odd}" if self._random.random() < 0.7 else odd

    def _address(self) -> str:
        places = (
            *(
                f"{self.origin}/clip/x.mp4",
                f"{self.origin}/{self._key}",
                f"https://{self._key}/",
                f"ftp://a/{self._key}",
            ),
            *("file:///etc/passwd", "http://10.0.0.1/", "//", "https://[::1", "", "http://user:pw@127.0.0.1/", "\x7f:"),
        )
        return self._random.choice(places)


def _json(answer: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def _message(status: int, headers: dict[str, str], content: bytes) -> bytes:
    lines = "".join(f"{name}: {text}\r\n" for name, text in {**headers, "Content-Length": str(len(content))}.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode("latin-1", "replace") + content
