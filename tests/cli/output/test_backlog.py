"""Lines from a thread of their own: in order, complete, and never in the way."""

from __future__ import annotations

import os
import sys
from threading import Thread

import pytest

from kfpipe.cli.output.backlog import Backlog


def test_lines_are_written_in_their_order_and_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    with Backlog() as backlog:
        for number in range(1000):
            backlog.add(f"line {number}")
    assert capsys.readouterr().err.splitlines() == [f"line {number}" for number in range(1000)]


def test_lines_are_written_when_the_block_ends_by_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), Backlog() as backlog:
        backlog.add("the last one")
        raise ZeroDivisionError
    assert capsys.readouterr().err == "the last one\n"


def test_a_reader_who_takes_his_time_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{number:>99}" for number in range(5000)]  # many times what a pipe takes
    reading, writing = os.pipe()
    read: list[str] = []

    def reader() -> None:
        with os.fdopen(reading, encoding="utf-8") as file:
            read.extend(file.read().splitlines())

    with os.fdopen(writing, "w", encoding="utf-8") as slow, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", slow)
        with Backlog() as backlog:
            for line in lines:
                backlog.add(line)
            thread = Thread(target=reader)  # all was said before anybody reads
            thread.start()
    thread.join()
    assert read == lines
