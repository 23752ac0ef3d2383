"""What the application answers: the page, its parts, the board as JSON, pictures and clips, picks, and live news."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread
from jinja2 import Environment, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from kfpipe.errors import BadRender, KfpipeError, Refused
from kfpipe.media.posters import Posters
from kfpipe.project import Project
from kfpipe.review.app.watcher import Sighting, Watcher

Picking = Callable[[Project, str, str | None], bool]
"""Puts on record which take of a shot is picked, None: no take. Raises Refused."""

_INTERVAL_S: Final = 0.5
"""How often manifest, records and clips are looked at while a page is open."""

_LONGEST_REST_S: Final = 5.0
"""As long as a look has taken is waited for the next one, so that a large project is no load; at most so long."""

_PIECE_BYTES: Final = 1 << 20
"""So much of a clip is sent at a time: a browser has six connections to a host, and would keep one for each clip on
stage, to go on with when it plays; news and picks would wait behind them."""

_LARGEST_BODY: Final = 1 << 14
_OPEN_RANGE: Final = re.compile(rb"bytes=(\d{1,15})-")
_LASTING: Final = {"Cache-Control": "private, max-age=86400, immutable"}
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Desk:
    """The answers of one application."""

    def __init__(self, watcher: Watcher, pick: Picking, *, is_read_only: bool) -> None:
        self._watcher = watcher
        self._pick = pick
        self._is_read_only = is_read_only
        self._decoding = anyio.CapacityLimiter(2)
        static = files("kfpipe.review.app").joinpath("static")
        self._parts = {one.name: one.read_bytes() for one in static.iterdir() if _ending(one.name) in _TYPES}
        pages = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._page = pages.from_string(static.joinpath("page.html.jinja").read_text("utf-8"))
        self._turned_away = pages.from_string(static.joinpath("stale.html.jinja").read_text("utf-8"))

    def app(self) -> Starlette:
        """The application, without its guard."""
        return Starlette(
            routes=[
                Route("/", self.page),
                Route("/static/{name}", self.part),
                Route("/api/board", self.board),
                Route("/api/events", self.events),
                Route("/api/pick", self.pick, methods=["POST"]),
                Route("/media/{sha256}", self.medium),
                Route("/poster/{sha256}", self.poster),
            ]
        )

    async def page(self, _: Request) -> Response:
        """The page itself: it asks for all that it shows."""
        title = self._watcher.now.board.title
        return HTMLResponse(self._page.render(title=title, is_read_only=self._is_read_only))

    def stranger(self, request: Request) -> Response:
        """What a browser without the cookie gets."""
        if request.url.path == "/":
            return HTMLResponse(self._turned_away.render(), status_code=403)
        return _problem("this page is not open any more: run `kfpipe review` again, and open its address", 403)

    async def part(self, request: Request) -> Response:
        """A style sheet, a script or the icon."""
        name = request.path_params["name"]
        content = self._parts.get(name)
        if content is None:
            return Response(status_code=404)
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"Cache-Control": "no-cache", "ETag": etag}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=_TYPES[_ending(name)], headers=headers)

    async def board(self, request: Request) -> Response:
        """The board, or the shots that have changed since `?since=REVISION`."""
        seen = await anyio.to_thread.run_sync(self._watcher.look)
        since = request.query_params.get("since", "")
        epoch, _, revision = since.partition(".")
        after = int(revision) if epoch == self._watcher.epoch and revision.isdecimal() else -1
        return JSONResponse(self._told(seen, after))

    def _told(self, seen: Sighting, after: int) -> dict[str, Any]:
        return {
            **seen.board.head(),
            "revision": self._revision(seen),
            "read_only": self._is_read_only,
            "running": seen.is_running,
            "problems": seen.problems,
            "stale": seen.is_stale,
            "order": list(seen.shots),
            "shots": [shot for name, shot in seen.shots.items() if seen.changed[name] > after],
        }

    def _revision(self, seen: Sighting) -> str:
        return f"{self._watcher.epoch}.{seen.revision}"

    async def events(self, _: Request) -> Response:
        """Server-sent events: the revision whenever it has changed."""
        return StreamingResponse(self._news(), media_type="text/event-stream")

    async def _news(self) -> AsyncIterator[str]:
        told = None
        while True:
            began_at = anyio.current_time()
            seen = await anyio.to_thread.run_sync(self._watcher.look)
            if seen.revision != told:
                told = seen.revision
                yield f"data: {json.dumps(self._revision(seen))}\n\n"
            else:
                yield ":\n\n"  # a browser that has gone is noticed by it
            elapsed = anyio.current_time() - began_at
            await anyio.sleep(min(max(_INTERVAL_S, elapsed), _LONGEST_REST_S))

    async def pick(self, request: Request) -> Response:
        """Record a pick: `{"shot": "roof", "take": "roof@seed=2"}`, or null for no take."""
        if self._is_read_only:
            return _problem("this review is read-only: picks are not written", 403)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _problem("a pick is sent as application/json", 415)
        match _parsed(await _body(request)):
            case {"shot": str(shot), "take": str() | None as take}:
                pass
            case _:
                return _problem('expected {"shot": "...", "take": "..."}, or null for no take', 400)
        try:
            changed = await anyio.to_thread.run_sync(partial(self._pick, self._watcher.project, shot, take))
        except Refused as error:
            return _problem("; ".join(problem.what for problem in error.problems), 409)
        except KfpipeError as error:
            return _problem(str(error), 500)
        seen = await anyio.to_thread.run_sync(self._watcher.look)
        return JSONResponse({"changed": changed, "revision": self._revision(seen)})

    async def medium(self, request: Request) -> Response:
        """A clip or a still by the digest of its bytes; parts of it by `Range`."""
        sha256 = request.path_params["sha256"]
        found = self._watcher.file(sha256)
        if found is None:
            return Response(status_code=404)
        shelved, path = found
        request.scope["headers"] = [(name, _piece(name, value)) for name, value in request.scope["headers"]]
        return await _file(request, path, sha256, shelved.mime_type)

    async def poster(self, request: Request) -> Response:
        """The picture from the middle of a clip, by the clip's digest."""
        sha256 = request.path_params["sha256"]
        found = self._watcher.file(sha256)
        if found is None or not found[0].mime_type.startswith("video/"):
            return Response(status_code=404)
        posters = Posters(self._watcher.project.state_dir)
        cut = partial(posters.of, found[1], sha256)
        try:
            path = await anyio.to_thread.run_sync(cut, limiter=self._decoding)
        except (BadRender, KfpipeError):
            return Response(status_code=404)
        return await _file(request, path, f"poster-{sha256}", "image/jpeg")


async def _file(request: Request, path: Path, tag: str, mime_type: str) -> Response:
    headers = {**_LASTING, "ETag": f'"{tag}"'}
    if not await anyio.Path(path).is_file():
        return Response(status_code=404)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, headers=headers, media_type=mime_type)


def _piece(name: bytes, value: bytes) -> bytes:
    """A header; a `Range` without an end is given one."""
    start = _OPEN_RANGE.fullmatch(value) if name == b"range" else None
    return value if start is None else b"%s%d" % (value, int(start[1]) + _PIECE_BYTES - 1)


async def _body(request: Request) -> bytes:
    """The request's body; nothing where that is too long to be a pick."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > _LARGEST_BODY:
            return b""
    return content


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _problem(what: str, status: int) -> Response:
    return JSONResponse({"problem": what}, status_code=status)


def _ending(name: str) -> str:
    return name.rpartition(".")[2]
