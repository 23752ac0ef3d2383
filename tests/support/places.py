"""Where the project is, for tests that read its own files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
MANIFESTS: Final = ROOT / "manifests"
