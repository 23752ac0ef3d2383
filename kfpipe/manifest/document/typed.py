"""A value as a person would type it into a manifest."""

from __future__ import annotations

import json
import re
from typing import Any

from kfpipe.manifest.document import scalars

_PLAIN = re.compile(r"[\w./](?:[\w ./@-]*[\w./@-])?")


def in_yaml(value: Any) -> str:
    """On one line, in quotes where they are needed: what is typed is read as the same value."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case str():
            return value if _is_plain(value) else json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(in_yaml(item) for item in value)}]"
        case dict():
            return f"{{{', '.join(f'{in_yaml(key)}: {in_yaml(item)}' for key, item in value.items())}}}"
        case _:
            return str(value)


def _is_plain(text: str) -> bool:
    """Whether every YAML reader takes the text for itself without quotes."""
    try:
        return bool(_PLAIN.fullmatch(text)) and scalars.plain(text) == text and not scalars.older_reading(text)
    except scalars.NumberRefused:
        return False
