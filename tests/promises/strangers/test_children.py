"""What the programs that kfpipe starts get to see."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.promises.fuzz.cases import KEY
from tests.promises.strangers.conftest import Call

GIT = shutil.which("git")

pytestmark = pytest.mark.skipif(sys.platform == "win32" or GIT is None, reason="needs git and a shell")

EAVESDROPPER = """\
#!/bin/sh
env >> "$HEARD"
exec {git} "$@"
"""


@pytest.mark.parametrize(
    "words", [("lock", "merge", "--install"), ("plan", "shots.yaml", "--diff", "HEAD")], ids=" ".join
)
def test_git_never_sees_the_key(folder: Path, tmp_path: Path, kfpipe: Call, words: tuple[str, ...]) -> None:
    for git_words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run([str(GIT), "-C", str(folder), *git_words], check=True)
    programs, heard = tmp_path / "programs", tmp_path / "heard"
    programs.mkdir()
    (programs / "git").write_text(EAVESDROPPER.format(git=GIT), "utf-8")
    (programs / "git").chmod(0o755)
    ended = kfpipe(*words, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}", HEARD=str(heard))
    assert ended.code == 0, ended.err
    told = heard.read_text("utf-8")
    assert "DASHSCOPE_HTTP_BASE_URL" in told
    assert KEY not in told
