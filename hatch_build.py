"""The package's description: the README, with links that lead somewhere from where there is no repository.

`KFPIPE_HOMEPAGE` is the repository's address, which a release knows, and `KFPIPE_REF` the tag. Without an address the
words of a link stand by themselves: a package that somebody builds from a copy promises no page that is not there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"!\[(?P<words>[^\]]*)\]\((?P<path>(?!\w+:|#)[^)\s]+)\)\n*")
_LINK = re.compile(r"(?<!!)\[(?P<words>[^\]]*)\]\((?P<path>(?!\w+:|#)[^)\s]+)\)")


class Description(MetadataHookInterface):
    """Gives the package its description, and where it is known, its address."""

    def update(self, metadata: dict[str, object]) -> None:
        home = os.environ.get("KFPIPE_HOMEPAGE", "").rstrip("/")
        readme = (Path(self.root) / "README.md").read_text("utf-8")
        text = described(readme, home, os.environ.get("KFPIPE_REF") or "HEAD")
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        if home:
            metadata["urls"] = {"Homepage": home, "Changelog": f"{home}/blob/HEAD/CHANGELOG.md"}


def described(readme: str, home: str, ref: str) -> str:
    """The text with its links led to the repository; without an address, with none, and no picture."""
    if not home:
        return _LINK.sub(r"\g<words>", _PICTURE.sub("", readme))
    shown = _PICTURE.sub(lambda found: _led(found, f"{home}/raw/{ref}"), readme)
    return _LINK.sub(lambda found: _led(found, f"{home}/blob/{ref}"), shown)


def _led(link: re.Match[str], base: str) -> str:
    return link[0].replace(f"]({link['path']})", f"]({base}/{link['path']})")
