"""Where every command starts and ends: arguments in, exit code out, and each error as a message."""

from __future__ import annotations

import atexit
import gc
import os
import re
import sys
import traceback
from collections.abc import Iterable, Sequence
from contextlib import nullcontext, suppress
from typing import Final, NoReturn

import click

from kfpipe import gcpause
from kfpipe.cli.group import COMPLETION, READERS, SUMMARIES, NoSuchCommand, commands
from kfpipe.cli.output import messages, outlets, streams
from kfpipe.errors import ExitCode, KfpipeError, Problem
from kfpipe.wording import closest, suggested

_KEYS: Final = re.compile(r"\b(sk|st)-[\w.-]+")


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    outlets.prepare()
    atexit.register(gc.freeze)  # what a large shot list has left goes with the process, not value by value
    if COMPLETION in os.environ:
        from kfpipe.cli.completion import shells  # a shell that completes a line calls no command

        sys.stdout.write(shells.answered(os.environ[COMPLETION]))
        sys.stdout.flush()
        sys.exit(ExitCode.OK)
    sys.exit(_ended(list(sys.argv[1:] if args is None else args)))


def _ended(args: list[str]) -> ExitCode:
    """Run the command; every exception of a command arrives here."""
    as_json = "--json" in args or _asks_for_json(args)
    try:
        with gcpause.paused() if args[:1] == ["plan"] else nullcontext():  # it ends before there is much garbage
            code = commands.main(args=args, prog_name="kfpipe", standalone_mode=False)
        return _told(ExitCode(code or ExitCode.OK), args)
    except click.ClickException as error:
        return _refused([_usage_problem(error)], ExitCode.REFUSED, as_json=as_json)
    except KfpipeError as error:
        return _refused(messages.problems(error), messages.exit_code(error), as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        return _refused([Problem(file="", what="interrupted")], ExitCode.INTERRUPTED, as_json=as_json)
    except Exception as error:  # noqa: BLE001  the last resort of the program: nothing is above it
        return _refused([_bug_problem(error)], ExitCode.BUG, as_json=as_json)


def _asks_for_json(args: Sequence[str]) -> bool:
    """Whether the environment asks for what `--json` does, as with any option: `KFPIPE_PLAN_JSON=1`."""
    words = [word for word in args[:2] if word.isidentifier()]
    names = ("_".join(["KFPIPE", *words[:count], "JSON"]).upper() for count in (1, 2))
    return any(os.environ.get(name, "").lower() in ("1", "true", "yes", "on", "t", "y") for name in names)


def _told(code: ExitCode, args: Sequence[str]) -> ExitCode:
    """The exit code, once what could not be printed is said on the other stream.

    A command that only prints has failed without its result, unless a reader (`| head`) has seen enough of it. Any
    other ends as its work did: a run that has rendered everything is no failure.
    """
    is_reader = next(iter(args), "-").startswith("-") or args[0] in READERS
    if (why := outlets.lost(sys.stdout)) is not None:
        if is_reader and outlets.has_left(sys.stdout):
            return code
        fix = "print it to another place" if is_reader else "`kfpipe status` shows what is on record"
        problem = Problem(file="standard output", what=f"{why}; not all of the result was printed", fix=fix)
        streams.note(*messages.problem_lines(problem))
        return ExitCode.INCOMPLETE if is_reader and code is ExitCode.OK else code
    if (why := outlets.lost(sys.stderr)) is not None and "--json" not in args:
        streams.result(f"standard error: {why}; not all messages were printed")
    return code


def _refused(told: Sequence[Problem], code: ExitCode, *, as_json: bool) -> ExitCode:
    """Report why the command was refused: on the other stream if the proper one does not take it."""
    text = messages.problems_text(told)
    if as_json:
        streams.result_json(messages.refusal_json(told, code))
        if outlets.lost(sys.stdout) is not None:
            streams.note(*text)
    else:
        streams.note(*text)
        if outlets.lost(sys.stderr) is not None:
            streams.result(*text)
    return code


def _usage_problem(error: click.ClickException) -> Problem:
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context is not None else "kfpipe"
    what, meant = error.format_message().rstrip("."), None
    if isinstance(error, NoSuchCommand):
        meant = closest(error.name, SUMMARIES)
    elif isinstance(error, click.NoSuchOption):
        what = f"there is no option `{error.option_name}`"
        meant = closest(error.option_name, _options(context))
    fix = suggested(meant, f"run `{command} --help` for its usage")
    return Problem(file=command, what=what[:1].lower() + what[1:], fix=fix)


def _options(context: click.Context | None) -> list[str]:
    params = context.command.get_params(context) if context is not None else []
    return [name for param in params for name in param.opts if name.startswith("-")]


def _bug_problem(error: Exception) -> Problem:
    """A bug is ours to fix: the traceback is for those who ask for it, and never shows a key."""
    if os.environ.get("KFPIPE_DEBUG") == "1":
        streams.note(*_without_keys("".join(traceback.format_exception(error))).splitlines())
    return Problem(
        file="",
        what=f"this is a bug in kfpipe: {_without_keys(f'{type(error).__name__}: {error}')}",
        fix="run it again with KFPIPE_DEBUG=1 and report the output; everything done so far is on record",
    )


def _without_keys(text: str) -> str:
    from kfpipe import environment, keychain  # only a bug needs them

    keys: Iterable[str] = ()
    with suppress(KfpipeError):
        keys = [*environment.read().keys.values(), *keychain.shown_so_far()]
    for key in keys:
        text = text.replace(key, "***")
    return _KEYS.sub(r"\1-***", text)
