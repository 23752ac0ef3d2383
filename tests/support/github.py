"""The part of GitHub's API that the comment on a pull request needs, on loopback."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LONGEST = 65_536
_COMMENTS = re.compile(r"/repos/acme/film/issues/7/comments")
_COMMENT = re.compile(r"/repos/acme/film/issues/comments/(\d+)")


@dataclass
class Hub:
    """The repository `acme/film` with its pull request 7. `may_write` is what the token is good for."""

    url: str = ""
    token: str = "ghs_secret-of-this-test"
    may_write: bool = True
    bodies: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)

    def answer(self, method: str, target: str, token: str | None, told: Any) -> tuple[int, Any, str]:
        """Status, content and the Link header."""
        self.methods.append(method)
        parts = urlsplit(target)
        if token != f"Bearer {self.token}":
            return 401, {"message": "Bad credentials"}, ""
        if method != "GET" and not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}, ""
        if method != "GET" and len(told["body"]) > LONGEST:
            return 422, {"message": "Validation Failed"}, ""
        if found := _COMMENT.fullmatch(parts.path):
            self.bodies[int(found[1])] = told["body"]
            return 200, self._shown(int(found[1])), ""
        if _COMMENTS.fullmatch(parts.path) is None:
            return 404, {"message": "Not Found"}, ""
        if method == "POST":
            self.bodies.append(told["body"])
            return 201, self._shown(len(self.bodies) - 1), ""
        return self._page(parse_qs(parts.query))

    def _page(self, query: dict[str, list[str]]) -> tuple[int, Any, str]:
        size, page = int(query["per_page"][0]), int(query["page"][0])
        shown = [self._shown(number) for number in range(len(self.bodies))][(page - 1) * size : page * size]
        more = page * size < len(self.bodies)
        return 200, shown, f'<{self.url}/?page={page + 1}>; rel="next"' if more else ""

    def _shown(self, number: int) -> dict[str, Any]:
        return {"id": number, "body": self.bodies[number], "html_url": f"https://github.example/7#{number}"}


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub that listens until the end of the block."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told = json.loads(content) if content else None
            status, shown, link = hub.answer(self.command, self.path, self.headers.get("Authorization"), told)
            body = json.dumps(shown).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if link:
                self.send_header("Link", link)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815  as the library calls them

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield hub
        server.shutdown()
        thread.join()
