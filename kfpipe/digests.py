"""What is known of the project's stills, read once while the files stay as they are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from kfpipe import stills
from kfpipe.frames import Still, StillFacts
from kfpipe.memory import Facts, FileMemory, sha256_of


class DigestCache:
    """Stills by path. `look` reads a file once; `save` keeps what was learnt for the next start."""

    def __init__(self, file: Path) -> None:
        self._memory = FileMemory(file, read=_read, pack=_pack, unpack=_unpack)

    def look(self, path: Path) -> Still:
        """The still at `path`. Raises StillUnreadable when it is no usable picture, OSError when it cannot be read."""
        return self._memory.look(path)

    def save(self) -> None:
        """Keep what is known of the files that still exist. Failing to write is no error."""
        self._memory.save()


def _read(path: Path) -> Still:
    return Still(facts=stills.read(path), sha256=sha256_of(path))


def _pack(still: Still) -> Facts:
    return {"sha256": still.sha256, **asdict(still.facts)}


def _unpack(facts: Facts) -> Still:
    return Still(sha256=facts["sha256"], facts=StillFacts(**{k: v for k, v in facts.items() if k != "sha256"}))
