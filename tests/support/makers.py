"""Ready-made values for tests; every test overrides just what it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from kfpipe.domain import (
    Account,
    CutFrom,
    FrameEnd,
    LocalMedium,
    MediaInput,
    MediaRole,
    Parameters,
    PictureSize,
    RenderRequest,
    Take,
)
from kfpipe.lock.join import Requests
from kfpipe.lock.records import Neighbour, Record, Records, Register
from kfpipe.lock.states import (
    Asked,
    Doubts,
    Entry,
    Failed,
    Failure,
    Lock,
    Render,
    Rendered,
    Result,
    Submitted,
    Submitting,
    Succeeded,
    Task,
    Unclear,
)
from kfpipe.media.facts import DiskFacts, FileState
from kfpipe.plan.model import Action, Step
from kfpipe.review import footage
from kfpipe.review.footage import ShotFootage
from kfpipe.takes import fingerprint

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def still(path: str = "frames/a.png", sha256: str = "a" * 64) -> LocalMedium:
    return LocalMedium(path=path, sha256=sha256, size_bytes=10_000, mime_type="image/png", width_px=1280, height_px=720)


def parameters(**changes: Any) -> Parameters:
    usual = Parameters(resolution="720P", duration_s=5, prompt_extend=False, watermark=False, seed=7)
    return replace(usual, **changes)


def request(**changes: Any) -> RenderRequest:
    usual = RenderRequest(
        model="wan2.7-i2v",
        prompt="A kitten looks up.",
        negative_prompt="",
        media=(
            MediaInput(role=MediaRole.FIRST_FRAME, medium=still()),
            MediaInput(role=MediaRole.LAST_FRAME, medium=still("frames/b.png", "b" * 64)),
        ),
        parameters=parameters(),
    )
    return replace(usual, **changes)


def take(take_id: str = "kitten", **changes: Any) -> Take:
    made = changes.pop("request", request())
    usual = Take(
        id=take_id,
        shot_id=take_id.partition("@")[0],
        tags=(),
        request=made,
        fingerprint=fingerprint.of(made),
        size=PictureSize(width_px=1280, height_px=720),
        unit_price=Decimal("0.10"),
        currency="USD",
        output=f"renders/{take_id}.mp4",
    )
    return replace(usual, **changes)


ACCOUNT = Account(host="dashscope-intl.aliyuncs.com", key="1c9b52aa04f1")


def key(take_id: str = "kitten", number: int = 1) -> str:
    """That of a take's request; each has a token of its own."""
    return f"{take_id}/{number:010x}"


def asked(of: Take | None = None, number: int = 1, **changes: Any) -> Asked:
    """What was asked for by a take's request with this number; later ones were made later."""
    of = of or take()
    usual = Asked(
        fingerprint=of.fingerprint,
        model=of.request.model,
        region="singapore",
        account=ACCOUNT,
        prompt=of.request.prompt,
        negative_prompt=of.request.negative_prompt,
        parameters=of.request.parameters,
        media={given.role: given.medium.digest for given in of.request.media},
        unit_price=of.unit_price,
        currency=of.currency,
        asked_at=NOW - timedelta(minutes=10) + timedelta(seconds=number - 1),
        template=of.request.template,
        reseeds=of.reseeds,
    )
    return replace(usual, **changes)


def task(task_id: str = "task-1") -> Task:
    """The service's receipt; each request of a take has a task of its own, `task-2` for the second."""
    return Task(task_id=task_id, request_id="request-1", submitted_at=NOW - timedelta(minutes=10))


def result(**changes: Any) -> Result:
    usual = Result(
        finished_at=NOW - timedelta(minutes=5),
        video_url="https://results.example.com/clip.mp4?Expires=1&Signature=abc",
        url_expires_at=NOW + timedelta(hours=23),
        actual_prompt=None,
        billed_seconds=Decimal(5),
        cost=Decimal("0.50"),
    )
    return replace(usual, **changes)


def render(path: str = "renders/kitten.mp4", **changes: Any) -> Render:
    usual = Render(
        path=path,
        sha256="c" * 64,
        size_bytes=123_456,
        width_px=1280,
        height_px=720,
        fps=Decimal(30),
        duration_s=Decimal(5),
        audio=True,
    )
    return replace(usual, **changes)


def _task_id(changes: Mapping[str, Any]) -> str:
    return f"task-{changes.get('number', 1)}"


def submitting(of: Take | None = None, **changes: Any) -> Submitting:
    return Submitting(asked=asked(of, **changes))


def submitted(of: Take | None = None, **changes: Any) -> Submitted:
    return Submitted(asked=asked(of, **changes), task=task(_task_id(changes)))


def succeeded(of: Take | None = None, *, of_result: Result | None = None, **changes: Any) -> Succeeded:
    return Succeeded(asked=asked(of, **changes), task=task(_task_id(changes)), result=of_result or result())


def rendered(
    of: Take | None = None, *, of_result: Result | None = None, of_render: Render | None = None, **changes: Any
) -> Rendered:
    return Rendered(
        asked=asked(of, **changes),
        task=task(_task_id(changes)),
        result=of_result or result(),
        render=of_render or render(),
    )


def failed(of: Take | None = None, *, code: str = "InternalError", message: str = "it broke", **changes: Any) -> Failed:
    failure = Failure(code=code, message=message, request_id="request-2", billed=False)
    return Failed(
        asked=asked(of, **changes), task=task(_task_id(changes)), ended_at=NOW - timedelta(minutes=5), failure=failure
    )


def unclear(of: Take | None = None, **changes: Any) -> Unclear:
    return Unclear(asked=asked(of, **changes), doubts=Doubts(candidates=frozenset(("task-1", "task-2"))))


def lock(*entries: Entry, take_id: str = "kitten", picked: Mapping[str, str] | None = None) -> Lock:
    """The requests of a take, in the order in which they were made."""
    return Lock(requests={key(take_id, number): entry for number, entry in enumerate(entries, 1)}, picked=picked or {})


def record(entry: Entry, *earlier: Entry, take_id: str = "kitten", **changes: Any) -> Record:
    """What is on record of a take that asks for just this; `earlier` requests were made before it, oldest first."""
    others = tuple((key(take_id, number), other) for number, other in enumerate(earlier, 1))
    usual = Record(key=key(take_id, len(earlier) + 1), entry=entry, others=others, is_wanted=True)
    return replace(usual, **changes)


def records(takes: Sequence[Take], of: Lock, region: str = "singapore") -> Records:
    """What is on record for these takes."""
    return register(of, region=region).of(takes)


def register(of: Lock, *neighbours: Neighbour, **facts: Any) -> Register:
    """All that a lockfile has on record, and those beside it."""
    usual = Register(
        requests=Requests(of.requests),
        picked=of.picked,
        picked_from=of.picked_from,
        region="singapore",
        neighbours=neighbours,
    )
    return replace(usual, **facts)


def shots(
    *pairs: tuple[Take, Record | None],
    files: Mapping[str, FileState] | None = None,
    link: Callable[[str], str | None] = str,
) -> tuple[ShotFootage, ...]:
    """The footage of these takes; every file is as it was rendered unless `files` says otherwise."""
    known = {take.id: found for take, found in pairs if found is not None}
    states = {**dict.fromkeys(known, FileState.MATCHES), **(files or {})}
    return footage.of([take for take, _ in pairs], known, DiskFacts(clips=states), link, lambda _: True)


def follower(take_id: str, *sources: str, **changes: Any) -> Take:
    """A take that begins on the last pictures of others."""
    cuts = tuple((MediaRole.FIRST_FRAME, CutFrom(take_id=source, end=FrameEnd.LAST)) for source in sources)
    return take(take_id, cuts=cuts, **changes)


def step(take_id: str, *sources: str, action: Action | None = None) -> Step:
    """A take to render, after its sources where it has any."""
    made = follower(take_id, *sources)
    action = action or (Action.WAIT if sources else Action.RENDER)
    return Step(take_id=take_id, shot_id=take_id, action=action, reasons=(), take=made, record=None, output=made.output)
