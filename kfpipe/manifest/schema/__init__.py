"""Document x JSON Schema -> problems, each with its position.

shipped       the schema files, and the part of the manifest's that holds at a path
published     the same as `kfpipe schema` prints them: one for each file and for each command's output
validation    which parts of a document fail: fast, since most are right
strict        the same again for those that fail, by a validator that can explain
explanation   a failure in the words of someone who only knows the manifest
strange       the words of other tools for the fields
repair        what was probably meant, as far as the schema takes it
"""

from __future__ import annotations

from dataclasses import dataclass

from kfpipe.errors import Problem, in_file_order
from kfpipe.files.text import DataPath
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.schema import validation
from kfpipe.manifest.schema.rules import ENTRY_LISTS, manifest_schema
from kfpipe.wording import described

__all__ = ["StructureCheck", "check", "check_rows", "manifest_schema", "problems", "where"]

FORMAT_VERSION = 1

MOST_EXPLAINED_SHOTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureCheck:
    """What is wrong with a document's structure, in file order, and which parts of it cannot be used.

    `broken` holds paths of top-level parts, of shots and of sequences: `("budget",)`, `("shots", 3)`; `()` when nothing
    can be used.
    """

    problems: tuple[Problem, ...]
    broken: frozenset[DataPath]


def check(document: Document, *, included: bool = False) -> StructureCheck:
    """Check a document against the manifest's schema; an included manifest may be a part of one."""
    if _is_of_another_version(document):
        return StructureCheck(problems=(_other_version(document),), broken=frozenset({()}))
    return _checked(document, validation.findings_outside_entries(document.data, included=included))


def check_rows(document: Document) -> StructureCheck:
    """Check a document that is nothing but shots against the schema of a shot."""
    return _checked(document, [])


def _checked(document: Document, findings: list[Finding]) -> StructureCheck:
    broken = {_part(finding.path) for finding in findings}
    for part in ENTRY_LISTS:
        indexes = validation.broken_entries(document.data, part)
        for index in indexes[:MOST_EXPLAINED_SHOTS]:
            findings += validation.findings_in_entry(document.data, part, index)
        if len(indexes) > MOST_EXPLAINED_SHOTS:
            findings.append(_further(part, indexes[MOST_EXPLAINED_SHOTS:]))
        broken |= {(part, index) for index in indexes}
    found = in_file_order(finding.problem(document, where(document, finding.path)) for finding in findings)
    return StructureCheck(problems=found, broken=frozenset(broken))


def problems(document: Document) -> tuple[Problem, ...]:
    """What is wrong with a document's structure, in file order."""
    return check(document).problems


def where(document: Document, path: DataPath) -> str:
    """The part of the manifest that holds `path`, in the user's words; empty for the manifest itself."""
    match path:
        case ("shots" | "sequences" as part, int(index), *_):
            name = validation.usable_id(document.data[part][index])
            return f"{part}[{index}]" if name is None else f"{ENTRY_LISTS[part]} '{name}'"
        case (str(part), _, *_):
            return part
        case _:
            return ""


def _part(path: DataPath) -> DataPath:
    return path[:2] if path[:1] and path[0] in ENTRY_LISTS else path[:1]


def _is_of_another_version(document: Document) -> bool:
    version = document.data.get("kfpipe")
    return isinstance(version, int) and not isinstance(version, bool) and version != FORMAT_VERSION


def _other_version(document: Document) -> Problem:
    finding = Finding(
        path=("kfpipe",),
        what=f"`kfpipe` is {described(document.data['kfpipe'])}, a format that this kfpipe does not support",
        expected=f"`{FORMAT_VERSION}`",
        fix=f"write `kfpipe: {FORMAT_VERSION}`, or upgrade kfpipe if the manifest was written for a newer one",
    )
    return finding.problem(document, "")


def _further(part: str, indexes: tuple[int, ...]) -> Finding:
    count, entry = len(indexes), ENTRY_LISTS[part]
    return Finding(
        path=(part, indexes[0]),
        what=f"this {entry} and {count - 1} more after it have problems too"
        if count > 1
        else f"this {entry} has problems too",
        fix="fix those above first; the same mistake is often in all of them",
    )
