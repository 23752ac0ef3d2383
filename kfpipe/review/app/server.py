"""The application as a running server on loopback."""

from __future__ import annotations

import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import Final

import uvicorn

from kfpipe.review.app.guard import Keyring, guarded
from kfpipe.review.app.routes import Desk

HOST: Final = "127.0.0.1"


@contextmanager
def serving(desk: Desk, port: int) -> Iterator[str]:
    """Serve while the block lasts, with the address that opens the page once. Port 0 picks a free one.

    Raises OSError for a port that is taken.
    """
    with closing(socket.create_server((HOST, port))) as listener:
        # What it accepts inherits this: else the body of an answer waits 40 ms for the receipt of its headers.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = listener.getsockname()[1]
        keyring = Keyring(token=secrets.token_urlsafe(32), cookie=secrets.token_urlsafe(32), port=number)
        config = uvicorn.Config(
            guarded(desk.app(), keyring, desk.stranger),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=0,  # news are never at an end
        )
        server = _Announced(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="kfpipe-review", daemon=True)
        thread.start()
        server.ready.wait()
        try:
            yield f"http://{HOST}:{number}/?token={keyring.token}"
        finally:
            server.should_exit = True
            thread.join()


class _Announced(uvicorn.Server):
    """Says when it takes connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def until_stopped(begin: Callable[[], None]) -> None:
    """Call `begin`, then return at SIGINT or SIGTERM; only in the main thread."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        begin()
        while not stopping.wait(1.0):
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
