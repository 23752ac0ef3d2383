"""The book's file: SQLite, for this user alone. Whatever goes wrong with it is a `BookLost`, and no more than that."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import filelock

from kfpipe import environment
from kfpipe.domain import EMULATOR_REGION, Account
from kfpipe.files.durable import reason

VERSION: Final = 1
FOLDER: Final = "accounts"
"""Of all books, in the user's state folder."""

_OPENING: Final = "opening.lock"

BUSY_S: Final = 3.0
"""How long a transaction waits for others, which take a fraction of a millisecond each."""

_SCHEMA: Final = f"""
PRAGMA journal_mode = WAL;
CREATE TABLE run (run TEXT PRIMARY KEY, pid INTEGER NOT NULL, lockfile TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE share (
    run TEXT NOT NULL, kind TEXT NOT NULL, scope TEXT NOT NULL,
    places INTEGER NOT NULL, held INTEGER NOT NULL, wanted INTEGER NOT NULL, until REAL,
    PRIMARY KEY (run, kind, scope)
) WITHOUT ROWID;
CREATE TABLE request (
    request TEXT NOT NULL, lockfile TEXT NOT NULL, fingerprint TEXT NOT NULL, reseeds TEXT, model TEXT NOT NULL,
    state TEXT NOT NULL, task TEXT, asked_at REAL NOT NULL, noted_at REAL NOT NULL,
    run TEXT NOT NULL, is_in_progress INTEGER NOT NULL,
    PRIMARY KEY (request, lockfile)
);
CREATE INDEX request_of ON request (fingerprint);
CREATE INDEX request_instead_of ON request (reseeds) WHERE reseeds IS NOT NULL;
CREATE INDEX request_with ON request (task) WHERE task IS NOT NULL;
CREATE INDEX request_under_way ON request (model) WHERE is_in_progress;
PRAGMA user_version = {VERSION};
"""


class BookLost(Exception):
    """The book cannot be used; the reason in plain words."""


def path_of(account: Account, home: Path | None = None) -> Path | None:
    """The file of an account's book, in the user's state folder; None for a run's own emulator, and for no account."""
    if account.host in ("", EMULATOR_REGION) or account.key is None:
        return None
    names = json.dumps([account.host, account.workspace, account.key]).encode()
    return (home or environment.state_home()) / FOLDER / f"{hashlib.sha256(names).hexdigest()[:16]}.sqlite3"


class Database:
    """One connection. To be used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Opens the file, made where there is none. Raises BookLost."""
        self.path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._seen: tuple[int, int] | None = None
        with as_lost():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Two that make it at the same time would be in each other's way.
            with filelock.FileLock(path.with_name(_OPENING), timeout=BUSY_S, mode=0o600):
                if not path.exists():  # to open one that is in use, and close it, would take this process's locks away
                    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
                self._link = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
                self._prepare()
            self._identity = _identity(path)

    def _prepare(self) -> None:
        (version,) = self._link.execute("PRAGMA user_version").fetchone()
        if not version and not self._link.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._link.executescript(_SCHEMA)
        elif version != VERSION:
            self._link.close()
            raise BookLost("another version of kfpipe has made it")
        self._link.execute("PRAGMA synchronous = NORMAL")  # no power cut damages it, and the last notes may be lost
        self._link.execute("PRAGMA cache_size = -8192")

    def query(self, text: str, *values: object) -> list[tuple[object, ...]]:
        """All rows of a question. Raises BookLost."""
        with as_lost():
            return self._link.execute(text, values).fetchall()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Hold while rows are read and changed: all of it is kept, or nothing. Raises BookLost."""
        with as_lost():
            self._seen = self._stamp()
            with self._transaction():
                yield self._link

    @contextmanager
    def note(self) -> Iterator[sqlite3.Connection]:
        """As `change`, for what is no news to this connection itself, nor says that it knows what others wrote."""
        with as_lost():
            with self._transaction():
                is_alone, version = self._stamp() == self._seen, self._others_version()
                yield self._link
            stamp = self._stamp()
            if is_alone and self._others_version() == version:
                self._seen = stamp

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._link:  # which ends with COMMIT, or with ROLLBACK whatever went wrong
            self._link.execute("BEGIN IMMEDIATE")
            yield

    def _others_version(self) -> int:
        """Another one after each change that is not this connection's. Source: SQLite, PRAGMA data_version."""
        (version,) = self._link.execute("PRAGMA data_version").fetchone()
        return int(version)

    def is_changed(self) -> bool:
        """Whether anybody may have written since the last `change` began, other than by `note` of this connection.

        Cheap, and never waits. Raises BookLost.
        """
        with as_lost():
            if not self.path.exists() or _identity(self.path) != self._identity:
                raise BookLost("it was deleted or replaced")
            stamp = self._stamp()
            if stamp is None and self._seen is not None:
                raise BookLost("its log was deleted")
            return stamp != self._seen

    def close(self) -> None:
        with as_lost():
            self._link.close()

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._wal.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size


def discard(path: Path) -> None:
    """Remove a book that nobody uses."""
    with suppress(OSError):
        for ending in ("", "-wal", "-shm"):
            path.with_name(f"{path.name}{ending}").unlink(missing_ok=True)


@contextmanager
def look_into(path: Path) -> Iterator[Database | None]:
    """The book for a look; None where there is none, or none that can be read."""
    found: Database | None = None
    try:
        found = Database(path) if path.exists() else None
    except (BookLost, OSError):
        found = None
    if found is None:
        yield None
    else:
        with closing(found):
            yield found


@contextmanager
def as_lost() -> Iterator[None]:
    """Inside, whatever the disk or SQLite say becomes `BookLost`."""
    try:
        yield
    except filelock.Timeout:
        raise BookLost("another program does not let go of it") from None
    except OSError as error:
        raise BookLost(reason(error)) from error
    except sqlite3.Error as error:
        raise BookLost(str(error)) from error


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
