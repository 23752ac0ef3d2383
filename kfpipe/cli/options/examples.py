"""The examples at the end of a command's help."""

from __future__ import annotations

import click


def examples(*lines: str) -> str:
    """The epilog of a command that has a section of examples."""
    return "\n".join(lines)


class WithExamples(click.Command):
    """A command whose epilog is a section of examples, a line each."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.epilog:
            with formatter.section("Examples"):
                formatter.write(
                    "".join(f"{'':{formatter.current_indent}}{line}\n" for line in self.epilog.splitlines())
                )
