"""What the Tab key offers: asked as shells ask, and in the shells themselves."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from kfpipe.cli.completion import outline
from kfpipe.cli.completion.shells import LINE, SHELLS, START_UP, WORD
from kfpipe.cli.group import COMPLETION, commands
from tests.cli.conftest import HEAD, Call
from tests.cli.test_help import HEAVY

MANIFEST = """\
profiles: {draft: {resolution: 720P}}
shots:
  - {id: kitten, tags: [hero], prompt: A kitten looks up., matrix: {seed: [1, 2]}}
  - {id: monster, tags: [hall], model: wan2.7-i2v-2026-04-25, prompt: A monster.}
"""

Ask = Callable[..., list[str]]


@pytest.fixture
def film(folder: Path) -> Path:
    (folder / "shots.yaml").write_text(HEAD + MANIFEST, "utf-8")
    (folder / "notes.txt").touch()
    (folder / "scenes").mkdir()
    return folder


@pytest.fixture
def ask(film: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """`ask(line)`: what may stand at its end."""

    def asked(line: str, *, shell: str = "fish", word: str = "") -> list[str]:
        monkeypatch.setenv(COMPLETION, f"{shell}_complete")
        monkeypatch.setenv(LINE, line)
        monkeypatch.setenv(WORD, word)
        ended = kfpipe()
        assert (ended.code, ended.err) == (0, "")
        return ended.out.splitlines()

    return asked


def values(lines: list[str]) -> list[str]:
    return [line.partition("\t")[0] for line in lines]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kfpipe pl", ["plan"]),
        ("kfpipe lock m", ["merge", "migrate"]),
        ("kfpipe run --re", ["--region", "--retry", "--rerender"]),
        ("kfpipe run ", ["scenes/", "shots.yaml"]),
        ("kfpipe run ./sh", ["./shots.yaml"]),
        ("kfpipe run shots.yaml --profile ", ["draft"]),
        ("kfpipe run shots.yaml --region b", ["beijing"]),
        ("kfpipe run shots.yaml -s ", ["kitten", "monster", "changed", "picked", "drift", "tag:", "state:", "model:"]),
        ("kfpipe run -s mon shots.yaml -s k", ["kitten"]),
        ("kfpipe run shots.yaml --select kitten@", ["kitten@seed=1", "kitten@seed=2"]),
        ("kfpipe status shots.yaml -s tag:h", ["tag:hero", "tag:hall"]),
        ("kfpipe status shots.yaml -s state:su", ["state:submitting", "state:submitted", "state:succeeded"]),
        ("kfpipe plan shots.yaml --retry model:", ["model:wan2.7-i2v", "model:wan2.7-i2v-2026-04-25"]),
        ("kfpipe plan shots.yaml -s '!mon", ["!monster"]),
        ("kfpipe plan shots.yaml -s '!tag:her", ["!tag:hero"]),
        ("kfpipe pick shots.yaml ", ["kitten", "monster"]),
        ("kfpipe pick shots.yaml kitten ", ["seed=1", "seed=2"]),
        ("kfpipe run -s k", ["kitten"]),
        ("kfpipe pick kitten ", ["seed=1", "seed=2"]),
        ("kfpipe reconcile shots.yaml --lost mon", ["monster"]),
        ("kfpipe completion ", ["bash", "zsh", "fish"]),
        ("kfpipe emulate --faults no", ["notes.txt"]),
        ("kfpipe run elsewhere.yaml -s k", []),
    ],
)
def test_what_can_come_next_is_offered(ask: Ask, line: str, offered: list[str]) -> None:
    assert values(ask(line)) == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_is_answered_in_its_own_form(ask: Ask, shell: str) -> None:
    forms = {"bash": "plain\tmonster", "zsh": "plain\tmonster\t", "fish": "monster"}
    assert ask("kfpipe run shots.yaml -s mon", shell=shell, word="mon") == [forms[shell]]


@pytest.mark.parametrize(
    ("line", "word", "answer"),
    [
        ("kfpipe run shots.yaml -s tag:", ":", "hero"),
        ("kfpipe run shots.yaml -s tag:he", "he", "hero"),
        ("kfpipe run shots.yaml -s kitten@seed=", "=", "1"),
        ("kfpipe run shots.yaml -s kitten@se", "se", "@seed=1"),
        ("kfpipe run shots.yaml -s kitten@", "@", "@seed=1"),
        ("kfpipe run shots.yaml -s '!mon", "'!mon", "!monster"),
        ("kfpipe run shots.yaml -s \\!mon", "\\!mon", "\\!monster"),
    ],
)
def test_bash_gets_the_part_of_the_word_that_it_replaces(ask: Ask, line: str, word: str, answer: str) -> None:
    assert ask(line, shell="bash", word=word)[0] == f"plain\t{answer}"


@pytest.mark.parametrize(
    "damage",
    [lambda text: text.replace("]}}\n", "\n"), lambda text: text.replace("tags: [hero]", "tags: 3")],
    ids=["no YAML", "no shot"],
)
def test_a_manifest_that_is_being_written_is_read_as_far_as_it_goes(
    film: Path, ask: Ask, damage: Callable[[str], str]
) -> None:
    (film / "shots.yaml").write_text(damage(HEAD + MANIFEST), "utf-8")
    assert {"kitten", "monster"} <= set(values(ask("kfpipe run shots.yaml -s ")))


def test_a_name_that_would_steer_a_terminal_is_not_offered(film: Path, ask: Ask) -> None:
    (film / "shots.yaml").write_text("shots: [\n  {id: kitten, tags: [\x1b[31mred, calm]}\n", "utf-8")
    assert values(ask("kfpipe run shots.yaml -s tag:")) == ["tag:calm"]


def test_an_answer_needs_none_of_what_a_run_needs(film: Path) -> None:
    heavy = sorted({*HEAVY} - {"jsonschema", "jsonschema_rs", "yaml"})
    code = (
        "import sys, kfpipe.cli\n"
        "try: kfpipe.cli.main([])\n"
        f"finally: sys.exit(sorted(set({heavy!r}) & set(sys.modules)) or 0)"
    )
    asking = {COMPLETION: "fish_complete", LINE: "kfpipe run shots.yaml -s kitten@"}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, **asking}
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == ["kitten@seed=1", "kitten@seed=2"]


def test_the_outline_tells_of_the_commands_as_they_are() -> None:
    told = json.loads(files("kfpipe.cli.completion").joinpath(outline.FILE).read_text("utf-8"))
    assert told == outline.drawn(commands), "python -m kfpipe.cli.completion.outline draws it anew"


def test_a_shell_that_nobody_knows_is_refused(kfpipe: Call) -> None:
    ended = kfpipe("completion", "tcsh")
    assert ended.code == 2
    assert kfpipe("completion", "zsh", "--json").json["script"] == kfpipe("completion", "zsh").out


# ---- in the shells themselves ------------------------------------------------------------------------------------

STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(kfpipe completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -U compinit && compinit -D; eval "$(kfpipe completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "kfpipe completion fish | source"),
}
HOME_KEY = "\x01"
AT_A_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


def on_the_line(shell: str, typed: str, folder: Path) -> str:
    """What stands on the shell's line when the Tab key was pressed behind `typed`."""
    import pty

    words, setup = STARTS[shell]
    here, there = pty.openpty()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, *words],
        stdin=there,
        stdout=there,
        stderr=there,
        cwd=folder,
        start_new_session=True,
        env={**os.environ, "PATH": path, "TERM": "xterm", "HOME": str(folder), "COLUMNS": "200"},
    )
    os.close(there)
    try:
        tell(here, f"{setup}; echo rea''dy\n", "ready")
        return tell(here, f"{typed}\t{HOME_KEY}echo 'line'': '\n", "line: (.*)").strip()
    finally:
        process.kill()
        process.wait()
        os.close(here)


def tell(terminal: int, typed: str, answer: str) -> str:
    """Type, and wait for a line of this form; its group, if it has one."""
    os.write(terminal, typed.encode())
    screen = ""
    while True:
        readable, _, _ = select.select([terminal], [], [], 60)
        assert readable, screen
        screen += re.sub(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()].|.)", "", read(terminal))
        found = re.search(rf"^\r*{answer}\r*\n", screen, re.MULTILINE)
        if found is not None:
            return found[found.re.groups]


def read(terminal: int) -> str:
    return os.read(terminal, 65536).decode("utf-8", "replace")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("kfpipe stat", "kfpipe status"),
        ("kfpipe status sh", "kfpipe status shots.yaml"),
        ("kfpipe status shots.yaml -s tag:he", "kfpipe status shots.yaml -s tag:hero"),
        ("kfpipe status shots.yaml -s kitten@se", "kfpipe status shots.yaml -s kitten@seed="),
    ],
    ids=["command", "manifest", "tag", "takes"],
)
@pytest.mark.parametrize(
    "shell",
    [
        "bash",
        *(
            pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not here"))
            for name in ("zsh", "fish")
        ),
    ],
)
def test_the_tab_key_completes(film: Path, shell: str, typed: str, completed: str) -> None:
    assert on_the_line(shell, typed, film) == completed


@pytest.mark.parametrize("shell", SHELLS)
def test_a_start_up_file_gets_one_line_and_keeps_the_rest(
    tmp_path: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert kfpipe("completion", shell, "--install", "--json").json["changed"] is True
    file = tmp_path / START_UP[shell]
    (line,) = file.read_text("utf-8").splitlines()
    assert f"kfpipe completion {shell}" in line
    file.write_bytes(b"alias k=kfpipe \xff")
    assert kfpipe("completion", shell, "--install").code == 0
    assert kfpipe("completion", shell, "--install").out.endswith("loads it already\n")
    assert file.read_bytes() == b"alias k=kfpipe \xff\n" + line.encode() + b"\n"
