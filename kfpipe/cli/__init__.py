"""The command line.

    entry       where every command begins and ends: words in, exit code out
    group       the commands by name, loaded when they are called
    init, validate, plan, run, status, cancel, reconcile, verify, pick, prune, report, export, models, schema,
    emulate, lock, lock_merge, completion, doctor    one command each
    source      MANIFEST and what is laid over it
    arguments   the words that other commands share
    choices     which takes a person means, and what they decided about others
    outline     all commands and their options, for those who do not want to load them
    shells, offers    what the Tab key is answered
    selection   which takes `kitten*`, `tag:hero` or `!walk` mean
    destination where requests would go, and whether that costs anything
    consent     whether a run may spend, and up to where
    progress    events -> where a run stands, and lines that tell it
    watch       the record while another process writes it
    live        the same on a screen, or as dated lines
    event_log   events -> lines for a program
    settlement  what a person decided about takes without an answer
    plan_view, record_view, reconcile_view, verify_view, prune_view, export_view, summary
                values -> what is printed of them
    report_view footage -> a page for the browser
    messages    errors -> text and exit codes
    table, figures, bills, terminal    rows, numbers, sums of money, the two streams

A command reads its words, calls `kfpipe.api`, and prints what a view has made of the answer.
"""

from kfpipe.cli.entry import main

__all__ = ["main"]
