"""A loopback service that answers only what an account may use: the list of models, and the limits of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class AccountServer:
    """`models` are the rows of the list; `limits` by model. `key` is the only one that is accepted.

    `raw` answers every question, when it is given. `asked` are the paths and queries, in order.
    """

    key: str = "sk-4711-secret"
    models: list[Any] = field(default_factory=list)
    limits: dict[str, dict[str, Any]] = field(default_factory=dict)
    raw: tuple[int, bytes] | None = None
    asked: list[str] = field(default_factory=list)
    base_url: str = ""

    def answer(self, target: str, authorization: str) -> tuple[int, bytes]:
        """The status and the body for one question."""
        self.asked.append(target)
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if authorization != f"Bearer {self.key}":
            return 401, json.dumps({"code": "InvalidApiKey", "message": "Invalid API-key provided."}).encode()
        if self.raw is not None and not parts.path.endswith("/tasks/"):
            return self.raw
        match parts.path.rpartition("/api/v1/")[2]:
            case "tasks/":
                told: dict[str, Any] = {"data": [], "page_no": 1, "page_size": 1, "total_page": 0, "total": 0}
            case "models":
                page, size = int(query["page_no"]), int(query["page_size"])
                rows = self.models[(page - 1) * size : page * size]
                told = {"output": {"models": rows, "total": len(self.models), "page_no": page, "page_size": size}}
            case "models/limits" if query["model"] in self.limits:
                told = {"output": {"model": query["model"], **self.limits[query["model"]]}}
            case _:
                return 404, json.dumps({"code": "NotFound", "message": "not on this host"}).encode()
        return 200, json.dumps({"request_id": "r1", **told}).encode()


@contextmanager
def serving(server: AccountServer) -> Iterator[AccountServer]:
    """The server on a port of its own, for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = server.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        server.base_url = f"http://127.0.0.1:{httpd.server_port}/api/v1"
        try:
            yield server
        finally:
            httpd.shutdown()
            thread.join()
