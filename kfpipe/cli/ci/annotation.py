"""Problems as workflow commands, which GitHub shows at the file and line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from kfpipe.cli.output import streams
from kfpipe.errors import Problem, Severity


def command(problem: Problem, folder: PurePath) -> str:
    """The annotation of a problem; `folder` is where files are named from, as seen from the repository's root."""
    kind = "warning" if problem.severity is Severity.WARNING else "error"
    places = ",".join(f"{key}={_property(value)}" for key, value in _places(problem, folder))
    parts: tuple[str, ...] = (f"{problem.where}: {problem.what}" if problem.where else problem.what,)
    parts += (f"expected: {problem.expected}",) if problem.expected else ()
    parts += (f"fix: {problem.fix}",) if problem.fix else ()
    return f"::{kind} {places}::{_data(parts)}"


def notice(text: str) -> str:
    """A warning that has no place."""
    return f"::warning title=kfpipe::{_data((text,))}"


def _places(problem: Problem, folder: PurePath) -> Iterator[tuple[str, str]]:
    if problem.file:
        yield "file", (folder / problem.file).as_posix()
    if problem.file and problem.position is not None:
        yield "line", str(problem.position.line)
        yield "col", str(problem.position.column)
    yield "title", "kfpipe"


def _data(lines: tuple[str, ...]) -> str:
    return "%0A".join(_escaped(line) for line in lines)


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    return streams.plain(text).replace("%", "%25")
