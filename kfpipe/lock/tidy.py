"""The lockfile that a person names, by itself or by its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from kfpipe.errors import Problem, Refused
from kfpipe.files import read
from kfpipe.lock import check as audit
from kfpipe.lock import lockfile, owners
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.paths import LOCK_ENDING, LockPaths
from kfpipe.lock.states import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class LockPlace:
    """A lockfile, with the journal of its runs. `shown` is its path in the user's words."""

    paths: LockPaths
    shown: str

    @classmethod
    def of(cls, given: Path) -> Self:
        """The place of a lockfile, or of a manifest's. Raises Refused when there is none, or it has two owners."""
        path = given if given.name.endswith(LOCK_ENDING) else given.with_name(f"{given.stem}{LOCK_ENDING}")
        if not path.is_file():
            what = "there is no such file" if path == given else f"it has no lockfile yet: there is no {path.name}"
            raise Refused.because(str(given), what, expected="a lockfile, or its manifest")
        owners.refuse_shared(path.absolute(), str(given))
        return cls(paths=LockPaths.beside(path.absolute()), shown=str(path))

    def records(self) -> Lock:
        """All that is on record, a run under way included. Raises Refused."""
        return lockfile.read(self.paths)

    def problems(self) -> tuple[Problem, ...]:
        """All that is inconsistent in the lockfile. Raises Refused when it, or the journal, cannot be read."""
        self.records()
        return audit.problems(self._content(), self.shown)

    def rewrite(self) -> bool:
        """Write the lockfile as kfpipe writes it; whether that changed anything.

        What a killed run left in its journal is merged in. Raises `ProjectBusy`, Refused, StorageFailed.
        """
        before = self._content()
        lockfile.settle(self.paths)
        with Ledger.open(self.paths, now=lambda: datetime.now(UTC)) as ledger:
            if not audit.is_canonical(self._content(), ledger.lock):
                lockfile.save(self.paths.lockfile_path, ledger.lock)
        return self._content() != before

    def _content(self) -> bytes:
        return read.content(self.paths.lockfile_path, self.shown)
