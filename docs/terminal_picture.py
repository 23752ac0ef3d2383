"""The README's picture of a terminal: what commands leave on the screen, as text that can be selected.

python docs/terminal_picture.py [PICTURE]

It needs `pyte`, which is the terminal, beside the extra `dev`; not on Windows, which has no pseudo-terminals.
"""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import struct
import subprocess
import sys
import termios
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import pyte
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COMMANDS = ("kfpipe plan", "kfpipe run", "kfpipe run")
COLUMNS, LINES = 80, 40

_NAMES = {"brown": "yellow", "default": ""}
"""Colours that have another name in a terminal than in a style."""

NIGHT = TerminalTheme(
    (20, 23, 31),
    (214, 219, 230),
    [(20, 23, 31), (240, 113, 120), (140, 205, 130), (240, 190, 100), (120, 165, 250), (200, 145, 235),
     (105, 205, 215), (214, 219, 230)],
)  # fmt: skip

PICTURE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>kfpipe at a terminal</title>
<style>
.{unique_id}-matrix {{
  font: {char_height}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own loads a font from another host."""


def main() -> None:
    picture = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/terminal.svg")
    console = Console(record=True, width=COLUMNS, file=Path(os.devnull).open("w"), force_terminal=True)  # noqa: SIM115
    with TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "kfpipe", "init"], cwd=folder, stdout=subprocess.DEVNULL, check=True)
        for number, command in enumerate(COMMANDS):
            console.print(Text.assemble(("$ ", "green"), (command, "bold")))
            for line in on_screen(shlex.split(command)[1:], Path(folder)):
                console.print(line)
            if number < len(COMMANDS) - 1:
                console.print()
    svg = console.export_svg(title="", theme=NIGHT, code_format=PICTURE, unique_id="kfpipe")
    picture.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", "utf-8")


def on_screen(words: list[str], folder: Path) -> list[Text]:
    """The lines that `kfpipe WORDS` leaves there, with their colours; what it had drawn and wiped away is gone."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.environ.update(TERM="xterm-256color", COLORTERM="", COLUMNS=str(COLUMNS), LINES=str(LINES))
        os.execv(sys.executable, [sys.executable, "-m", "kfpipe", *words])  # noqa: S606
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    try:
        while seen := os.read(terminal, 65536):
            stream.feed(seen)
    except OSError:  # how Linux says that nobody writes any more
        pass
    os.waitpid(process, 0)
    lines = [_line(screen, row) for row in range(LINES)]
    while lines and not lines[-1].plain:
        lines.pop()
    return lines


def _line(screen: pyte.Screen, row: int) -> Text:
    line = Text()
    cells = (screen.buffer[row][column] for column in range(COLUMNS))
    for (is_bold, colour), group in groupby(cells, key=lambda cell: (cell.bold, cell.fg)):
        style = ("bold " if is_bold else "") + _NAMES.get(colour, colour)
        line.append("".join(cell.data for cell in group), style.strip())
    line.rstrip()
    return line


if __name__ == "__main__":
    main()
