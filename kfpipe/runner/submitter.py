"""A take becomes a task, at most once: the intent is on disk before the request leaves."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import anyio

from kfpipe.domain import NEVER_CREATED, SEED_MAX, Account, MediaRole, RenderRequest, Take
from kfpipe.errors import AccountRefused, ServiceRefused, ServiceUnclear, ServiceUnreachable
from kfpipe.events import Slowed
from kfpipe.lock.states import Approval, Asked, Failed, Failure, Submitted, Submitting, Task, name_of
from kfpipe.provider import Accepted
from kfpipe.runner import orphans
from kfpipe.runner.context import RunContext
from kfpipe.runner.gate import Gate
from kfpipe.runner.interlock import Interlock
from kfpipe.runner.pacing import backoff_s
from kfpipe.runner.retry import may_pass
from kfpipe.runner.slots import Slots
from kfpipe.runner.snapshot import Snapshot

REFUSALS: Final = 10
"""How often, in total, a request is made that the service asks to make later."""

CLOCK_TOLERANCE: Final = timedelta(minutes=1)
"""How far this machine's clock may be from the service's."""

TOKEN_BYTES: Final = 5
"""Of the random part of a request's key."""


class AskedElsewhere(Exception):
    """Another project has a request for the same clip under way; the exception's text is its lockfile."""


def minted(take: Take) -> str:
    """A key for a new request of the take."""
    return f"{take.id}/{secrets.token_hex(TOKEN_BYTES)}"


def asked_for(
    take: Take,
    request: RenderRequest,
    region: str,
    account: Account,
    now: datetime,
    approval: Approval | None = None,
) -> Asked:
    """A request of the take, as it is put on record when it is made."""
    return Asked(
        fingerprint=take.fingerprint,
        model=request.model,
        region=region,
        account=account,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        parameters=request.parameters,
        media={given.role: given.medium.digest for given in request.media},
        unit_price=take.unit_price,
        currency=take.currency,
        asked_at=now,
        template=request.template,
        variant=request.variant,
        reseeds=take.reseeds,
        approval=approval,
    )


class Submitter:
    """Submits the takes of one model."""

    def __init__(
        self,
        context: RunContext,
        gate: Gate,
        slots: Slots,
        interlock: Interlock,
        snapshot: Snapshot,
        *,
        by_prompt: bool = True,
    ) -> None:
        """Not `by_prompt`, where tasks of the model do not show what they were made from."""
        self._context = context
        self._by_prompt = by_prompt
        self._gate = gate
        self._slots = slots
        self._interlock = interlock
        self._snapshot = snapshot
        self._unsettled: set[str] = set()

    async def submit(self, key: str, take: Take, media_urls: Mapping[MediaRole, str]) -> Submitted | Failed:
        """The take's new task, or why the service refuses it; both are on record under `key`, which is new.

        Raises `ServiceUnclear` when it is unknown whether there is a task now: the record says so, and the request
        must not be made again before the account's task list was read, and `AskedElsewhere`, with nothing on record,
        when another project has a request for the same clip. After `AccountRefused` and `ServiceUnreachable`,
        which end the run, it says that nothing is owed; so it does after an interruption while nothing was on the wire.
        """
        await self._snapshot.taken()
        request = self._with_seed(take.request)
        settings = self._context.settings
        asked = asked_for(take, request, settings.region, settings.account, self._context.now(), settings.approval)
        await self._claimed(key, take, asked)
        try:
            return await self._submitted(key, asked, request, media_urls)
        except anyio.get_cancelled_exc_class():
            if key not in self._unsettled:
                await self._withdraw(key, asked)
            raise

    async def _submitted(
        self, key: str, asked: Asked, request: RenderRequest, media_urls: Mapping[MediaRole, str]
    ) -> Submitted | Failed:
        """As `submit`, made again as often as the service asks for that."""
        for refusals in range(1, REFUSALS + 1):
            try:
                return await self._post(key, asked, request, media_urls)
            except ServiceRefused as refusal:
                self._gate.heed(refusal)
                self._slots.heed(refusal)
                if refusals == REFUSALS or not may_pass(refusal):
                    return await self._refused(key, asked, refusal)
                wait_s = backoff_s(refusals, refusal.retry_after_s, self._context.random.random())
                self._context.emit(Slowed(what="submissions", wait_s=wait_s, reason=str(refusal)))
                await anyio.sleep(wait_s)
        raise AssertionError("the last refusal returns")

    async def _claimed(self, key: str, take: Take, asked: Asked) -> None:
        """Raise `AskedElsewhere` when the clip is under way in another project; a random seed makes each its own."""
        if not take.request.draws_seed:
            place = await self._context.shares.rival_of(key, asked)
            if place is not None:
                raise AskedElsewhere(place)

    async def _post(
        self, key: str, asked: Asked, request: RenderRequest, media_urls: Mapping[MediaRole, str]
    ) -> Submitted:
        twins = orphans.twin_key(asked, by_prompt=self._by_prompt)
        intend = partial(self._context.ledger.record, key, Submitting(asked=asked))
        async with (
            self._interlock.posting(twins),
            self._gate.slot_after(intend) as answered,
            self._context.shields.raised(),
        ):
            self._context.sent_at_s[key] = sent_at_s = anyio.current_time()
            accepted = await self._sent(key, asked, request, media_urls)
            answered()
            self._own(accepted.task_id, sent_at_s)
            entry = Submitted(asked=asked, task=self._receipt(accepted))
            await self._context.ledger.record(key, entry)
        return entry

    async def _sent(
        self, key: str, asked: Asked, request: RenderRequest, media_urls: Mapping[MediaRole, str]
    ) -> Accepted:
        """The receipt of the request. What ends the run leaves no debt behind: the service took nothing in."""
        self._unsettled.add(key)
        try:
            return await self._context.provider.submit(request, media_urls, take_id=name_of(key))
        except ServiceRefused:
            self._unsettled.discard(key)
            raise
        except (AccountRefused, ServiceUnreachable) as end:
            await self._context.ledger.record(key, self._never_made(asked, str(end)))
            raise

    async def _withdraw(self, key: str, asked: Asked) -> None:
        """Put on record that a request never was made: the next run need not look for its task."""
        if isinstance(self._context.ledger.requests.view.get(key), Submitting):
            with anyio.CancelScope(shield=True):
                await self._context.ledger.record(key, self._never_made(asked, "the run was interrupted"))

    def _never_made(self, asked: Asked, why: str) -> Failed:
        message = f"the request never became a task: {why}"
        failure = Failure(code=NEVER_CREATED, message=message, request_id=None, billed=False)
        return Failed(asked=asked, task=None, ended_at=self._context.now(), failure=failure)

    def _own(self, task_id: str, sent_at_s: float) -> None:
        """Take the task for this request's. Raises `ServiceUnclear` for one that has an owner already."""
        if task_id in self._context.known:
            raise ServiceUnclear(f"the answer names task {task_id}, which belongs to another request")
        self._context.known.add(task_id)
        self._context.submitted_at_s[task_id] = sent_at_s

    async def _refused(self, key: str, asked: Asked, refusal: ServiceRefused) -> Failed:
        failure = Failure(code=refusal.code, message=refusal.message, request_id=refusal.request_id, billed=False)
        entry = Failed(asked=asked, task=None, ended_at=self._context.now(), failure=failure)
        await self._context.ledger.record(key, entry)
        return entry

    def _receipt(self, accepted: Accepted) -> Task:
        """What was received, and when: by the service's clock, to the second, where this machine's is far off."""
        now, theirs = self._context.now(), accepted.answered_at
        moment = now if theirs is None or abs(theirs - now) <= CLOCK_TOLERANCE else theirs
        return Task(task_id=accepted.task_id, request_id=accepted.request_id, submitted_at=moment)

    def _with_seed(self, request: RenderRequest) -> RenderRequest:
        if not request.draws_seed:
            return request
        return replace(request, parameters=replace(request.parameters, seed=self._context.random.randint(0, SEED_MAX)))
