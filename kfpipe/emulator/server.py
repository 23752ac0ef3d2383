"""The emulator as a running server: in this process for tests and rehearsals, or as a program of its own."""

import asyncio
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import uvicorn

from kfpipe.emulator.account import Account
from kfpipe.emulator.accounts import Accounts
from kfpipe.emulator.billing import Bill
from kfpipe.emulator.clock import Clock
from kfpipe.emulator.faults import script
from kfpipe.emulator.faults.matching import Fault, Faults
from kfpipe.emulator.journal.folder import StateFolder, claimed
from kfpipe.emulator.renderer import Renderer
from kfpipe.emulator.settings import MAIN, Settings
from kfpipe.emulator.tasks import Task
from kfpipe.emulator.web.dates import dated
from kfpipe.emulator.web.hangups import OpenProtocol
from kfpipe.emulator.web.hosts import guarded
from kfpipe.emulator.web.request_log import RequestLog
from kfpipe.emulator.web.result_links import Links
from kfpipe.emulator.web.routes import API_PATH, Routes
from kfpipe.emulator.web.uploads import Uploads

HOST = "127.0.0.1"

_STOP_LIMIT_S = 0.2
_STOP_LOOK_S = 0.002


class Emulator:
    """The service on a loopback port, between `with` and its end. Everything may be used from any thread.

    `base_url` is what a client is given; `account` is the main account, and `accounts` has all of them by name;
    `clock.advance(s)` lets virtual time jump; `faults` is a script's entries or parsed faults, and more can follow with
    `script(...)`. All other arguments are fields of `Settings`. The accounts and their bills can still be read after
    the end, when time has stopped.

    With a `state_dir` the account outlives the process, however that ends: another emulator on the same folder knows
    its tasks, uploads and clips, and its clock has run on meanwhile. What the service would have forgotten is cleared
    away at the start. Without one all is gone at the end.
    Raises `FaultsInvalid` for a bad script, OSError for a port that is taken or a folder that cannot be written, of it
    `FolderInUse` while another emulator lives in the folder.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        faults: Iterable[Mapping[str, Any] | Fault] = (),
        state_dir: Path | None = None,
        **settings: Any,
    ) -> None:
        self.settings = Settings(**settings)
        self.clock = Clock(self.settings.factor)
        self._port = port
        self._state_dir = state_dir
        self._faults = Faults()
        self._log = RequestLog()
        self._open = ExitStack()
        self.script(*faults)

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self.folder = self._state_dir or _passing_folder(opening)
            opening.enter_context(claimed(self.folder))
            home = StateFolder(self.folder)
            recalled = home.recall(self.clock, self.settings.offered, self.settings.film)
            event_log = opening.enter_context(closing(home.settle(recalled, self.clock)))
            renderer = Renderer(home.clips, self.settings, self.clock.now, event_log, recalled.films)
            opening.callback(renderer.close)

            def opened(name: str, earlier: Iterable[Task]) -> Account:
                return Account(name, self.settings, self.clock, renderer, event_log, earlier)

            self.accounts = Accounts(self.settings.accounts.values(), opened, recalled.tasks.values())
            self.account = self.accounts[MAIN]
            self.uploads = Uploads(home.blobs, self.clock.now, event_log, recalled)
            listener = opening.enter_context(socket.create_server((HOST, self._port)))
            # What it accepts inherits this: else the body of an answer waits 40 ms for the receipt of its headers.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.origin = f"http://{HOST}:{listener.getsockname()[1]}"
            self.base_url = f"{self.origin}{API_PATH}"
            routes = Routes(
                settings=self.settings,
                clock=self.clock,
                accounts=self.accounts,
                blobs=home.blobs,
                uploads=self.uploads,
                links=Links(bytes.fromhex(recalled.secret)),
                faults=self._faults,
                log=self._log,
                origin=self.origin,
            )
            opening.callback(_started(routes, listener))
            opening.callback(self.clock.stop)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def bill(self, account: str | None = None) -> Bill:
        """What one account pays, or all of them do. Raises KeyError for a name that is not known."""
        return self.accounts.bill() if account is None else self.accounts[account].bill()

    def requests(self) -> tuple[dict[str, Any], ...]:
        """The last requests, oldest first: phase, method, path, query, header names, JSON body."""
        return self._log.entries()

    def traffic(self) -> dict[str, int]:
        """How many requests there were by phase, refused ones too."""
        return self._log.counts()

    def script(self, *faults: Mapping[str, Any] | Fault) -> None:
        """Add faults to the script; they count requests from now on. Raises `FaultsInvalid`."""
        for fault in faults:
            self._faults.add(*([fault] if isinstance(fault, Fault) else script.parse([fault])))

    def forgive(self) -> None:
        """Drop all scripted faults that have not struck yet."""
        self._faults.clear()


def serve(
    *,
    port: int = 0,
    faults: Iterable[Mapping[str, Any] | Fault] = (),
    state_dir: Path | None = None,
    on_ready: Callable[[Emulator], None] | None = None,
    **settings: Any,
) -> None:
    """Run an emulator until SIGINT or SIGTERM; only in the main thread.

    The base URL is the first line on stdout, and `on_ready` is called after it. Raises what `Emulator` raises.
    """
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Emulator(port=port, faults=faults, state_dir=state_dir, **settings) as emulator:
            sys.stdout.write(f"{emulator.base_url}\n")
            sys.stdout.flush()
            if on_ready is not None:
                on_ready(emulator)
            while not stopping.wait(1.0):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _passing_folder(opening: ExitStack) -> Path:
    return Path(opening.enter_context(tempfile.TemporaryDirectory(prefix="kfpipe-emulator-")))


class _Server(uvicorn.Server):
    """Says when it takes connections, and stops at once: uvicorn's own looks and pauses take a fifth of a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._leaving = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        self.ready.set()

    def stop(self) -> None:
        """Have it stop, from another thread."""
        self._loop.call_soon_threadsafe(self._leaving.set)

    async def main_loop(self) -> None:
        await self._leaving.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in [*self.server_state.connections]:
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_LIMIT_S):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110  nobody says when
                    await asyncio.sleep(_STOP_LOOK_S)
        for task in [*self.server_state.tasks]:
            task.cancel()


def _started(routes: Routes, listener: socket.socket) -> Callable[[], None]:
    """Serve in a thread of its own; returns once it answers, with what stops it."""
    config = uvicorn.Config(
        dated(guarded(routes.app())),
        http=OpenProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,  # `dated` sends one, which a fault can turn
        timeout_keep_alive=75,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="kfpipe-emulator", daemon=True)
    thread.start()
    server.ready.wait()

    def stop() -> None:
        server.stop()
        thread.join()

    return stop
