"""The manifests that a lockfile belongs to: one. Two that differ only in their endings would write over each other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kfpipe.domain import EMULATOR_REGION
from kfpipe.errors import Refused
from kfpipe.files.read import first_bytes
from kfpipe.lock.paths import LOCK_ENDING, STATE_DIR
from kfpipe.wording import echoed

ENDINGS: Final = (".yaml", ".yml", ".json")
_LOOKED_AT_BYTES = 1 << 20
_KEY = re.compile(rb"""^(?:\xef\xbb\xbf)?["']?kfpipe["']?[ \t]*:""", re.MULTILINE)
_BRACES = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*\{")
_KEY_IN_BRACES = re.compile(rb"""[{,]\s*["']?kfpipe["']?\s*:\s*[0-9]""")


def refuse_shared(lockfile_path: Path, shown: str) -> None:
    """Raises Refused when there are two manifests of the lockfile's stem; `shown` names what the user gave.

    A change of capitals makes no other name: on many disks, both would have one lockfile.
    """
    folder, stem = lockfile_path.parent, lockfile_path.name.removesuffix(LOCK_ENDING)
    if (folder.name, folder.parent.name) == (EMULATOR_REGION, STATE_DIR):
        folder = folder.parent.parent
    found: list[Path] = []
    for path in sorted(_of_stem(folder, stem)):
        if not any(path.samefile(other) for other in found) and _is_manifest(path):
            found.append(path)
    if len(found) > 1:
        one, other = found[:2]
        raise Refused.because(
            shown,
            f"{echoed(one.name)} and {echoed(other.name)} are both manifests, and would share the lockfile "
            f"{echoed(lockfile_path.name)}",
            expected="one manifest of each name, whatever its ending and its capitals",
            fix="rename one of the two: its clips are found again, and not paid for twice",
        )


def _of_stem(folder: Path, stem: str) -> Iterator[Path]:
    try:
        entries = tuple(folder.iterdir())
    except OSError:
        return
    wanted = _folded(stem)
    for path in entries:
        if path.suffix.lower() in ENDINGS and _folded(path.stem) == wanted and path.is_file():
            yield path


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_manifest(path: Path) -> bool:
    """Whether a file has the key that every manifest has, as far as its beginning tells."""
    try:
        beginning = first_bytes(path, _LOOKED_AT_BYTES)
    except OSError:
        return False
    pattern = _KEY_IN_BRACES if _BRACES.match(beginning) else _KEY
    return pattern.search(beginning) is not None
