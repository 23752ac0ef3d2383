"""`kfpipe ci check`"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from kfpipe import project as projects
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.default_manifest import ENDINGS, is_manifest
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import messages, streams
from kfpipe.cli.output.amounts import counted
from kfpipe.errors import ExitCode, Problem, Refused, Severity
from kfpipe.files import git, read
from kfpipe.lock.paths import LOCK_ENDING
from kfpipe.lock.tidy import LockPlace
from kfpipe.manifest import document


@click.command("check", cls=WithExamples, epilog=examples("kfpipe ci check", "kfpipe ci check manifests"))
@click.argument("places", metavar="[FILE|FOLDER]...", nargs=-1, type=click.Path(path_type=Path))
@json_option
def command(places: Sequence[Path], as_json: bool) -> ExitCode:
    """Check all manifests and lockfiles that git tracks.

    Does what `kfpipe validate` and `kfpipe lock check` do, for each of them below the current folder, or in the files
    and folders that are given: every YAML file with a `kfpipe:` key, and every `*.lock.json`. A manifest that another
    one includes is checked as a part of that one. Works offline and changes nothing; for pre-commit, it is the hook
    `kfpipe`.

    Exit code 0: no errors; 2: errors found.
    """
    tracked = _tracked(places)
    manifests = _whole([path for path in tracked if path.suffix in ENDINGS and is_manifest(path)])
    lockfiles = [path for path in tracked if path.name.endswith(LOCK_ENDING)]
    found = [problem for path in manifests for problem in _problems_of_manifest(path)]
    found += [problem for path in lockfiles for problem in _problems_of_lockfile(path)]
    problems = tuple(dict.fromkeys(found))
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    code = ExitCode.REFUSED if errors else ExitCode.OK
    if as_json:
        streams.result_json(_as_json(manifests, lockfiles, problems, code))
        return code
    streams.note(*messages.problems_text(problems))
    checked = f"{counted(len(manifests), 'manifest')}, {counted(len(lockfiles), 'lockfile')}"
    streams.result(f"{checked}: {counted(errors, 'problem') if errors else 'no problems'}")
    return code


def _tracked(places: Sequence[Path]) -> list[Path]:
    """The files that git tracks, in its order. Raises Refused outside of a work tree, and for a place without any."""
    listed = git.output(
        Path(),
        *("ls-files", "-z", "--cached", "--deduplicate"),
        *(("--error-unmatch",) if places else ()),
        *("--", *map(str, places)),
        fix="call it in a git work tree, with files and folders that git tracks",
    )
    return [path for name in listed.split("\0") if name and (path := Path(name)).is_file()]


def _whole(manifests: Sequence[Path]) -> list[Path]:
    """Those that no other one includes; of manifests that include one another in a circle, the first."""
    inner = {path.resolve(): _included(path) for path in manifests}
    parts = {part for named in inner.values() for part in named}
    found, seen = [], set[Path]()
    for path in sorted(manifests, key=lambda path: path.resolve() in parts):
        if path.resolve() not in seen:
            found.append(path)
            seen |= _reached(path.resolve(), inner)
    return sorted(found)


def _reached(start: Path, inner: Mapping[Path, Iterable[Path]]) -> set[Path]:
    reached, pending = {start}, [start]
    while pending:
        fresh = set(inner.get(pending.pop(), ())) - reached
        reached |= fresh
        pending += fresh
    return reached


def _included(path: Path) -> list[Path]:
    """What a manifest includes, as far as it can be read: what is wrong with it is reported elsewhere."""
    try:
        data = document.parse(read.content(path, str(path)), str(path)).data
    except Refused:
        return []
    named = data.get("include") if isinstance(data, dict) else None
    names = named if isinstance(named, list) else ()
    return [(path.parent / name).resolve() for name in names if isinstance(name, str) and "\0" not in name]


def _problems_of_manifest(path: Path) -> Sequence[Problem]:
    try:
        return projects.load(path).warnings
    except Refused as refused:
        return refused.problems


def _problems_of_lockfile(path: Path) -> Sequence[Problem]:
    try:
        return LockPlace.of(path).problems()
    except Refused as refused:
        return refused.problems


def _as_json(
    manifests: Sequence[Path], lockfiles: Sequence[Path], problems: Sequence[Problem], code: ExitCode
) -> dict[str, Any]:
    return {
        "manifests": [path.as_posix() for path in manifests],
        "lockfiles": [path.as_posix() for path in lockfiles],
        "problems": [messages.problem_json(problem) for problem in problems],
        "exit_code": int(code),
    }
