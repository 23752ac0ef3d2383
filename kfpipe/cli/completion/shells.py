"""How each shell asks for completions, and how it wants the answer.

The shell passes the line up to the cursor, and gets a line for each offer. The scripts ask kfpipe for everything, so an
update of kfpipe does not touch them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from kfpipe.cli.completion import outline
from kfpipe.cli.completion.candidates import Typed
from kfpipe.cli.group import COMPLETION
from kfpipe.files.durable import storage

LINE: Final = "KFPIPE_LINE"
WORD: Final = "KFPIPE_WORD"

_QUOTES: Final = ("'", '"')


class _Shell(ShellComplete):
    """A shell that passes the line up to the cursor in `KFPIPE_LINE`."""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get(LINE, "")
        words = split_arg_string(line)[1:]
        incomplete = words.pop() if words and not line[-1:].isspace() else ""
        self.ctx_args = {"obj": Typed(words)}
        return words, incomplete


class Bash(_Shell):
    """Bash ends words at `=` and `:`, and starts one at `@`: it wants only the last of these parts."""

    name = "bash"
    source_template = """\
%(complete_func)s() {
    local kind value
    COMPREPLY=()
    while IFS=$'\\t' read -r kind value; do
        COMPREPLY+=("$value")
        [[ $kind == open ]] && compopt -o nospace 2>/dev/null
    done < <(
        KFPIPE_LINE="${COMP_LINE:0:COMP_POINT}" KFPIPE_WORD="${COMP_WORDS[COMP_CWORD]}" \\
            %(complete_var)s=bash_complete "$1" 2>/dev/null
    )
}
complete -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        words, incomplete = super().get_completion_args()
        self._typed = len(incomplete) - len(self._own_word(incomplete))
        if incomplete[: self._typed].endswith("@"):
            self._typed -= 1
        return words, incomplete

    def _own_word(self, incomplete: str) -> str:
        """The end of the word that Bash replaces."""
        word = os.environ.get(WORD, "").lstrip("".join(_QUOTES))
        if re.fullmatch(r"[=:]+", word):
            return ""
        return word if incomplete.endswith(word) else incomplete

    def format_completion(self, item: CompletionItem) -> str:
        value = item.value[self._typed :]
        if not os.environ.get(WORD, "").startswith(_QUOTES):
            value = re.sub(r"([^\w@%+=:,./~-])", r"\\\1", value)
        return f"{item.type}\t{value}"


class Zsh(_Shell):
    name = "zsh"
    source_template = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local kind value about
    local -a whole open shown
    while IFS=$'\\t' read -r kind value about; do
        if [[ $kind == open ]]; then
            open+=("$value")
        else
            whole+=("$value")
            shown+=("$value${about:+  -- $about}")
        fi
    done < <(
        KFPIPE_LINE="${words[1,CURRENT-1]} ${PREFIX}" %(complete_var)s=zsh_complete ${words[1]} 2>/dev/null
    )
    (( $#whole )) && compadd -l -d shown -a whole
    (( $#open )) && compadd -S '' -a open
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.type}\t{item.value}\t{item.help or ''}"


class Fish(_Shell):
    name = "fish"
    source_template = """\
function %(complete_func)s
    set -l words (commandline -opc)
    KFPIPE_LINE=(commandline -cp | string collect) %(complete_var)s=fish_complete $words[1] 2>/dev/null
end
complete --command %(prog_name)s --no-files --arguments "(%(complete_func)s)"
"""

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.value}\t{item.help}" if item.help else str(item.value)


SHELLS: Final[Mapping[str, type[_Shell]]] = {shell.name: shell for shell in (Bash, Zsh, Fish)}


def script(shell: str) -> str:
    """What a shell has to run once to complete kfpipe commands."""
    return _of(shell, click.Group()).source()


START_UP: Final = {
    "bash": ".bashrc",
    "zsh": ".zshrc",
    "fish": ".config/fish/completions/kfpipe.fish",
}
"""What each shell reads when it starts, below the home folder."""

_LOADS: Final = {"bash": 'eval "$(kfpipe completion bash)"', "zsh": 'eval "$(kfpipe completion zsh)"'}


def installed(shell: str, home: Path) -> tuple[Path, bool]:
    """Have the shell load the completions when it starts: the file that does, and whether it was changed.

    Raises StorageFailed. Nothing that stands in the file is touched: a line is added at its end.
    """
    path = home / START_UP[shell]
    line = _LOADS.get(shell, f"kfpipe completion {shell} | source")
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_bytes() if path.exists() else b""
        if line.encode() in before.splitlines():
            return path, False
        ended = before if before.endswith(b"\n") or not before else before + b"\n"
        with path.open("ab") as file:  # a link to where somebody keeps such files stays one
            file.write(ended[len(before) :] + line.encode() + b"\n")
    return path, True


def answered(instruction: str) -> str:
    """What a shell gets for `bash_complete` and the like; nothing for what is unknown."""
    shell, _, verb = instruction.partition("_")
    if shell not in SHELLS or verb != "complete":
        return ""
    lines = _of(shell, outline.sketched()).complete().splitlines()
    return "".join(f"{line}\n" for line in lines)


def _of(shell: str, commands: click.Command) -> ShellComplete:
    context: dict[str, Any] = {}
    return SHELLS[shell](commands, context, "kfpipe", COMPLETION)
