"""A plan in a file of its own: made by `kfpipe plan -o`, read by people, carried out by `kfpipe run --plan`.

The file is untrusted: it may come from a stranger, or be old. It says which plan was agreed to, not that it may be
paid for; a run makes its own plan, and continues only if that is the same.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from kfpipe.errors import Problem, Refused
from kfpipe.files import durable, read
from kfpipe.files.durable import storage
from kfpipe.files.jsontext import BROKEN_CHARACTERS, NotJson, from_utf8, index_of, parse_json, refusal
from kfpipe.files.scalars import decimal_text
from kfpipe.files.schemas import schema_file
from kfpipe.files.shape import Shape
from kfpipe.files.text import position_of
from kfpipe.lock.codec import approval_from_json, approval_to_json
from kfpipe.lock.states import Approval
from kfpipe.manifest import files as sources
from kfpipe.plan.saved import Steps, step_from_json, step_to_json
from kfpipe.project import Options
from kfpipe.wording import described, echoed

FORMAT: Final = 1
LARGEST_BYTES: Final = 256 << 20
"""A plan of 100,000 takes has about 100 MB."""

MOST_EXPLAINED: Final = 50

_MARK: Final = "kfpipe_plan"
_PLAN_AGAIN: Final = "make the plan again: `kfpipe plan MANIFEST -o FILE`"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedCost:
    """Who agreed to a plan, when, and the most that a run of it may spend."""

    approval: Approval
    cost: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan, and what it was made of. `prices` are those of the command line, as they were typed.

    `circumstances` are what applies to all takes: where requests go, and the date of the prices. `manifest` is a
    path that the current folder can use.
    """

    manifest: Path
    options: Options
    prices: tuple[str, ...]
    select: tuple[str, ...]
    retry: tuple[str, ...]
    rerender: tuple[str, ...]
    new_seed: bool
    circumstances: Mapping[str, str | None]
    steps: Steps
    approved: ApprovedCost | None = None


def save(path: Path, plan: PlanFile, root: Path) -> None:
    """Write the file, whole or not at all; the same plan gives the same bytes. `root` is the project's.

    Raises Refused where the file cannot be, or another file exists; StorageFailed.
    """
    target = path.resolve()
    if not target.is_relative_to(root):
        raise Refused.because(
            str(path),
            "the plan would be outside the manifest's project, where a run could not trust the paths in it",
            expected="a file in the manifest's folder or, with git, in its work tree",
        )
    if target.exists() and not _is_plan(target):
        raise Refused.because(str(path), "already exists, and is not a plan", expected="a new name, or an older plan")
    manifest = Path(os.path.relpath(plan.manifest.resolve(), target.parent)).as_posix()
    text = json.dumps(_to_json(plan, manifest), ensure_ascii=False, indent=2)
    with storage(path):
        durable.replace(target, [text.encode("utf-8", BROKEN_CHARACTERS), b"\n"])


def load(path: Path) -> PlanFile:
    """The plan in the file. Raises Refused with all that is wrong with it."""
    shown = str(path)
    text = from_utf8(_content(path), shown, fix=_PLAN_AGAIN)
    data = _data(text, shown)
    if not _shape().fits(data):
        raise Refused(
            Problem(
                file=shown,
                position=position_of(text, index_of(text, fault.path)),
                what=fault.what,
                expected=fault.expected,
                fix=_PLAN_AGAIN,
            )
            for fault in islice(_shape().faults(data), MOST_EXPLAINED)
        )
    options = data["options"]
    approved = _approved(data, shown)
    return PlanFile(
        manifest=_manifest(path, data["manifest"]),
        options=Options(
            region=options["region"],
            profile=options["profile"],
            emulator=options["emulator"],
            variables=options["variables"],
        ),
        prices=tuple(options["prices"]),
        select=tuple(options["select"]),
        retry=tuple(options["retry"]),
        rerender=tuple(options["rerender"]),
        new_seed=options["new_seed"],
        circumstances=data["circumstances"],
        steps={step.id: step for step in map(step_from_json, data["takes"])},
        approved=approved,
    )


def _approved(data: Mapping[str, Any], shown: str) -> ApprovedCost | None:
    """The plan's approval, if it has one. Raises Refused when the file is no more what was agreed to."""
    given = data.get("approval")
    if given is None:
        return None
    try:
        approval = approval_from_json(given)
    except ValueError:
        approval = None  # a day that no month has
    if approval is None or given["digest"] != _digest(data):
        raise Refused.because(
            shown,
            f"the plan was changed after {echoed(given['by'])} had approved it",
            expected="the file as `kfpipe plan -o FILE --approve NAME` wrote it",
            fix="make the plan again, and have it approved again",
        )
    return ApprovedCost(approval=approval, cost=Decimal(given["cost"]), currency=given["currency"])


def _digest(data: Mapping[str, Any]) -> str:
    """Of a plan as JSON data with its approval; it shows a change, and is no signature."""
    approval = {name: value for name, value in data["approval"].items() if name != "digest"}
    text = json.dumps({**data, "approval": approval}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _to_json(plan: PlanFile, manifest: str) -> dict[str, Any]:
    data = _plan_to_json(plan, manifest)
    if plan.approved is None:
        return data
    approved = plan.approved
    cost = {"cost": decimal_text(approved.cost), "currency": approved.currency}
    data["approval"] = {**approval_to_json(approved.approval), **cost}
    return {**data, "approval": {**data["approval"], "digest": _digest(data)}}


def _plan_to_json(plan: PlanFile, manifest: str) -> dict[str, Any]:
    return {
        _MARK: FORMAT,
        "manifest": manifest,
        "options": {
            "region": plan.options.region,
            "profile": plan.options.profile,
            "emulator": plan.options.emulator,
            "variables": dict(plan.options.variables),
            "prices": list(plan.prices),
            "select": list(plan.select),
            "retry": list(plan.retry),
            "rerender": list(plan.rerender),
            "new_seed": plan.new_seed,
        },
        "circumstances": dict(plan.circumstances),
        "takes": [step_to_json(step) for step in plan.steps.values()],
    }


def _is_plan(target: Path) -> bool:
    """Whether the file begins as plans do: a typo must not overwrite a manifest or a lockfile."""
    with storage(target):
        return target.is_file() and f'"{_MARK}"'.encode() in read.first_bytes(target, 64)


def _content(path: Path) -> bytes:
    shown = str(path)
    if not path.is_file():
        what = "this is not a file" if path.exists() else "there is no such file"
        raise Refused.because(shown, what, expected="a plan that `kfpipe plan -o` wrote")
    with read.reading(shown):
        read.refuse_larger(path, shown, LARGEST_BYTES, fix=_PLAN_AGAIN)
        return path.read_bytes()


def _data(text: str, shown: str) -> Any:
    """The file as plain data, of a format that this kfpipe knows."""
    try:
        data = parse_json(text)
    except NotJson as error:
        raise refusal(shown, text, error.index, error.what, fix=_PLAN_AGAIN) from error
    version = data.get(_MARK) if isinstance(data, dict) else None
    if not isinstance(version, int):
        expected = f'an object with "{_MARK}": {FORMAT}, as `kfpipe plan -o` writes it'
        raise refusal(shown, text, 0, f"this is not a plan but {described(data)}", expected=expected, fix=_PLAN_AGAIN)
    if version > FORMAT:
        raise Refused.because(shown, f"it was written by a newer kfpipe (plan format {version})", fix="upgrade kfpipe")
    return data


def _manifest(path: Path, name: str) -> Path:
    """The manifest that the plan names, as the user would type it; the plan must be in its project."""
    plan = path.resolve()
    manifest = (plan.parent / name).resolve()
    if not plan.is_relative_to(sources.project_root(manifest.parent)):
        raise Refused.because(
            str(path),
            "the manifest that it names is not in the plan's project",
            expected="a plan in the manifest's folder or, with git, in its work tree",
            fix=_PLAN_AGAIN,
        )
    here = Path.cwd()
    return manifest.relative_to(here) if manifest.is_relative_to(here) else manifest


@cache
def _shape() -> Shape:
    return Shape(schema_file("planfile"))
