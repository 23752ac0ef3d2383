"""What an included manifest says and what does not apply: a cap on the cost that caps nothing, another account."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from kfpipe.errors import Problem, Severity
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.schema.rules import ENTRY_LISTS, schema_at
from kfpipe.manifest.sheet import Sheet
from kfpipe.wording import echoed

_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")
_OF_A_RUN: Final = ("provider", "budget", "limits", "prices", "output", "film", "checks")
_WHO_PAYS: Final = ("account", "workspace")
_FOR_SHOTS: Final = ("defaults", "vars", "models", "profiles", "stills")


def problems(sheets: Sequence[Sheet]) -> Iterator[Problem]:
    """What is refused, or merely warned of, in the included manifests."""
    including = {id(above) for sheet in sheets for above in sheet.ancestors()}
    for sheet in sheets:
        if sheet.includer is None or () in sheet.check.broken:
            continue
        other_payer = list(_other_payer(sheet))
        for finding in other_payer or _parts_of_a_run(sheet):
            yield finding.problem(sheet.document, str(finding.path[0]))
        has_shots = id(sheet) in including or any((part,) in sheet.check.broken for part in ENTRY_LISTS)
        if not has_shots and not any(map(sheet.has, ENTRY_LISTS)):
            yield from (_for_no_shot(part).problem(sheet.document, part) for part in _FOR_SHOTS if sheet.has(part))


def _other_payer(sheet: Sheet) -> Iterator[Finding]:
    """An account or a workspace that the including manifest does not have: its clips would be paid by someone else."""
    above = _above(sheet, "provider")
    if above is None or not sheet.has("provider") or above.check.broken & {("provider",)}:
        return
    own, theirs = sheet.document.data["provider"], above.document.data["provider"]
    for name in _WHO_PAYS:
        if name in own and own[name] != theirs.get(name):
            payer = f"the {name} {echoed(theirs[name])}" if name in theirs else f"no {name} by name"
            yield Finding(
                path=("provider", name),
                what=f"these shots are for the {name} {echoed(own[name])}, but {above.document.file}, which includes "
                f"them, has {payer}",
                expected=f"the same {name} in both: one run has one account",
                fix=f"run {sheet.document.file} by itself, give both the same `{name}`, or delete this line",
            )


def _parts_of_a_run(sheet: Sheet) -> Iterator[Finding]:
    for part in _OF_A_RUN:
        if not sheet.has(part):
            continue
        above = _above(sheet, part)
        if above is not None and (above.check.broken & {(part,)} or _in_full(part, above) == _in_full(part, sheet)):
            continue
        yield Finding(
            path=(part,),
            at_key=True,
            what=f"`{part}` of an included manifest applies only when that manifest is run by itself",
            fix=f"write the same in {_root(sheet).document.file} if it is meant for all shots, else delete it here",
            severity=Severity.WARNING,
        )


def _for_no_shot(part: str) -> Finding:
    return Finding(
        path=(part,),
        at_key=True,
        what=f"`{part}` applies to the shots of its own file, and there are none",
        fix="move it into the manifest that includes this file",
        severity=Severity.WARNING,
    )


def _above(sheet: Sheet, part: str) -> Sheet | None:
    """The nearest of the including manifests that has the part."""
    return next((above for above in sheet.ancestors() if part in above.document.data), None)


def _root(sheet: Sheet) -> Sheet:
    *_, root = sheet.ancestors()
    return root


def _in_full(part: str, sheet: Sheet) -> dict[str, Any]:
    """A part with the defaults of what it leaves out, so that two ways to say the same are equal."""
    fields = schema_at((part,)).get("properties", {})
    usual = {name: schema_at((part, name))["default"] for name in fields if "default" in schema_at((part, name))}
    given = sheet.document.data[part]
    return {name: _exact(value) for name, value in {**usual, **given}.items()}


def _exact(value: Any) -> Any:
    """An amount may be a number, or the same in quotes."""
    if isinstance(value, dict):
        return {name: _exact(inner) for name, inner in value.items()}
    return Decimal(value) if isinstance(value, str) and _AMOUNT.fullmatch(value) else value
