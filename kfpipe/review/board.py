"""What the review page shows, as values that become JSON: plan and clips -> board. Pure.

Clips and stills are named by the SHA-256 of their bytes: no path is sent to the page, and none comes back from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Final

from kfpipe.domain import MIN_FIDELITY, LocalMedium, MediaInput, MediaRole, Take, cell_of
from kfpipe.files.scalars import decimal_text, exact_amount
from kfpipe.lock.records import Record, state_of
from kfpipe.lock.states import (
    Entry,
    Failed,
    Rendered,
    Submitted,
    Submitting,
    fidelity_of,
    has_drifted,
    result_of,
    spent,
)
from kfpipe.plan import consent
from kfpipe.plan.changed import changed_ids
from kfpipe.plan.model import Plan, Step
from kfpipe.review import by_model
from kfpipe.review.by_model import ModelGroup, seed_text
from kfpipe.review.timeline import Join

_MIME_TYPES: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
}
"""What the page may be served as; none of them can hold a script."""

_PICTURES: Final = (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A file that the page may ask for: its digest, and its path relative to the manifest's folder."""

    sha256: str
    path: str
    mime_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Playable:
    """A request with a clip, and where that should be, relative to the manifest's folder."""

    entry: Rendered
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Amounts as decimal text. `cap` is the most that the next run may spend; None: there is no limit."""

    currency: str
    spent: str
    under_way: str
    estimate: str
    unpriced: int
    cap: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardStill:
    """What a shot was made from. `picture` is the digest to ask for, None where there is nothing to show here."""

    role: str
    name: str
    picture: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardClip:
    """A clip that can be played. `is_earlier`: it is of an earlier request, while a newer one has no clip yet."""

    sha256: str
    width_px: int
    height_px: int
    fps: str
    duration_s: str
    has_sound: bool
    is_earlier: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardTake:
    """One take: `reasons` are the plan's, `trouble` says why there is no clip, `fidelity` is that of both ends."""

    take: str
    cell: str
    state: str
    action: str
    reasons: tuple[str, ...]
    is_picked: bool
    is_under_way: bool
    model: str
    resolution: str
    seed: str | None
    seconds: int
    cost: str | None
    price: str | None
    size: str
    trim: str | None
    tags: tuple[str, ...]
    prompt: str
    negative_prompt: str
    actual_prompt: str | None
    remarks: tuple[str, ...]
    trouble: str
    fidelity: tuple[str | None, str | None] | None
    stills: tuple[BoardStill, ...]
    clip: BoardClip | None
    is_changed: bool = False
    has_drifted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardCut:
    """How a shot gives way to the next one in the film: the takes that meet, and how alike their pictures are there.

    `shares_still`: one picture was asked for on both sides; then it can have drifted.
    """

    take: str | None
    to_shot: str
    to_take: str | None
    fidelity: str | None
    shares_still: bool
    has_drifted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardShot:
    """The takes of one shot, in the order of the manifest; `cut` leads to the next shot of the film.

    `models` are what its models are compared by, where there are several.
    """

    shot: str
    in_film: bool
    notes: str
    takes: tuple[BoardTake, ...]
    models: tuple[ModelGroup, ...]
    cut: BoardCut | None = None

    def as_json(self) -> dict[str, Any]:
        """The same for the page."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The whole page. `files` are all that it may ask for, by digest; they are not sent."""

    title: str
    money: Money
    shots: tuple[BoardShot, ...]
    files: Mapping[str, Shelved]

    def head(self) -> dict[str, Any]:
        """What is told of the project as a whole."""
        return {"title": self.title, "money": asdict(self.money)}


def make(
    plan: Plan,
    clips: Mapping[str, Playable],
    *,
    title: str,
    cap: Decimal | None,
    total: Decimal | None,
    min_fidelity: Decimal = MIN_FIDELITY,
    joins: Sequence[Join] = (),
) -> Board:
    """The board of a plan. `clips` are those whose file is at hand, by take id; caps and bound are the manifest's.

    `joins` are those of the film.
    """
    files: dict[str, Shelved] = {}
    shots: dict[str, list[Step]] = {}
    for step in plan.takes:
        shots.setdefault(step.shot_id, []).append(step)
    known = {step.take_id: step.record for step in plan.takes if step.record is not None}
    changed = changed_ids([step.take for step in plan.takes if step.take is not None], known)
    drifting = frozenset(take for take, clip in clips.items() if has_drifted(clip.entry, min_fidelity))
    cuts = {join.before.shot_id: _cut(join, min_fidelity) for join in joins}
    made = tuple(
        replace(_shot(shot_id, steps, clips, changed, drifting, files), cut=cuts.get(shot_id))
        for shot_id, steps in shots.items()
    )
    limit = consent.limit(plan, cap=cap, total=total)
    money = Money(
        currency=plan.currency,
        spent=exact_amount(plan.on_record),
        under_way=exact_amount(plan.under_way),
        estimate=exact_amount(plan.cost),
        unpriced=len(plan.unpriced),
        cap=None if limit is None else exact_amount(limit),
    )
    return Board(title=title, money=money, shots=made, files=files)


def _cut(join: Join, least: Decimal) -> BoardCut:
    take, to_take = join.take_ids
    return BoardCut(
        take=take,
        to_shot=join.after.shot_id,
        to_take=to_take,
        fidelity=decimal_text(join.fidelity),
        shares_still=join.shares_still,
        has_drifted=join.has_drifted(least),
    )


def playable(step: Step) -> Iterator[Playable]:
    """The requests whose clip may stand for the take, best first."""
    if step.record is None or step.take is None:
        return
    entry = step.record.entry
    if isinstance(entry, Rendered):
        yield Playable(entry=entry, path=step.take.output if step.record.is_wanted else entry.render.path)
    for earlier in reversed(step.record.previous):
        if isinstance(earlier, Rendered):
            yield Playable(entry=earlier, path=earlier.render.path)


def _shot(
    shot_id: str,
    steps: Sequence[Step],
    clips: Mapping[str, Playable],
    changed: frozenset[str],
    drifting: frozenset[str],
    files: dict[str, Shelved],
) -> BoardShot:
    takes = [(step, step.take) for step in steps if step.take is not None]
    return BoardShot(
        shot=shot_id,
        in_film=takes[0][1].in_film,
        notes=takes[0][1].notes,
        takes=tuple(
            replace(
                _take(step, take, clips.get(take.id), files),
                is_changed=take.id in changed,
                has_drifted=take.id in drifting,
            )
            for step, take in takes
        ),
        models=by_model.groups(
            by_model.seen(take, step.record, None if (shown := clips.get(take.id)) is None else shown.entry)
            for step, take in takes
        ),
    )


def _take(step: Step, take: Take, shown: Playable | None, files: dict[str, Shelved]) -> BoardTake:
    record = step.record
    entry = None if record is None else record.entry
    latest = take.request if entry is None else entry.asked
    result = None if entry is None else result_of(entry)
    fidelity = None if shown is None else _both_ends(shown.entry)
    return BoardTake(
        take=take.id,
        cell=cell_of(take.id),
        state=state_of(record),
        action=step.action.value,
        reasons=step.reasons,
        is_picked=record is not None and record.picked,
        is_under_way=isinstance(entry, Submitting | Submitted),
        model=latest.model,
        resolution=latest.parameters.resolution,
        seed=seed_text(latest),
        seconds=latest.parameters.duration_s,
        cost=None if record is None else _spent(record, take.currency),
        price=None if step.cost is None else exact_amount(step.cost),
        size="" if take.size is None else f"{take.size.width_px}×{take.size.height_px}",  # noqa: RUF001  for people
        trim=None if take.trim is None else take.trim.text,
        tags=take.tags,
        prompt=latest.prompt,
        negative_prompt=latest.negative_prompt,
        actual_prompt=None if result is None else result.actual_prompt,
        remarks=() if shown is None else shown.entry.render.remarks,
        trouble=_trouble(entry, shown),
        fidelity=fidelity,
        stills=tuple(_stills(take, files)),
        clip=None if shown is None else _clip(shown, shown.entry is not entry, files),
    )


def _both_ends(entry: Rendered) -> tuple[str | None, str | None] | None:
    """How like their stills the first and last pictures are, as decimal text; None where that was not measured."""
    fidelity = fidelity_of(entry)
    if fidelity is None:
        return None
    first, last = (None if end is None else f"{end:f}" for end in (fidelity.first, fidelity.last))
    return first, last


def _clip(shown: Playable, is_earlier: bool, files: dict[str, Shelved]) -> BoardClip:
    render = shown.entry.render
    files[render.sha256] = Shelved(
        sha256=render.sha256, path=shown.path, mime_type=_MIME_TYPES.get(_ending(shown.path), "video/mp4")
    )
    return BoardClip(
        sha256=render.sha256,
        width_px=render.width_px,
        height_px=render.height_px,
        fps=f"{render.fps:f}",
        duration_s=f"{render.duration_s:f}",
        has_sound=render.audio,
        is_earlier=is_earlier,
    )


def _stills(take: Take, files: dict[str, Shelved]) -> Iterator[BoardStill]:
    for given in take.request.media:
        yield _still(given, files)
    for role, cut in take.cuts:
        name = f"the {'clip' if cut.end is None else f'{cut.end} frame'} of {cut.take_id}, once it is rendered"
        yield BoardStill(role=role.value, name=name, picture=None)


def _still(given: MediaInput, files: dict[str, Shelved]) -> BoardStill:
    medium = given.medium
    if not isinstance(medium, LocalMedium):
        return BoardStill(role=given.role.value, name=medium.url, picture=None)
    if given.role not in _PICTURES:
        return BoardStill(role=given.role.value, name=medium.name, picture=None)
    shown = _original(medium) or Shelved(sha256=medium.sha256, path=medium.path, mime_type=medium.mime_type)
    files[shown.sha256] = shown
    return BoardStill(role=given.role.value, name=medium.name, picture=shown.sha256)


def _original(medium: LocalMedium) -> Shelved | None:
    """The file that a picture was prepared from, where a browser shows it: all of them heed a rotation tag."""
    given = medium.original
    mime_type = None if given is None else _MIME_TYPES.get(_ending(given.path))
    if given is None or mime_type is None or "convert" in given.recipe:
        return None
    return Shelved(sha256=given.sha256, path=given.path, mime_type=mime_type)


def _ending(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _trouble(entry: Entry | None, shown: Playable | None) -> str:
    """Why there is no clip to show; nothing where there is one."""
    if isinstance(entry, Failed):
        return f"{entry.failure.code}: {entry.failure.message}"
    if shown is not None or entry is None:
        return ""
    return "Its clip is not where it was put, or is not the one on record." if isinstance(entry, Rendered) else ""


def _spent(record: Record, currency: str) -> str:
    return exact_amount(_sum(record.entries, currency))


def _sum(entries: Iterable[Entry], currency: str) -> Decimal:
    return spent(entries).get(currency, Decimal(0))
