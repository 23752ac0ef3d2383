"""What reaches the streams is harmless to a terminal."""

from __future__ import annotations

import io
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


def test_json_is_that_of_the_standard_library_though_it_is_written_entry_by_entry(
    capsys: pytest.CaptureFixture[str],
) -> None:
    takes = [{"take": f"\u732b_{n}", "tags": ["a\n", {}], "trim": {"in": None}, "n": n, "b": True} for n in range(200)]
    data = {"takes": takes, "none": [], "no": {}, "totals": {"models": [[], [1]]}, "deep": [{"a": []}]}
    streams.result_json(data | {"takes": iter(takes), "none": iter(()), "deep": [{"a": iter(())}]})
    assert capsys.readouterr().out == json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    streams.result_json({})
    assert capsys.readouterr().out == "{}\n"


def test_json_escapes_what_the_stream_cannot_show(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr("sys.stdout", written)
    streams.result_json({"prompt": "\u732b \U0001f408 \ud83d \xe9"})
    written.seek(0)
    assert json.loads(written.read()) == {"prompt": "\u732b \U0001f408 \ud83d \xe9"}


def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 30 columns."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")


def test_a_long_line_is_broken_between_words_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow(monkeypatch)
    streams.result("  price unknown: give one with --price")
    assert capsys.readouterr().out == "  price unknown: give one\n    with --price\n"


@pytest.mark.parametrize("line", ["next: kfpipe run shots.yaml -s 'kitten*'", f"bill: http://{'a' * 40}/emulator/bill"])
def test_what_a_person_copies_stays_in_one_piece(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    narrow(monkeypatch)
    streams.result(line)
    assert capsys.readouterr().out == f"{line}\n"


def test_in_a_pipe_no_line_is_broken(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    streams.result("  price unknown: give one with --price")
    assert capsys.readouterr().out.count("\n") == 1
