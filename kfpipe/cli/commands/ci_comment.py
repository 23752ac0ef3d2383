"""`kfpipe ci comment`"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from kfpipe import accounts, connection, environment
from kfpipe.cli.ci import annotation, event
from kfpipe.cli.ci import comment as page
from kfpipe.cli.ci.comment import Review
from kfpipe.cli.ci.event import JobEvent
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams
from kfpipe.errors import ExitCode, Problem, Refused, Severity
from kfpipe.files import git, read
from kfpipe.files.durable import storage
from kfpipe.lock import lockfile
from kfpipe.manifest.files import project_root
from kfpipe.plan import gather
from kfpipe.plan.compare import Comparison, compare
from kfpipe.plan.model import everything, nothing
from kfpipe.project import Project

FAIL_ON: Final = ("problems", "work", "never")
_NO_KEY: Final = "not rendered: this pull request comes from a fork, whose jobs have no key"


@click.command(
    "comment",
    cls=WithExamples,
    epilog=examples("kfpipe ci comment shots.yaml", "kfpipe ci comment shots.yaml --base main --ran run.json"),
)
@manifest_arguments
@click.option("--base", metavar="REV", help="Compare with where this branch left REV; not the pull request's base.")
@click.option(
    "--ran", type=click.Path(path_type=Path), metavar="FILE", help="What `kfpipe run --json` printed, to report it."
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="problems",
    show_default=True,
    help="Exit with a code other than 0 for problems; also for work that is left; or never.",
)
@json_option
def command(source: Source, base: str | None, ran: Path | None, fail_on: str, as_json: bool) -> ExitCode:
    """Keep one comment on a pull request: the plan, the price, what is wrong.

    In a job on GitHub. The comment says which takes are added, changed and removed, what the list costs before and
    after, and with --ran what a run did. It is written once for each manifest, and then kept up to date. Problems are
    shown at their lines. Sends nothing to the service and needs no key; the token is read from GITHUB_TOKEN. Where the
    token may only read, as in jobs for forks, the comment stands in the job's summary alone.
    """
    now = event.read(os.environ)
    review, work = _reviewed(source, now, base)
    result = None if ran is None else _result(ran)
    review = replace(review, ran=result, notes=(*review.notes, *_fork_notes(now, result)))
    text = page.text(review)
    _annotate(review, now)
    _summarise(text)
    posted = _post(text, review.manifest, now)
    code = _code(review, fail_on, has_work=work, is_fork=now.is_fork)
    if as_json:
        streams.result_json({**posted, "problems": _problems_json(review), "exit_code": int(code)})
    elif posted["action"] is not None:
        streams.result(f"{posted['action']} {posted['url']}".rstrip())
    else:
        streams.result(*text.splitlines()[1:])
    return code


def _reviewed(source: Source, now: JobEvent, base: str | None) -> tuple[Review, bool]:
    """What there is to say, and whether the plan has anything to do or to decide."""
    manifest = source.path.as_posix()
    try:
        project = source.load()
        lock = lockfile.read(project.paths)
        whose = accounts.known(project, environment.read())
        plan = gather.plan(project, lock, select=everything, retry=nothing, rerender=nothing, whose=whose)
        goal = connection.destination(project)
    except Refused as refused:
        return Review(manifest=manifest, problems=refused.problems), False
    comparison, notes = _compared(project, source, gather.standing(project, lock), base or now.base)
    review = Review(
        manifest=manifest, problems=project.warnings, plan=plan, goal=goal, comparison=comparison, notes=notes
    )
    return review, bool(plan.work or plan.undecided)


def _compared(
    project: Project, source: Source, now: gather.Standing, base: str | None
) -> tuple[Comparison | None, Sequence[str]]:
    """What differs from the base, or why that is not known: a comment says the rest all the same."""
    if base is None:
        return None, ()
    from kfpipe.plan import revision  # starts git

    try:
        words = ("merge-base", "--end-of-options", base, "HEAD")
        fork_point = git.output(project.root, *words, fix="fetch the whole history")
        past = revision.past(project, source.path.name, source.options, fork_point)
    except Refused as refused:
        return None, [f"not compared with the base: {refused.problems[0].what}"]
    return compare(past, project.takes, now.records, everything), ()


def _result(path: Path) -> Mapping[str, Any]:
    """What a run printed; one that was killed has printed nothing."""
    try:
        told = json.loads(read.content(path, str(path)))
    except (ValueError, Refused):
        told = None
    if isinstance(told, dict):
        return told
    return {"problems": [{"what": "it ended without a result"}], "exit_code": int(ExitCode.INCOMPLETE)}


def _fork_notes(now: JobEvent, result: Mapping[str, Any] | None) -> list[str]:
    return [_NO_KEY] if _has_no_key(now.is_fork, result) else []


def _has_no_key(is_fork: bool, result: Mapping[str, Any] | None) -> bool:
    return is_fork and result is not None and result.get("exit_code") == ExitCode.ACCOUNT


def _annotate(review: Review, now: JobEvent) -> None:
    """Show the problems: in a job at their lines, elsewhere as every command does."""
    if not now.is_github:
        streams.note(*messages.problems_text(review.problems))
        return
    folder = Path.cwd().resolve()
    inside = folder.relative_to(project_root(folder))
    streams.note(*(annotation.command(problem, inside) for problem in review.problems))
    streams.note(*(annotation.notice(note) for note in review.notes))


def _summarise(text: str) -> None:
    """Add the comment to the job's summary, where there is one."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with storage(Path(path)), Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n\n")


def _post(text: str, manifest: str, now: JobEvent) -> dict[str, str | None]:
    """Write the comment; `action` is None where that was not possible, which the log and the summary say."""
    from kfpipe.cli.ci import github  # `kfpipe ci check` works without HTTP

    try:
        posted = github.post(github.access(os.environ, now), text, page.marker(manifest))
    except github.Unposted as reason:
        told = f"no comment was written: {reason}"
        streams.note(annotation.notice(told) if now.is_github and now.pull_request is not None else told)
        _summarise(told)
        return {"action": None, "url": None}
    return {"action": "created" if posted.is_new else "updated", "url": posted.url}


def _code(review: Review, fail_on: str, *, has_work: bool, is_fork: bool) -> ExitCode:
    """How the job ends: a run's own exit code counts, unless a fork's job could not have a key."""
    if fail_on == "never":
        return ExitCode.OK
    if any(problem.severity is Severity.ERROR for problem in review.problems):
        return ExitCode.REFUSED
    ran = ExitCode.OK if review.ran is None or _has_no_key(is_fork, review.ran) else _exit_code(review.ran)
    if ran is not ExitCode.OK:
        return ran
    return ExitCode.INCOMPLETE if fail_on == "work" and has_work else ExitCode.OK


def _exit_code(ran: Mapping[str, Any]) -> ExitCode:
    try:
        return ExitCode(int(ran.get("exit_code", ExitCode.INCOMPLETE)))
    except (TypeError, ValueError):
        return ExitCode.INCOMPLETE


def _problems_json(review: Review) -> list[dict[str, Any]]:
    problems: Sequence[Problem] = review.problems
    return [messages.problem_json(problem) for problem in problems]
