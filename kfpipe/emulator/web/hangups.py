"""Answers that never arrive whole: a connection closed before the first byte, or in the middle of a body.

ASGI cannot say this, so the protocol hands its transport to the application.
"""

from asyncio import Transport
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "kfpipe.emulator.transport"


class OpenProtocol(H11Protocol):
    """HTTP/1.1 whose requests carry the transport they came over."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as the class above has it
        self.app_state = {**self.app_state, _TRANSPORT: transport}
        super().connection_made(transport)


class Hangup(Response):
    """Closes the connection without a word."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _transport(scope).abort()
        await _closed(receive)


class CutShort(Response):
    """Sends another response, but closes the connection after this many bytes of its body."""

    def __init__(self, response: Response, after_bytes: int) -> None:
        super().__init__()
        self._response = response
        self._left_bytes = after_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_some(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            body: bytes = message.get("body", b"")
            if self._left_bytes > 0:
                await send({**message, "body": body[: self._left_bytes], "more_body": True})
            self._left_bytes -= len(body)
            if self._left_bytes <= 0:
                _transport(scope).close()

        await self._response(scope, receive, send_some)
        _transport(scope).close()
        await _closed(receive)


def _transport(scope: Scope) -> Any:
    return scope["state"][_TRANSPORT]


async def _closed(receive: Receive) -> None:
    """Waits until the server knows that the connection is gone, and will not miss an answer."""
    while (await receive())["type"] != "http.disconnect":
        pass
