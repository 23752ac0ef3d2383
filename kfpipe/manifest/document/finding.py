"""What a rule reports about one place in the manifest, before the place has a line number."""

from __future__ import annotations

from kfpipe.errors import Problem, Severity
from kfpipe.files.text import DataPath
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.cellwords import in_cells
from kfpipe.values import dataclass


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
        """The same with a line and a column; `where` names the part in the user's words, as does advice for a table."""
        find = document.key_position if self.at_key else document.position
        position = find(self.path) if self.path else None
        source = document.source(self.path)
        expected, fix = self.expected, self.fix
        if source.is_table and position is not None:
            where = ", ".join(filter(None, [where, source.cell_at(position)]))
            expected, fix = expected and in_cells(expected), fix and in_cells(fix)
        return Problem(
            file=source.file,
            position=position,
            where=where,
            what=self.what,
            expected=expected,
            fix=fix,
            severity=self.severity,
        )
