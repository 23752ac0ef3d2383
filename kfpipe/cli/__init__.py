"""The command line.

    entry       where every command begins and ends: words in, exit code out
    group       the commands by name, loaded when they are called
    commands/   one module for each verb
    options/    the words that commands share: MANIFEST and what is laid over it, selectors, decisions, saved plans
    views/      values -> what is printed of them: tables, pages, progress, the question before money is spent
    output/     the two streams, tables, amounts, messages and exit codes
    completion/ what the Tab key is answered
    starter/    the example that `kfpipe init` writes

A command parses its words, calls one function, prints what a view has made of the answer, and returns an exit code.
"""

from kfpipe.cli.entry import main

__all__ = ["main"]
