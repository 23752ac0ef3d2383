"""The pages as mkdocs wants them; as they lie in the repository, they are to be read there as well.

Files above this folder that pages link to come along, links to them are led to their copies, and the words with which
tests know a fenced block become its title.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
BORROWED = {
    "README.md": "readme.md",
    "README.zh-CN.md": "readme.zh-CN.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "license.txt",
    **{path: path for path in (str(file.relative_to(ROOT).as_posix()) for file in ROOT.glob("manifests/**/*.yaml"))},
}
"""Their paths in the repository, and in the site."""

_LINK = re.compile(r"(?<=\]\()(?P<path>[^)\s#:]+)(?=[)#])")
_BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?^```)$", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^```(?P<language>\w+) (?P<words>.+)$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for source, target in BORROWED.items():
        files.append(File.generated(config, target, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    folder = posixpath.dirname(_source(page.file.src_uri))
    if page.file.src_uri == "index.md":
        page.meta["hide"] = ["navigation", "toc"]

    def led(link: re.Match[str]) -> str:
        target = _target(posixpath.normpath(posixpath.join(folder, link["path"])))
        return posixpath.relpath(target, posixpath.dirname(page.file.src_uri) or ".") if target else link[0]

    return _FENCE.sub(_titled, _BLOCK.sub(_uncopied, _LINK.sub(led, markdown)))


def _source(target: str) -> str:
    """Where a page of the site lies in the repository."""
    return next((source for source, borrowed in BORROWED.items() if borrowed == target), f"docs/{target}")


def _target(source: str) -> str | None:
    """Where a file of the repository lies in the site; None when it does not come along."""
    path = PurePosixPath(source)
    return str(path.relative_to("docs")) if path.is_relative_to("docs") else BORROWED.get(source)


def _uncopied(block: re.Match[str]) -> str:
    """A block of no language is what a command prints: it has no button to copy it."""
    return block[0] if block["info"] else f"```{{ .text .no-copy }}\n{block['text']}"


def _titled(fence: re.Match[str]) -> str:
    title = re.search(r"file=(\S+)", fence["words"])
    return f"```{fence['language']}" + (f' title="{title[1]}"' if title else "")
