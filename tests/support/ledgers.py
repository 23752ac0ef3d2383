"""Ledgers that no run would write but git, copies, crashes and hands may bring about: for the laws of joining."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

from kfpipe.domain import ABANDONED
from kfpipe.lock.join import Requests
from kfpipe.lock.states import (
    Approval,
    Asked,
    Canceled,
    Doubts,
    Entry,
    Failed,
    Failure,
    Fidelity,
    Lost,
    RefusedFile,
    Rendered,
    Submitted,
    Submitting,
    Succeeded,
    Task,
    Unclear,
    task_of,
)
from tests.support import makers
from tests.support.makers import NOW

TASKS: Final = ("task-1", "task-2", "task-3")

KEYS: Final = {
    "kitten/0000000001": 5,
    "kitten/0000000002": 3,
    "walk@seed=1/0000000003": 3,
    "walk@seed=2/0000000004": 0,
}
"""The requests, each with the minute at which it was asked: the names are not in that order, and two are of one."""

_APPROVALS = (None, Approval(by="A producer", at=NOW), Approval(by="制片人", at=NOW))
_ACCOUNTS = (None, replace(makers.ACCOUNT, key=None), makers.ACCOUNT, replace(makers.ACCOUNT, name="acme"))
FAITHFUL = Fidelity(first=Decimal("0.98"), last=Decimal("0.71"))
_LINK = "https://results.example.com/clip.mp4"


class _Draw:
    """Versions of requests at random: the same at every start."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def asked(self, key: str) -> Asked:
        minute = NOW + timedelta(minutes=KEYS[key])
        return makers.asked(
            asked_at=minute,
            account=self._random.choice(_ACCOUNTS),
            approval=self._random.choice(_APPROVALS),
        )

    def entry(self, key: str) -> Entry:
        """A version of the request; one in three with rivals, where it has a task."""
        own = self.version(key)
        if task_of(own) is None or self._random.random() < 0.7:
            return own
        rivals: dict[tuple[str, str], Entry] = {}
        for _ in range(self._random.choice((1, 2))):
            rival = self.version(key)
            if task_of(rival) is not None and _clip(rival) != _clip(own):
                rivals[_clip(rival)] = replace(rival, doubts=Doubts())
        return replace(own, doubts=replace(own.doubts, rivals=tuple(rivals.values())))

    def version(self, key: str) -> Entry:
        chance = self._random
        asked = self.asked(key)
        candidates = frozenset(chance.sample(TASKS, chance.choice((0, 0, 0, 1, 2))))
        given_up_at = chance.choice((None, None, None, NOW, NOW + timedelta(hours=1)))
        doubts = Doubts(candidates=candidates, given_up_at=given_up_at)
        made: Entry
        match chance.choice(("none", "unclear", "refused", "given up", *["task"] * 8)):
            case "none":
                return Submitting(asked=asked)
            case "unclear":
                return Unclear(asked=asked, doubts=Doubts(candidates=candidates or frozenset(TASKS[:2])))
            case "refused":
                return Failed(asked=asked, task=None, ended_at=NOW, failure=self._failure("InvalidParameter"))
            case "given up":
                ended_at = given_up_at or NOW
                lost = Lost(asked=asked, task=None, ended_at=ended_at, failure=self._failure(ABANDONED))
                return chance.choice((lost, replace(lost, doubts=replace(doubts, given_up_at=ended_at))))
        task = Task(
            task_id=chance.choice(TASKS),
            request_id=chance.choice((None, "request-1", "request-2")),
            submitted_at=NOW + timedelta(seconds=chance.choice((1, 2))),
        )
        end = NOW + timedelta(minutes=chance.choice((6, 7)))
        cost = chance.choice((None, Decimal("0.50"), Decimal("0.5"), Decimal(1)))
        result = makers.result(
            finished_at=end,
            cost=cost,
            billed_seconds=Decimal(chance.choice(("5", "5.0", "10"))),
            video_url=chance.choice((_LINK, f"{_LINK}?Signature=a", f"{_LINK}?Signature=b")),
            url_expires_at=NOW + timedelta(hours=chance.choice((23, 24))),
            actual_prompt=chance.choice((None, "A cat.")),
            refused=chance.choice((None, None, RefusedFile(path="renders/.refused/a.mp4", sha256="e" * 64))),
        )
        render = makers.render(
            chance.choice(("renders/kitten.mp4", "renders/walk.mp4", "renders/.previous/kitten.mp4")),
            sha256=chance.choice("cd") * 64,
            moved=chance.choice((0, 1, 2)),
            codec=chance.choice((None, "h264")),
            remarks=chance.choice(((), ("it is short",))),
            fidelity=chance.choice((None, FAITHFUL, replace(FAITHFUL, last=None), replace(FAITHFUL, first=None))),
        )
        match chance.choice(("submitted", "lost", "canceled", "failed", "succeeded", "rendered", "rendered")):
            case "submitted":
                made = Submitted(asked=asked, task=task)
            case "lost":
                made = Lost(asked=asked, task=task, ended_at=end, failure=self._failure("kfpipe.TaskUnknown"))
            case "canceled":
                made = Canceled(asked=asked, task=task, ended_at=end, failure=self._failure("kfpipe.Canceled"))
            case "failed":
                made = Failed(asked=asked, task=task, ended_at=end, failure=self._failure("InternalError"))
            case "succeeded":
                made = Succeeded(asked=asked, task=task, result=result)
            case _:
                made = Rendered(asked=asked, task=task, result=result, render=render)
        return replace(made, doubts=doubts)

    def _failure(self, code: str) -> Failure:
        message = self._random.choice(("it broke", "wörk\nin progress"))
        return Failure(code=code, message=message, request_id=None, billed=self._random.choice((None, False)))


def _clip(entry: Entry) -> tuple[str, str]:
    task = task_of(entry)
    return task.task_id if task else "", entry.render.sha256 if isinstance(entry, Rendered) else ""


def _pool(key: str) -> st.SearchStrategy[Entry]:
    draw = _Draw(KEYS[key])
    return st.sampled_from([draw.entry(key) for _ in range(500)])


def _later(key: str) -> st.SearchStrategy[Entry]:
    """The pool is made when the first test draws from it: not in each process that collects tests."""
    return st.deferred(lambda: _pool(key))


ENTRIES: Final = {key: _later(key) for key in KEYS}

ROUGH: Final[st.SearchStrategy[dict[str, Entry]]] = st.fixed_dictionaries({}, optional=ENTRIES)
"""Requests as they may lie in any file, a task perhaps with several."""

LEDGERS: Final[st.SearchStrategy[Mapping[str, Entry]]] = ROUGH.map(lambda rough: dict(Requests(rough).view))
"""Requests as kfpipe holds them, after reading: each task has one owner."""
