"""`kfpipe review`"""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from kfpipe import accounts, api, environment
from kfpipe import project as projects
from kfpipe.cli.options.common import json_problems_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams
from kfpipe.errors import ExitCode, Refused
from kfpipe.review.app import server
from kfpipe.review.app.routes import Desk
from kfpipe.review.app.watcher import Watcher


@click.command(
    "review",
    cls=WithExamples,
    epilog=examples("kfpipe review shots.yaml", "kfpipe review shots.yaml --port 8080 --no-open"),
)
@manifest_arguments
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on, loopback only; 0 picks a free one."
)
@click.option("--no-open", is_flag=True, help="Open no browser; print the address alone.")
@click.option("--read-only", is_flag=True, help="Show everything, and write no picks.")
@json_problems_option
def command(source: Source, port: int, no_open: bool, read_only: bool) -> ExitCode:
    """Review the takes in a browser, and pick.

    Shows the film as a strip, and the takes of a shot side by side, in step; picks are written at once. What a run in
    another terminal does is shown live. The first line on stdout is the address; it opens once, in one browser of this
    machine. Stop it with Ctrl-C.
    """
    desk = Desk(_watcher(source), api.pick, is_read_only=read_only)
    try:
        with server.serving(desk, port) as address:
            server.until_stopped(lambda: _greet(address, is_opened=not no_open))
    except OSError as error:
        fix = "leave it out to use a free port"
        raise Refused.because("--port", f"{port}: {os.strerror(error.errno or 0)}", fix=fix) from error
    return ExitCode.OK


def _watcher(source: Source) -> Watcher:
    settings = environment.read()

    def load(bring: Callable[[Path], None]) -> projects.Project:
        return projects.load(source.path, source.options, bring=bring)

    watcher = Watcher(source.path, load, lambda project: accounts.known(project, settings))
    streams.note(*messages.problems_text(watcher.project.warnings))
    return watcher


def _greet(address: str, *, is_opened: bool) -> None:
    streams.result(address)
    if is_opened and not _shown_in_browser(address):
        streams.note("  no browser could be opened: open the address yourself")
    streams.note("  stop: Ctrl-C")


def _shown_in_browser(address: str) -> bool:
    """Whether a browser with a window was started; one for terminals would take this one."""
    try:
        with _without_keys():
            browser = webbrowser.get()
            if type(browser) is webbrowser.GenericBrowser and not os.environ.get("BROWSER"):
                return False
            return browser.open(address)
    except (webbrowser.Error, OSError):
        return False


@contextmanager
def _without_keys() -> Iterator[None]:
    """The process's variables as another program may have them."""
    kept = environment.without_key()
    keys = {name: value for name, value in os.environ.items() if name not in kept}
    for name in keys:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(keys)
