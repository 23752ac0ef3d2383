"""The command line.

    entry       where every command starts and ends: arguments in, exit code out
    group       the commands by name, imported when they are called
    commands/   one module for each command
    options/    arguments that commands share: MANIFEST and its overrides, selectors, decisions, saved plans
    views/      values -> what is printed: tables, pages, progress, the question before money is spent
    output/     the two streams, tables, colours, amounts, messages and exit codes
    completion/ answers to the Tab key
    starter/    the example that `kfpipe init` writes

A command parses its arguments, calls one function, prints a view of the result, and returns an exit code.
"""

from kfpipe.cli.entry import main

__all__ = ["main"]
