"""The service's clock, as every answer shows it in its `Date` header: real time, or what a fault makes of it."""

import time
from email.utils import formatdate

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def dated(app: ASGIApp) -> ASGIApp:
    """The application, whose answers have a `Date` unless they come with one; one that is empty is taken away."""

    async def dated_app(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.setdefault("date", formatdate(usegmt=True)) == "":
                    del headers["date"]
            await send(message)

        await app(scope, receive, send_dated)

    return dated_app


def turn(response: Response, ahead_s: float | None) -> None:
    """Let an answer come from a clock that is so many seconds ahead, or, with None, from one that is not told."""
    response.headers["date"] = "" if ahead_s is None else formatdate(time.time() + ahead_s, usegmt=True)
