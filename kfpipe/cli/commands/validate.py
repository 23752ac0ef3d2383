"""`kfpipe validate`"""

from __future__ import annotations

import click

from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams
from kfpipe.cli.output.amounts import counted
from kfpipe.errors import ExitCode


@click.command(
    "validate",
    cls=WithExamples,
    epilog=examples("kfpipe validate shots.yaml", "kfpipe validate shots.yaml --profile draft"),
)
@manifest_arguments
@json_option
def command(source: Source, as_json: bool) -> ExitCode:
    """Check a manifest and the files it names, offline.

    Reports all problems at once, in file order, each with its line, what was expected, and how to fix it.

    Exit code 0: no errors; 2: errors found.
    """
    project = source.load()
    shots, takes = len(project.manifest.shots), len(project.takes)
    if as_json:
        warnings = [messages.problem_json(problem) for problem in project.warnings]
        streams.result_json({"shots": shots, "takes": takes, "warnings": warnings, "exit_code": int(ExitCode.OK)})
        return ExitCode.OK
    streams.note(*messages.problems_text(project.warnings))
    streams.result(f"ok: {counted(shots, 'shot')}, {counted(takes, 'take')}")
    return ExitCode.OK
