"""The manifest that is meant where none is named: the one that the current folder has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kfpipe.errors import Refused
from kfpipe.files import read
from kfpipe.wording import listed, visible

NAME: Final = "kfpipe.yaml"
ENDINGS: Final = (".yaml", ".yml")
_OWN_ENDING: Final = ".kfpipe.yaml"
_KEY: Final = re.compile(rb"""^(?:\xef\xbb\xbf)?(?:\{\s*)?["']?kfpipe["']?\s*:""", re.MULTILINE)
_LOOKED_AT_BYTES: Final = 1 << 16
_MOST_SHOWN: Final = 5


def found(folder: Path = Path()) -> Path:
    """`kfpipe.yaml`, else the only `*.kfpipe.yaml`, else the only YAML file with a `kfpipe:` key of its own.

    Raises Refused when there is none, or more than one.
    """
    names = sorted(path for path in folder.iterdir() if path.suffix in ENDINGS and path.is_file())
    own = [path for path in names if path.name == NAME] or [path for path in names if path.name.endswith(_OWN_ENDING)]
    candidates = own or [path for path in names if is_manifest(path)]
    if len(candidates) == 1:
        return candidates[0]
    raise _refused(candidates)


def is_manifest_name(word: str) -> bool:
    """Whether a word in the manifest's place is one, where it may be left out."""
    return word.endswith(ENDINGS) or Path(word).is_file()


def is_manifest(path: Path) -> bool:
    """Whether it has a `kfpipe:` key of its own, as far as a glance tells."""
    try:
        return _KEY.search(read.first_bytes(path, _LOOKED_AT_BYTES)) is not None
    except OSError:
        return False


def _refused(candidates: Sequence[Path]) -> Refused:
    if not candidates:
        return Refused.because(
            "MANIFEST",
            "no manifest is named, and this folder has none",
            expected=f"`{NAME}`, one `*{_OWN_ENDING}`, or one YAML file with a `kfpipe:` key",
            fix="name the manifest, or write an example with `kfpipe init`",
        )
    shown = [visible(path.name) for path in candidates[:_MOST_SHOWN]]
    more = [f"{len(candidates) - len(shown):,} more"] if len(candidates) > len(shown) else []
    return Refused.because(
        "MANIFEST",
        "no manifest is named, and this folder has several",
        expected=listed([*shown, *more]),
        fix=f"name one of them, or call the one that is usually meant `{NAME}`",
    )
