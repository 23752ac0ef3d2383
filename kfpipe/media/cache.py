"""What is known of the project's pictures, sounds and clips, read once while the files stay the same."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

from kfpipe.errors import Unusable
from kfpipe.files.durable import sha256_of
from kfpipe.files.statcache import FileMemory, Stored
from kfpipe.media.facts import Recording, RecordingFacts, Still, StillFacts


class DigestCache:
    """Media by path. `look` and `listen` read a file once; `save` keeps what was read for the next start.

    `file` is for the stills; sounds and clips are few, and have a file of their own next to it.
    """

    def __init__(self, file: Path) -> None:
        self._stills = FileMemory(file, read=_read_still, pack=_pack_still, unpack=_unpack_still)
        beside = file.with_name("recordings.json")
        self._recordings = FileMemory(beside, read=_read_recording, pack=_pack_recording, unpack=_unpack_recording)

    def look(self, path: Path) -> Still:
        """The still at `path`. Raises StillUnreadable when it cannot be used, OSError when it cannot be read."""
        return self._stills.look(path)

    def look_whole(self, path: Path) -> Still | None:
        """As `look`; None for a file that cannot be used."""
        with suppress(Unusable, OSError):
            return self.look(path)
        return None

    def listen(self, path: Path) -> Recording:
        """The sound or clip at `path`. Raises RecordingUnreadable, OSError."""
        return self._recordings.look(path)

    def listen_whole(self, path: Path) -> Recording | None:
        """As `listen`; None for a file that cannot be used."""
        with suppress(Unusable, OSError):
            return self.listen(path)
        return None

    def save(self) -> None:
        """Keep what is known of the files that still exist. Failing to write is not an error."""
        self._stills.save()
        self._recordings.save()


def _read_still(path: Path) -> Still:
    from kfpipe.media import stills  # Pillow is slow to load, and only a still that is new here needs it

    return Still(facts=stills.read(path), sha256=sha256_of(path))


def _pack_still(still: Still) -> Stored:
    return {"sha256": still.sha256, **asdict(still.facts)}


def _unpack_still(facts: Stored) -> Still:
    return Still(sha256=facts["sha256"], facts=StillFacts(**{k: v for k, v in facts.items() if k != "sha256"}))


def _read_recording(path: Path) -> Recording:
    from kfpipe.media import recordings  # PyAV is slow to load, and only sounds and clips that are new here need it

    return Recording(facts=recordings.read(path), sha256=sha256_of(path))


def _pack_recording(recording: Recording) -> Stored:
    return {"sha256": recording.sha256, **asdict(recording.facts), "seconds": str(recording.facts.seconds)}


def _unpack_recording(facts: Stored) -> Recording:
    given = {k: v for k, v in facts.items() if k != "sha256"}
    given |= {"seconds": Decimal(facts["seconds"]), "rate_hz": facts["rate_hz"]}  # which earlier versions did not keep
    return Recording(sha256=facts["sha256"], facts=RecordingFacts(**given))
