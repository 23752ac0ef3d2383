"""Markdown pages as tests read them: fenced blocks, links, and commands in blocks.

What is said after a block's language tells the tests what it is:

    yaml              a whole manifest, which must be sound
    yaml broken       a whole manifest that is refused
    yaml top          fields of a manifest's top level
    yaml shots        entries of a manifest's `shots`
    json              a text that some test names by its `file=`
    sh                commands to paste: those of kfpipe must exist, with these options
    console           the same after a `$`, run in the page's folder; what follows is what they print
    python notebook   what a notebook runs, which awaits by itself
    ... file=NAME     the block lies in the page's folder under this name
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.places import ROOT

README = ROOT / "README.md"
PAGES = (README, *sorted(page for page in (ROOT / "docs").rglob("*.md") if not page.match("*.zh-CN.md")))
"""Those in English; what the Chinese ones show is the same, to the letter."""

_FENCED = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*")
_ENDS_A_COMMAND = frozenset(["|", "||", "&", "&&", ";", ">", ">>", "<"])


@dataclass(frozen=True)
class Block:
    """A fenced block. `words` follow the language; `line` is that of its first fence."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def file(self) -> str | None:
        """The name under which it lies in the page's folder."""
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), None)

    def __str__(self) -> str:
        """Where it stands, for the name of a test."""
        return f"{self.page.name}:{self.line}"


@dataclass(frozen=True)
class Shown:
    """A command of a console block, and what it is said to print."""

    command: str
    output: str


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """The page's blocks in one of these languages, in their order."""
    text = page.read_text("utf-8")
    for found in _FENCED.finditer(text):
        language, *words = found["info"].split() or [""]
        if language in languages:
            line = text.count("\n", 0, found.start()) + 1
            yield Block(page=page, line=line, language=language, words=tuple(words), text=found["text"])


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCED.sub("", page.read_text("utf-8"))


def links(page: Path) -> Iterator[str]:
    """The targets of the page's links to files of the project."""
    for found in _LINK.finditer(prose(page)):
        if "://" not in found["target"]:
            yield found["target"]


def headings(page: Path) -> set[str]:
    """The anchors of the page's headings, as they stand behind the `#` of a link."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def shown(block: Block) -> Iterator[Shown]:
    """The commands of a console block with their output."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Shown(command=command, output=output)


def blurred(text: str) -> str:
    """What a command printed, without what differs from run to run."""
    for pattern, word in (
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d\.\d{3})?Z", "<time>"),
        (r"rendered in [^:]+:", "rendered in <span>:"),
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<task>"),
        (r"\b[0-9a-f]{8}\b", "<task>"),
        (r"\b[0-9a-f]{10}\b", "<request>"),
    ):
        text = re.sub(pattern, word, text)
    return text.rstrip()


def shown_file(page: str, name: str) -> str:
    """The text of the block that a page of the documentation shows under this name."""
    (block,) = (block for block in blocks(ROOT / "docs" / page, "json", "python", "sh", "yaml") if block.file == name)
    return block.text


def kfpipe_commands(text: str) -> Iterator[list[str]]:
    """The words after `kfpipe` of each command in shell lines, whatever stands around it."""
    for words in _lines_of_words(text.replace("\\\n", " ")):
        command: list[str] = []
        for word in (*words, ";"):
            if word not in _ENDS_A_COMMAND:
                command.append(word)
                continue
            while command and _ASSIGNMENT.fullmatch(command[0]):
                command.pop(0)
            if command and Path(command[0]).name == "kfpipe":
                yield command[1:]
            command = []


def _lines_of_words(text: str) -> Iterator[list[str]]:
    """The words of each line; a quotation may go on over several."""
    begun = ""
    for line in text.splitlines(keepends=True):
        begun += line
        lexer = shlex.shlex(begun.removeprefix("$ "), posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # the quotation is still open
            continue
        yield words
        begun = ""
