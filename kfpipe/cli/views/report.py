"""The review page: shots and takes -> HTML. Pure.

The page needs no script and asks no other host: its policy allows pictures and clips from where it lies, and the one
style sheet by its digest. Everything that is printed into it is escaped, and stripped of control characters and marks
of direction, as it is on a terminal.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Template

from kfpipe.cli.output import streams
from kfpipe.cli.output.amounts import counted, money_text, span_text
from kfpipe.cli.views import report_costs
from kfpipe.cli.views import status as status_view
from kfpipe.cli.views.words import STATES, picked_label
from kfpipe.domain import LocalMedium, MediaRole, Medium, RenderRequest, Take, cell_of
from kfpipe.lock.records import Record, state_of
from kfpipe.lock.states import (
    Asked,
    Entry,
    Failed,
    Lost,
    Submitted,
    Submitting,
    Unclear,
    fidelity_of,
    result_of,
    task_of,
)
from kfpipe.plan.selection import KnownTake
from kfpipe.review.by_model import ModelGroup, seed_text
from kfpipe.review.footage import Clip, Footage, Link, ShotFootage, address_of
from kfpipe.review.timeline import Join

_TEMPLATE: Final = "report.html.jinja"
_STYLE: Final = "report.css"
_SHARED_STYLES: Final = ("tokens.css", "look.css")
"""What the page has in common with the one of `kfpipe review`."""

KINDS: Final = {
    "choose": "To pick",
    "picked": "Picked",
    "clip": "With a clip",
    "failed": "Failed",
    "open": "No clip yet",
    "drift": "Drift",
}
"""What the page can be narrowed to; the style sheet knows the same names."""

Poster = Callable[[Clip], str | None]
"""The way from the page to a clip's poster; None where there is none."""

_PICTURES: Final = (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Medium:
    """What a shot was made from. `source` is its path or address; `url` is None where the page must not lead there.

    `recipe` says what is done to a still before it is sent.
    """

    role: str
    source: str
    url: str | None
    is_picture: bool
    width_px: int | None = None
    height_px: int | None = None
    recipe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutNote:
    """How a shot gives way to the next one in the film: `anchor` leads there, `told` is how alike the pictures are."""

    shot_id: str
    anchor: str
    told: str
    has_drifted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """One take: `picked` says that it is, `poster` is the picture until the clip plays, `trouble` why there is none.

    `tone` is what its mark in the film is coloured by, `facts` are what a choice depends on, `on_record` is what its
    request is found by.
    """

    take_id: str
    name: str
    model: str
    state: str
    kinds: tuple[str, ...]
    tone: str
    picked: str
    has_changed: bool
    has_drifted: bool
    clip: Clip | None
    poster: str | None
    trouble: str
    prompt: str
    negative_prompt: str
    actual_prompt: str | None
    remarks: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    on_record: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shot:
    """`prompt` and `negative_prompt` are those of all takes, None where they differ. `cut` leads to the next shot."""

    shot_id: str
    anchor: str
    tags: tuple[str, ...]
    notes: tuple[str, ...]
    media: tuple[_Medium, ...]
    prompt: str | None
    negative_prompt: str | None
    cards: tuple[_Card, ...]
    models: Mapping[str, ModelGroup]
    cut: CutNote | None

    @property
    def face(self) -> _Card:
        """The take that stands for the shot in the film: the picked one, else the first with a clip."""
        with_clips = [card for card in self.cards if card.clip is not None]
        return next((card for card in with_clips if card.picked), (with_clips or self.cards)[0])

    @property
    def kinds(self) -> tuple[str, ...]:
        """All that one of its takes is."""
        return tuple(dict.fromkeys(kind for card in self.cards for kind in card.kinds))

    @property
    def spoken(self) -> str:
        """What its frame in the film shows, for those who do not see it."""
        count = {kind: sum(kind in card.kinds for card in self.cards) for kind in KINDS}
        told = [counted(len(self.cards), "take"), counted(count["clip"], "clip")]
        told += [
            f"{count[kind]} {word}" for kind, word in (("failed", "failed"), ("drift", "with drift")) if count[kind]
        ]
        return f"{self.shot_id}: {', '.join((*told, *(f'{card.name} picked' for card in self.cards if card.picked)))}"


def html(
    title: str,
    shots: Sequence[ShotFootage],
    everyone: Sequence[KnownTake],
    link: Link,
    poster: Poster,
    cuts: Mapping[str, CutNote],
) -> str:
    """The page. `everyone` are the takes of the shots, and those that left the manifest; `link` leads to stills."""
    style = _style()
    drifting = frozenset(one.take_id for one in everyone if one.has_drifted)
    shown = [_shot(shot, link, poster, drifting, cuts.get(shot.shot_id)) for shot in shots]
    cards = [card for shot in shown for card in shot.cards]
    lock = {one.take_id: one.record for one in everyone if one.record is not None}
    counts, *amounts = [*status_view.summary(everyone), *report_costs.to_approve(shots)]
    return _template().render(
        title=title,
        style=style,
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        counts=counts,
        amounts=[line.partition(": ")[::2] for line in amounts],
        filters=[(kind, label, sum(kind in card.kinds for card in cards)) for kind, label in KINDS.items()],
        takes=len(cards),
        shots=shown,
        to_approve=list(report_costs.priced(shots)),
        totals=list(report_costs.by_model(lock)),
        departed=[
            (one.take_id, STATES[state_of(one.record)], report_costs.spent_text(one.record))
            for one in everyone
            if one.take is None
        ],
    )


def cuts(joins: Sequence[Join], shots: Sequence[ShotFootage], least: Decimal) -> Mapping[str, CutNote]:
    """What is told of the joins of the film that were measured, by the shot before; both shots are on the page."""
    shown = {shot.shot_id for shot in shots}
    return {
        join.before.shot_id: CutNote(
            shot_id=join.after.shot_id,
            anchor=_anchor(join.after.shot_id),
            told=f"{'one still, ' if join.shares_still else ''}fidelity {join.fidelity}",
            has_drifted=join.has_drifted(least),
        )
        for join in joins
        if join.fidelity is not None and {join.before.shot_id, join.after.shot_id} <= shown
    }


def _anchor(shot_id: str) -> str:
    return f"shot-{shot_id}"


def _style() -> str:
    static = files("kfpipe.review.app.static")
    return "".join(static.joinpath(name).read_text("utf-8") for name in _SHARED_STYLES) + _file(_STYLE)


def _file(name: str) -> str:
    return files("kfpipe.cli.views").joinpath(name).read_text("utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_harmless
    )
    environment.filters["span"] = span_text
    return environment.from_string(_file(_TEMPLATE))


def _harmless(value: Any) -> Any:
    """Text without what could mislead its reader; our own style sheet, marked as safe, stays as it is."""
    return streams.plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


# ---- shots and takes -------------------------------------------------------------------------------------------------


def _shot(shot: ShotFootage, link: Link, poster: Poster, drifting: frozenset[str], cut: CutNote | None) -> _Shot:
    models = {group.model: group for group in shot.models}
    rank = {model: place for place, model in enumerate(models)}
    cards = [_card(footage, shot, link, poster, footage.take.id in drifting) for footage in shot.takes]
    cards.sort(key=lambda card: rank.get(card.model, 0))
    media = dict.fromkeys(medium for footage in shot.takes for medium in _media(footage.take, link))
    return _Shot(
        shot_id=shot.shot_id,
        anchor=_anchor(shot.shot_id),
        tags=shot.takes[0].take.tags,
        notes=tuple(shot.takes[0].take.notes.splitlines()),
        media=tuple(media),
        prompt=_common(card.prompt for card in cards),
        negative_prompt=_common(card.negative_prompt for card in cards),
        cards=tuple(cards),
        models=models,
        cut=cut,
    )


def _common(texts: Iterable[str]) -> str | None:
    distinct = set(texts)
    return distinct.pop() if len(distinct) == 1 else None


def _card(footage: Footage, shot: ShotFootage, link: Link, poster: Poster, has_drifted: bool) -> _Card:
    take, record = footage.take, footage.record
    entry = record.entry if record is not None else None
    latest, result = _latest(footage), result_of(entry) if entry is not None else None
    return _Card(
        take_id=take.id,
        name=cell_of(take.id),
        model=latest.model,
        state=STATES[state_of(record)],
        kinds=(("drift",) if has_drifted else ()) + tuple(_kinds(footage, shot)),
        tone=_tone(footage, has_drifted),
        picked=picked_label(record),
        has_changed=footage.has_changed,
        has_drifted=has_drifted,
        clip=footage if isinstance(footage, Clip) else None,
        poster=_poster(footage, link, poster),
        trouble="" if isinstance(footage, Clip) else _trouble(entry, footage.reason),
        prompt=latest.prompt,
        negative_prompt=latest.negative_prompt,
        actual_prompt=None if result is None else result.actual_prompt,
        remarks=footage.entry.render.remarks if isinstance(footage, Clip) else (),
        facts=tuple(_facts(footage)),
        on_record=tuple(_on_record(record)),
    )


def _latest(footage: Footage) -> Asked | RenderRequest:
    """What was asked for the last time, or what the manifest asks for when nothing was."""
    return footage.take.request if footage.record is None else footage.record.entry.asked


def _kinds(footage: Footage, shot: ShotFootage) -> Iterator[str]:
    if footage.record is not None and footage.record.picked:
        yield "picked"
    if isinstance(footage, Clip):
        yield "clip"
        if shot.picked is None and len(shot.clips) > 1:
            yield "choose"
    elif footage.record is not None and isinstance(footage.record.entry, Failed):
        yield "failed"
    else:
        yield "open"


def _tone(footage: Footage, has_drifted: bool) -> str:
    """The same as on the page of `kfpipe review`: words.js."""
    match None if footage.record is None else footage.record.entry:
        case Failed() | Lost():
            return "bad"
        case Submitting() | Submitted():
            return "busy"
        case Unclear():
            return "mark"
    if has_drifted or footage.has_changed:
        return "mark"
    return "done" if isinstance(footage, Clip) else "none"


def _trouble(entry: Entry | None, reason: str) -> str:
    return f"{entry.failure.code}: {entry.failure.message}" if isinstance(entry, Failed) else f"No clip: {reason}"


def _facts(footage: Footage) -> Iterator[tuple[str, str]]:
    record, latest = footage.record, _latest(footage)
    parameters = latest.parameters
    yield "Model", latest.model
    if isinstance(footage, Clip):
        render = footage.entry.render
        yield "Size", f"{render.width_px}x{render.height_px}"
        yield "Length", f"{render.duration_s.normalize():f} s, {render.fps.normalize():f} fps"
        if (fidelity := fidelity_of(footage.entry)) is not None:
            yield "Fidelity", status_view.fidelity_text(fidelity)
    else:
        yield "Size", report_costs.predicted_size(footage.take)
        yield "Length", f"{parameters.duration_s} s"
    if record is None and footage.take.cost is not None:
        yield "Price", money_text(footage.take.cost, footage.take.currency)
    if footage.take.trim is not None:
        yield "Trim", footage.take.trim.text
    if (seed := seed_text(latest)) is not None:
        yield "Seed", seed
    if record is not None:
        yield "Cost", report_costs.spent_text(record)
        if record.previous:
            yield "Earlier", counted(len(record.previous), "request")


def _on_record(record: Record | None) -> Iterator[tuple[str, str]]:
    if record is not None:
        yield "Request", record.key
        task = task_of(record.entry)
        if task is not None:
            yield "Task", task.task_id


# ---- what a shot is made from ----------------------------------------------------------------------------------------


def _media(take: Take, link: Link) -> Iterator[_Medium]:
    for given in take.request.media:
        yield _medium(given.role, given.medium, link)
    for role, cut in take.cuts:
        part = "clip" if cut.end is None else f"{cut.end} frame"
        when = "once a take is picked" if cut.is_open else "once it is rendered"
        source = f"the {part} of {cut.take_id}, {when}"
        yield _Medium(role=_words(role), source=source, url=None, is_picture=False)


def _poster(footage: Footage, link: Link, poster: Poster) -> str | None:
    """A picture of the clip itself: the takes of a shot begin with the same still."""
    path = poster(footage) if isinstance(footage, Clip) else None
    if path is not None:
        return address_of(path)
    stills = (given for given in footage.take.request.media if given.role is MediaRole.FIRST_FRAME)
    return next((_medium(given.role, given.medium, link).url for given in stills), None)


def _medium(role: MediaRole, medium: Medium, link: Link) -> _Medium:
    if not isinstance(medium, LocalMedium):
        return _Medium(role=_words(role), source=medium.url, url=None, is_picture=False)
    path = link(medium.path if _is_converted(medium) else medium.name)
    return _Medium(
        role=_words(role),
        source=PurePosixPath(medium.name).name,
        url=path and address_of(path),
        is_picture=path is not None and role in _PICTURES,
        width_px=medium.width_px,
        height_px=medium.height_px,
        recipe=", ".join(medium.original.recipe) if medium.original is not None else "",
    )


def _is_converted(medium: LocalMedium) -> bool:
    """Whether only the prepared picture is one that every browser shows; all of them heed a rotation tag."""
    return medium.original is not None and "convert" in medium.original.recipe


def _words(role: MediaRole) -> str:
    return role.replace("_", " ")
