"""What reaches the streams is harmless to a terminal."""

from __future__ import annotations

import json

import pytest

from kfpipe.cli.output import streams

HOSTILE = "a\x1b[2Jb \x1b]0;title\x07c\r\nd\x9b31me \u202edlrow\x00\u2066!"


def test_no_text_can_move_the_cursor_or_fake_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    streams.result(HOSTILE)
    streams.note(f"  fix: {HOSTILE}")
    out, err = capsys.readouterr()
    assert out == "ab c de dlrow!\n"
    assert err == "  fix: ab c de dlrow!\n"


def test_json_keeps_every_character_and_shows_none_of_the_hidden_ones(capsys: pytest.CaptureFixture[str]) -> None:
    streams.result_json({"prompt": f"{HOSTILE} \u732b"})
    out, _ = capsys.readouterr()
    assert json.loads(out) == {"prompt": f"{HOSTILE} \u732b"}
    assert "\u732b" in out
    assert not {"\x1b", "\x9b", "\u202e", "\u2066", "\x00"} & set(out)
