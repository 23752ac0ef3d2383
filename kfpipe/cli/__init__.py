"""The command line.

    group       the commands by name, loaded when they are called
    validate, plan, run, status, models, schema, emulate     one command each
    source, arguments   the words that several commands share
    selection   which takes `kitten*`, `tag:hero` or `!walk` mean
    consent     whether a run may spend, and up to where
    progress    events -> where a run stands, and lines that tell it; `live` draws it on a terminal
    plan_view, record_view, summary    values -> what is printed of them
    messages    errors -> text and exit codes
    table, figures, terminal           rows, numbers, the two streams
"""

from kfpipe.cli.entry import main

__all__ = ["main"]
