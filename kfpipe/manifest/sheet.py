"""One file of a shot list that is spread over several."""

from __future__ import annotations

from collections.abc import Iterator

from kfpipe.manifest.document import Document
from kfpipe.manifest.schema import StructureCheck
from kfpipe.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One file of the shot list, with what its structure check found; `includer` names it, None for the manifest."""

    document: Document
    check: StructureCheck
    includer: Sheet | None = None

    def has(self, part: str) -> bool:
        """Whether the file says something usable there."""
        return not self.check.broken & {(), (part,)} and part in self.document.data

    def ancestors(self) -> Iterator[Sheet]:
        """The files that include this one, the nearest first."""
        if self.includer is not None:
            yield self.includer
            yield from self.includer.ancestors()
