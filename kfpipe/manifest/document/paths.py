"""Paths as Windows writes them, in double quotes: `"C:\\frames\\new.png"` says something else there."""

from __future__ import annotations

import re

from kfpipe.manifest.document.typed import in_yaml

_ENDINGS = (
    "png|jpe?g|webp|bmp|gif|tiff?|avif|hei[cf]|psd|mp4|mov|webm|mkv|wav|mp3|m4a|flac|txt|md|j2|csv|tsv|xlsx|ya?ml|json"
)
QUOTED_PATH = re.compile(
    rf'"([A-Za-z]:(?:\\[^"\n\\]+)+\.(?:{_ENDINGS})|[^\s"\\]*(?:\\[^\s"\\]+)+\.(?:{_ENDINGS}))"', re.IGNORECASE
)
"""Blanks only after the letter of a drive: a text of several words is a text."""

_DRIVE = re.compile(r"[A-Za-z]:|\\")


def problem_with(path: str) -> tuple[str, str, str]:
    """What, expected and fix for a path with backslashes in double quotes."""
    what = "a backslash in double quotes begins an escape, so that this path says something else"
    forward = path.replace("\\", "/")
    fix = f"write `{in_yaml(forward)}`"
    if _DRIVE.match(path):
        name = forward.rpartition("/")[2]
        fix = f"move the file into the project and give its path relative to the manifest, like `frames/{name}`"
    return what, "forward slashes, which work on every system", fix
