"""What the account book costs for each take: processor time of its transactions, in a book with many requests.

    python benchmarks/account_book.py [TAKES]

A take is claimed, and noted three times: submitted, succeeded, rendered. Each is a transaction of its own here; a run
puts those together that come together. Besides: how long it takes to come in with all that a project has on record.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from kfpipe.environment import STATE_HOME
from kfpipe.lock.book.account_book import AccountBook
from kfpipe.lock.book.database import path_of
from kfpipe.lock.states import Entry
from tests.support.makers import ACCOUNT, asked, rendered, submitted, succeeded

TRIED = 2000


def known(takes: int) -> Iterator[tuple[str, Entry]]:
    """So many clips on record, each of a request and a task of its own."""
    clip = rendered()
    for number in range(takes):
        yield (
            f"kitten@seed={number}/0123456789",
            replace(
                clip,
                asked=replace(clip.asked, fingerprint=f"{number:064x}"),
                task=replace(clip.task, task_id=f"task-{number}"),
            ),
        )


def main(takes: int) -> None:
    path, now_s = path_of(ACCOUNT), time.time()
    assert path is not None
    book = AccountBook(path, Path("/project/shots.lock.json"))
    started_s = time.process_time()
    book.enter(known(takes), (), now_s)
    print(f"coming in with {takes:,} requests: {time.process_time() - started_s:.2f} s")
    tried = []
    for number in range(takes, takes + TRIED):
        about = asked(fingerprint=f"{number:064x}")
        states = (submitted(number=number), succeeded(number=number), rendered(number=number))
        tried.append((f"dog/{number}", [replace(state, asked=about) for state in states]))
    started_s = time.process_time()
    for key, states in tried:
        assert not book.claim(key, states[0].asked, now_s, since_s=now_s)
        for state in states:
            book.note([(key, state)], now_s)
    print(f"a take: {(time.process_time() - started_s) / TRIED * 1000:.2f} ms")
    book.leave((), now_s)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ[STATE_HOME] = folder
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
