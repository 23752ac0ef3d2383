"""Where the lockfile, its journal and the state folder of a manifest are."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from kfpipe.domain import EMULATOR_REGION
from kfpipe.values import dataclass

STATE_DIR: Final = ".kfpipe"
"""The folder for what can be made again, next to the manifest; git ignores it."""

LOCK_ENDING: Final = ".lock.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockPaths:
    """The files that hold a manifest's records."""

    lockfile_path: Path
    state_dir: Path

    @classmethod
    def beside(cls, lockfile_path: Path) -> Self:
        """Those of a lockfile by where it is: next to its manifest, or the emulator's in its state folder."""
        folder = lockfile_path.parent
        is_within = (folder.name, folder.parent.name) == (EMULATOR_REGION, STATE_DIR)
        return cls(lockfile_path=lockfile_path, state_dir=folder if is_within else folder / STATE_DIR)

    @property
    def stem(self) -> str:
        """The manifest's, which names all of them."""
        return self.lockfile_path.name.removesuffix(LOCK_ENDING)

    @property
    def is_rehearsal(self) -> bool:
        """Whether they are the emulator's, of any manifest that is run with it."""
        return self.lockfile_path.parent == self.state_dir

    @property
    def journal_path(self) -> Path:
        """What a run has recorded since the lockfile was last written."""
        return self.state_dir / f"{self.stem}.journal"

    @property
    def claim_path(self) -> Path:
        """Locked by the process that runs the project."""
        return self.state_dir / f"{self.stem}.lock"

    @property
    def writing_path(self) -> Path:
        """Locked for the moments in which the lockfile is replaced."""
        return self.state_dir / f"{self.stem}.writing"
