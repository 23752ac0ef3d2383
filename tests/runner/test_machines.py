"""Whatever happens in whatever order, the promises hold: the records and the plan, and the pace of requests.

The first machine is a studio over weeks: runs that are killed at any point, answers that get lost, prompts that are
edited, files that vanish, links that expire. The second is a queue at the gate of a service with any latency.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import anyio
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from trio.testing import MockClock

from kfpipe.domain import Take
from kfpipe.errors import ServiceRefused
from kfpipe.lock import journal
from kfpipe.lock import text as locktext
from kfpipe.lock.journal import Transition
from kfpipe.lock.states import (
    Entry,
    Failed,
    Failure,
    Record,
    Rendered,
    Submitted,
    Submitting,
    Succeeded,
    Task,
    Unclear,
    entries,
    result_of,
    task_ids,
    task_of,
)
from kfpipe.lock.transitions import applied, next_serial, without_signature
from kfpipe.media.facts import DiskFacts, FileState
from kfpipe.plan import decide
from kfpipe.plan.model import Action, Plan, PlanFacts, Step
from kfpipe.provider.codes import ThrottleKind
from kfpipe.runner.gate import Gate
from kfpipe.runner.pacing import Pacer
from tests.runner.test_pacing_laws import most_in_any_second
from tests.support import makers

TAKE_IDS = ("kitten", "monster@seed=1")
LOCKFILE = "shots.lock.json"
take_ids = st.sampled_from(TAKE_IDS)


@dataclass
class Disk:
    """What survives a crash: the lockfile and the journal, as bytes."""

    lockfile: bytes = b"".join(locktext.pieces({}))
    journal: bytes = b""

    def lock(self) -> dict[str, Record]:
        """The records, as a new process reads them."""
        lock = locktext.parsed(self.lockfile, LOCKFILE)
        for one in journal.parsed(self.journal, "shots.journal", lockfile=LOCKFILE):
            lock[one.take_id] = applied(lock.get(one.take_id), one.entry)
        return lock


@dataclass
class Bill:
    """What the service knows, and kfpipe may or may not have heard of."""

    created: int = 0
    unheard: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    paid: set[str] = field(default_factory=set)
    undecided_renders: Counter[tuple[str, int, str]] = field(default_factory=Counter)

    def create(self) -> str:
        self.created += 1
        return f"task-{self.created}"


class Studio(RuleBasedStateMachine):
    """Two takes. `decided` are the takes that a person has said something about: only these may be paid again."""

    def __init__(self) -> None:
        super().__init__()
        self.now = makers.NOW
        self.disk = Disk()
        self.lock: dict[str, Record] = {}
        self.bill = Bill()
        self.takes = {take_id: makers.take(take_id) for take_id in TAKE_IDS}
        self.edition = dict.fromkeys(TAKE_IDS, 0)
        self.files: dict[str, FileState] = {}
        self.decided: set[str] = set()

    # ---- what a run does ------------------------------------------------------------------------------------------

    @rule(take_id=take_ids, arrives=st.booleans(), answered=st.booleans())
    def submit(self, take_id: str, arrives: bool, answered: bool) -> None:
        """As the plan says: a render, or an adoption that found nothing. An earlier task is followed first."""
        step = self.step(take_id)
        if step is None or step.take is None or step.action is not Action.RENDER or self.is_under_way(take_id):
            return
        self.pay(take_id, step.take)
        asked = makers.asked(step.take, serial=next_serial(self.lock.get(take_id)), asked_at=self.now)
        self.record(take_id, Submitting(asked=asked))
        if not arrives:
            return
        task_id = self.bill.create()
        if answered:
            self.record(take_id, Submitted(asked=asked, task=self.task(task_id)))
        else:
            self.bill.unheard[take_id] = task_id

    @rule(take_id=take_ids, clear=st.booleans())
    def adopt(self, take_id: str, clear: bool) -> None:
        """Look for the task of a request without an answer: it is found, certainly absent, or one of several."""
        entry = self.entry(take_id)
        if not isinstance(entry, Submitting):
            return
        task_id = self.bill.unheard.pop(take_id, None)
        if task_id is None:
            failure = Failure(code="kfpipe.NeverCreated", message="no task", request_id=None, billed=False)
            self.record(take_id, Failed(asked=entry.asked, task=None, failed_at=self.now, failure=failure))
            self.forgive(take_id)
        elif clear:
            self.record(take_id, Submitted(asked=entry.asked, task=self.task(task_id)))
        else:
            self.record(take_id, Unclear(asked=entry.asked, candidates=(task_id,)))

    @rule(take_id=take_ids, code=st.sampled_from(["", "InternalError", "DataInspectionFailed", "kfpipe.TaskUnknown"]))
    def end(self, take_id: str, code: str) -> None:
        """The task ends: with a clip, a failure that is not billed, or forgotten by the service."""
        entry = self.entry(take_id)
        if not isinstance(entry, Submitted):
            return
        if code:
            billed = None if code == "kfpipe.TaskUnknown" else False
            failure = Failure(code=code, message="it broke", request_id=None, billed=billed)
            self.record(take_id, Failed(asked=entry.asked, task=entry.task, failed_at=self.now, failure=failure))
            if billed is False:
                self.forgive(take_id)
            return
        self.bill.paid.add(entry.task.task_id)
        result = makers.result(finished_at=self.now, url_expires_at=self.now + timedelta(hours=24), cost=Decimal("0.5"))
        self.record(take_id, Succeeded(asked=entry.asked, task=entry.task, result=result))

    @rule(take_id=take_ids)
    def download(self, take_id: str) -> None:
        step, entry = self.step(take_id), self.entry(take_id)
        wanted = step is not None and (step.action is Action.DOWNLOAD or isinstance(entry, Succeeded))
        if wanted and isinstance(entry, Succeeded | Rendered) and entry.result.url_expires_at > self.now:
            render = makers.render(f"renders/{take_id}.mp4")
            self.record(take_id, Rendered(asked=entry.asked, task=entry.task, result=entry.result, render=render))
            self.files[take_id] = FileState.MATCHES
        elif wanted and isinstance(entry, Succeeded):  # its host says that the link is dead
            self.record(take_id, without_signature(entry))

    @rule(take_id=take_ids, comes_home=st.booleans())
    def render(self, take_id: str, comes_home: bool) -> None:
        """All of it without a hitch, or up to the download."""
        self.submit(take_id, arrives=True, answered=True)
        self.end(take_id, "")
        if comes_home:
            self.download(take_id)

    # ---- what befalls it --------------------------------------------------------------------------------------------

    @rule()
    def fold(self) -> None:
        """The end of a run: the journal goes into the lockfile."""
        self.disk = Disk(lockfile=b"".join(locktext.pieces(self.lock)))

    @rule(torn=st.binary(max_size=40), folded=st.booleans())
    def crash(self, torn: bytes, folded: bool) -> None:
        """Killed: in the middle of a line, or between writing the lockfile and taking the journal away."""
        if folded:
            self.disk.lockfile = b"".join(locktext.pieces(self.lock))
        if self.disk.journal:
            self.disk.journal += torn.replace(b"\n", b"")
        self.lock = self.disk.lock()
        self.disk = Disk(lockfile=b"".join(locktext.pieces(self.lock)))

    @rule(hours=st.sampled_from([1, 30]))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(take_id=take_ids, state=st.sampled_from([FileState.MISSING, FileState.ALTERED]))
    def damage_file(self, take_id: str, state: FileState) -> None:
        if take_id in self.files:
            self.files[take_id] = state

    @rule(take_id=take_ids)
    def edit_prompt(self, take_id: str) -> None:
        self.edition[take_id] += 1
        prompt = f"A kitten looks up, version {self.edition[take_id]}."
        self.takes[take_id] = makers.take(take_id, request=makers.request(prompt=prompt))

    @rule(take_id=take_ids)
    def remove_from_manifest(self, take_id: str) -> None:
        self.takes.pop(take_id, None)

    @rule(take_id=take_ids)
    def put_back(self, take_id: str) -> None:
        if take_id not in self.takes:
            self.takes[take_id] = makers.take(take_id)
            self.edition[take_id] += 1

    @rule(take_id=take_ids)
    def declare_lost(self, take_id: str) -> None:
        """A person gives up a request without an answer."""
        entry = self.entry(take_id)
        if isinstance(entry, Submitting | Unclear):
            self.decided.add(take_id)
            self.bill.unheard.pop(take_id, None)
            failure = Failure(code="kfpipe.Abandoned", message="declared lost", request_id=None, billed=None)
            self.record(take_id, Failed(asked=entry.asked, task=None, failed_at=self.now, failure=failure))

    # ---- the promises -----------------------------------------------------------------------------------------------

    @invariant()
    def what_was_acknowledged_is_on_the_disk(self) -> None:
        assert self.disk.lock() == self.lock

    @invariant()
    def a_task_that_was_ever_on_record_stays_on_record(self) -> None:
        assert self.bill.told <= task_ids(self.lock)

    @invariant()
    def a_paid_result_is_never_dropped(self) -> None:
        results = {task.task_id for one in entries(self.lock) if result_of(one) and (task := task_of(one))}
        assert self.bill.paid <= results

    @invariant()
    def nothing_is_paid_for_twice_unless_a_person_says_so(self) -> None:
        assert max(self.bill.undecided_renders.values(), default=0) <= 1

    @invariant()
    def what_may_still_run_is_never_rendered_beside_it(self) -> None:
        for step in self.plan().steps:
            entry = self.entry(step.take_id)
            if not isinstance(entry, Submitting | Submitted | Unclear) or step.take is None:
                continue
            if entry.asked.fingerprint == step.take.fingerprint:
                assert step.action in (Action.ADOPT, Action.FOLLOW, Action.DECIDE)
            elif not isinstance(entry, Unclear):
                assert "the clip of its earlier task is downloaded first" in step.reasons

    @invariant()
    def a_paid_clip_is_fetched_as_long_as_its_link_lives(self) -> None:
        for step in self.plan().steps:
            entry, is_here = self.entry(step.take_id), self.files.get(step.take_id) is FileState.MATCHES
            is_wanted = isinstance(entry, Succeeded) or (isinstance(entry, Rendered) and not is_here)
            fits = step.take is not None and entry is not None and entry.asked.fingerprint == step.take.fingerprint
            if fits and is_wanted and isinstance(entry, Succeeded | Rendered):
                alive = entry.result.url_expires_at > self.now or (
                    isinstance(entry, Succeeded) and "?" in entry.result.video_url
                )
                assert step.action is (Action.DOWNLOAD if alive else Action.DECIDE)

    @invariant()
    def after_a_clean_run_the_plan_is_all_keep(self) -> None:
        plan = self.plan()
        for step in plan.steps:
            entry = self.entry(step.take_id)
            fits = isinstance(entry, Rendered) and self.files.get(step.take_id) is FileState.MATCHES
            if step.take is not None and fits and entry and entry.asked.fingerprint == step.take.fingerprint:
                assert step.action is Action.KEEP
        if all(step.action in (Action.KEEP, Action.FORGET) for step in plan.steps):
            assert (plan.work, plan.cost) == ((), 0)

    @invariant()
    def a_plan_speaks_of_every_take_once(self) -> None:
        assert sorted(step.take_id for step in self.plan().steps) == sorted(self.takes.keys() | self.lock.keys())

    # ---- means ----------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        facts = PlanFacts(lock=self.lock, disk=DiskFacts(clips=self.files), region="singapore", now=self.now)
        return decide.make([*self.takes.values()], facts, currency="USD", output_dir="renders")

    def step(self, take_id: str) -> Step | None:
        return next((step for step in self.plan().steps if step.take_id == take_id), None)

    def entry(self, take_id: str) -> Entry | None:
        record = self.lock.get(take_id)
        return None if record is None else record.entry

    def is_under_way(self, take_id: str) -> bool:
        return isinstance(self.entry(take_id), Submitting | Submitted)

    def task(self, task_id: str) -> Task:
        return Task(task_id=task_id, request_id=None, submitted_at=self.now)

    def record(self, take_id: str, entry: Entry) -> None:
        """Journal first, then memory, as the ledger does."""
        if not self.disk.journal:
            self.disk.journal = journal.header(lockfile=LOCKFILE, host="desk", pid=1, started_at=self.now)
        self.disk.journal += journal.line([Transition(take_id=take_id, entry=entry)])
        self.lock[take_id] = applied(self.lock.get(take_id), entry)
        self.bill.told |= {task.task_id for task in [task_of(entry)] if task is not None}

    def pay(self, take_id: str, take: Take) -> None:
        """Count a request; one that failed for nothing is taken off again by `forgive`."""
        if take_id in self.decided:
            self.decided.discard(take_id)
            self.bill.undecided_renders[self.purchase(take_id)] = 0
        assert take.fingerprint == self.takes[take_id].fingerprint
        self.bill.undecided_renders[self.purchase(take_id)] += 1

    def forgive(self, take_id: str) -> None:
        for purchase in self.bill.undecided_renders:
            if purchase[0] == take_id:
                self.bill.undecided_renders[purchase] = 0

    def purchase(self, take_id: str) -> tuple[str, int, str]:
        return take_id, self.edition[take_id], self.takes[take_id].fingerprint


Studio.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestStudio = Studio.TestCase


# ---- the pace --------------------------------------------------------------------------------------------------------


class Queue(RuleBasedStateMachine):
    """Requests of one run; each arrives at any time between its sending and its answer."""

    LIMIT = 3

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.pacer = Pacer(self.LIMIT)
        self.under_way: list[float] = []
        self.arrivals_s: list[float] = []

    @rule(wait_s=st.floats(0.001, 3))
    def wait(self, wait_s: float) -> None:
        self.now_s += wait_s

    @rule()
    def send_as_soon_as_allowed(self) -> None:
        wait_s = self.pacer.wait_s(self.now_s)
        while wait_s:
            self.now_s += wait_s
            wait_s = self.pacer.wait_s(self.now_s)
        if wait_s is not None:
            self.pacer.sent(self.now_s)
            self.under_way.append(self.now_s)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 99), on_the_way=st.floats(0, 1))
    def answer(self, which: int, on_the_way: float) -> None:
        sent_s = self.under_way.pop(which % len(self.under_way))
        self.arrivals_s.append(sent_s + on_the_way * (self.now_s - sent_s))
        self.pacer.answered(self.now_s)

    @rule(kind=st.sampled_from(ThrottleKind), retry_after_s=st.none() | st.floats(0, 20))
    def complain(self, kind: ThrottleKind, retry_after_s: float | None) -> None:
        self.pacer.throttled(self.now_s, kind, retry_after_s)

    @invariant()
    def the_service_never_sees_more_than_the_limit_in_a_second(self) -> None:
        assert most_in_any_second(self.arrivals_s) <= self.LIMIT

    @invariant()
    def the_rate_is_within_its_bounds(self) -> None:
        assert 0 < self.pacer.rate_per_s(self.now_s) <= self.LIMIT

    @invariant()
    def only_an_answer_can_be_waited_for_in_vain(self) -> None:
        wait_s = self.pacer.wait_s(self.now_s)
        assert wait_s is None or wait_s >= 0
        assert wait_s is not None or len(self.under_way) >= self.LIMIT

    def teardown(self) -> None:
        """After an hour of calm, and with every answer in, the gate is open again."""
        while self.under_way:
            self.answer(0, 0.5)
        self.now_s += 3700
        assert self.pacer.wait_s(self.now_s) == 0
        assert self.pacer.rate_per_s(self.now_s) == self.LIMIT


Queue.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestQueue = Queue.TestCase

VISITS = st.lists(
    st.tuples(
        st.floats(0, 2),  # how long after the one before it comes
        st.floats(0, 2),  # how long it takes
        st.none() | st.floats(0, 2),  # when it is cancelled
        st.sampled_from([None, "Throttling.RateQuota", "Throttling.BurstRate", "InvalidParameter"]),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(visits=VISITS, limit=st.integers(1, 5))
def test_a_gate_lets_everyone_through_however_many_give_up_or_are_asked_to_slow_down(
    visits: list[tuple[float, float, float | None, str | None]], limit: int
) -> None:
    gate, arrivals_s, through = Gate(limit), [], []

    async def visit(number: int, takes_s: float, patience_s: float | None, code: str | None) -> None:
        with anyio.move_on_after(float("inf") if patience_s is None else patience_s):
            async with gate.slot():
                arrivals_s.append(anyio.current_time())
                await anyio.sleep(takes_s)
            if code is not None:
                gate.heed(ServiceRefused(code, "no", status=429, retry_after_s=1.0))
            through.append(number)

    async def main() -> None:
        async with anyio.create_task_group() as visitors:
            for number, (after_s, takes_s, patience_s, code) in enumerate(visits):
                await anyio.sleep(after_s)
                visitors.start_soon(visit, number, takes_s, patience_s, code)
        with anyio.fail_after(3700):
            await visit(-1, 0.0, None, None)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert most_in_any_second(arrivals_s) <= limit
    assert {number for number, visited in enumerate(visits) if visited[2] is None} <= {*through}
