"""What a rule reports about one place in the manifest, before the place has a line number."""

from __future__ import annotations

from dataclasses import dataclass

from kfpipe.errors import Problem, Severity
from kfpipe.files.text import DataPath
from kfpipe.manifest.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that is broken at `path`; `at_key` when the name of the entry is meant, not its value.

    A path of () means no place in the file: the command line, or the file as a whole.
    """

    path: DataPath
    what: str
    expected: str | None = None
    fix: str | None = None
    severity: Severity = Severity.ERROR
    at_key: bool = False

    def problem(self, document: Document, where: str) -> Problem:
        """The same with a line and a column; `where` names the part in the user's words."""
        find = document.key_position if self.at_key else document.position
        return Problem(
            file=document.source(self.path).file,
            position=find(self.path) if self.path else None,
            where=where,
            what=self.what,
            expected=self.expected,
            fix=self.fix,
            severity=self.severity,
        )
