"""The lockfile that a person names, by itself or by its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from kfpipe import audit, lockfile
from kfpipe.domain import EMULATOR_REGION
from kfpipe.errors import Problem, Refused
from kfpipe.files import durable
from kfpipe.lock import Lock
from kfpipe.project import STATE_DIR

_ENDING: Final = ".lock.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockPlace:
    """A lockfile, and where the journal of its runs lies. `shown` is its path in the user's words."""

    lockfile_path: Path
    shown: str

    @classmethod
    def of(cls, given: Path) -> Self:
        """The place of a lockfile, or of a manifest's. Raises Refused when there is no such file."""
        path = given if given.name.endswith(_ENDING) else given.with_name(f"{given.stem}{_ENDING}")
        if not path.is_file():
            what = "there is no such file" if path == given else f"it has no lockfile yet: there is no {path.name}"
            raise Refused.because(str(given), what, expected="a lockfile, or its manifest")
        return cls(lockfile_path=path.absolute(), shown=str(path))

    @property
    def stem(self) -> str:
        return self.lockfile_path.name.removesuffix(_ENDING)

    @property
    def state_dir(self) -> Path:
        """Beside the lockfile; the emulator's lock is kept in there itself."""
        folder = self.lockfile_path.parent
        return folder if (folder.name, folder.parent.name) == (EMULATOR_REGION, STATE_DIR) else folder / STATE_DIR

    def records(self) -> Lock:
        """All that is on record, a run under way included. Raises Refused."""
        return lockfile.read(self)

    def problems(self) -> tuple[Problem, ...]:
        """All that is odd about the lockfile. Raises Refused when it, or the journal, cannot be read."""
        self.records()
        return audit.problems(self._content(), self.shown)

    def rewrite(self) -> bool:
        """Write the lockfile as kfpipe writes it; whether that changed anything.

        What a killed run left in its journal is brought in. Raises `ProjectBusy`, Refused, StorageFailed.
        """
        before = self._content()
        with lockfile.Ledger.open(self, now=lambda: datetime.now(UTC)) as ledger:
            if not audit.is_canonical(self._content(), ledger.lock):
                lockfile.save(self.lockfile_path, ledger.lock)
        return self._content() != before

    def _content(self) -> bytes:
        try:
            return self.lockfile_path.read_bytes()
        except OSError as error:
            raise Refused.because(self.shown, f"it cannot be read: {durable.reason(error)}") from error
