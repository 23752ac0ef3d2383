"""Whatever happens in whatever order, the promises hold: the records and the plan, and the pace of requests.

The first machine is a studio over weeks: runs that are killed at any point, answers that get lost, prompts that are
edited, files that vanish, links that expire. The second is a queue at the gate of a service with any latency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import anyio
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from trio.testing import MockClock

from kfpipe.domain import CANCELED, NEVER_CREATED, TASK_LOST, Take
from kfpipe.errors import ServiceRefused
from kfpipe.lock import journal
from kfpipe.lock import text as locktext
from kfpipe.lock.join import Requests, given_up, join
from kfpipe.lock.records import Record, Register
from kfpipe.lock.states import (
    Canceled,
    Doubts,
    Entry,
    Failed,
    Failure,
    Lock,
    Lost,
    Rendered,
    Submitted,
    Submitting,
    Succeeded,
    Task,
    Unclear,
    is_unsettled,
    result_of,
    spent,
    task_ids,
    task_of,
)
from kfpipe.lock.transitions import without_signature
from kfpipe.media.facts import DiskFacts, FileState
from kfpipe.plan import decide
from kfpipe.plan.model import Action, Plan, PlanFacts, Step, Whose
from kfpipe.plan.narrow import narrowed
from kfpipe.provider.codes import ThrottleKind
from kfpipe.runner.gate import Gate
from kfpipe.runner.pacing import Pacer
from tests.runner.test_pacing_laws import most_in_any_second
from tests.support import makers

TAKE_IDS = ("kitten", "monster@seed=1", "twin")
"""The last asks for the same clip as the first, until one of them is edited."""

LOCKFILE = "shots.lock.json"
PRICE = Decimal("0.50")
take_ids = st.sampled_from(TAKE_IDS)
places = st.integers(0, 99)
"""Which of several requests, whatever their number."""


@dataclass
class Disk:
    """What survives a crash: the lockfile and the journal, as bytes."""

    lockfile: bytes = b"".join(locktext.pieces(Lock()))
    journal: bytes = b""

    def requests(self) -> dict[str, Entry]:
        """The requests, as a new process reads them."""
        lock = locktext.parsed(self.lockfile, LOCKFILE)
        return dict(join(lock.requests, journal.parsed(self.journal, "shots.journal", lockfile=LOCKFILE).requests))


@dataclass
class Bill:
    """What the service knows, and kfpipe may or may not have heard of: `unheard` holds tasks by request."""

    created: int = 0
    unheard: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    paid: set[str] = field(default_factory=set)
    undecided_renders: Counter[str] = field(default_factory=Counter)

    def create(self) -> str:
        self.created += 1
        return f"task-{self.created}"


class Studio(RuleBasedStateMachine):
    """Three takes. `decided` are the clips that a person has said something about: only these may be paid again."""

    def __init__(self) -> None:
        super().__init__()
        self.now = makers.NOW
        self.disk = Disk()
        self.requests = Requests()
        self.bill = Bill()
        self.takes = {take_id: self.edition(take_id, 0) for take_id in TAKE_IDS}
        self.editions = dict.fromkeys(TAKE_IDS, 0)
        self.files: dict[str, str] = {}
        self.decided: set[str] = set()
        self.minted = 0

    # ---- what a run does ------------------------------------------------------------------------------------------

    @rule(take_id=take_ids, arrives=st.booleans(), answered=st.booleans())
    def submit(self, take_id: str, arrives: bool, answered: bool) -> None:
        """As the plan says: a request for what is wanted, whatever is still owed of earlier wishes."""
        step = self.step(take_id)
        if step is None or step.take is None or step.action is not Action.RENDER:
            return
        self.pay(step.take)
        self.minted += 1
        key = makers.key(take_id, self.minted)
        asked = makers.asked(step.take, asked_at=self.now, unit_price=PRICE / 5)
        self.record(key, Submitting(asked=asked))
        if not arrives:
            return
        task_id = self.bill.create()
        if answered:
            self.record(key, Submitted(asked=asked, task=self.task(task_id)))
        else:
            self.bill.unheard[key] = task_id

    @rule(place=places, clear=st.booleans())
    def adopt(self, place: int, clear: bool) -> None:
        """Look for the task of a request without an answer: it is found, certainly absent, or one of several."""
        key = self.choose(place, Submitting)
        if key is None:
            return
        asked, task_id = self.requests.view[key].asked, self.bill.unheard.get(key)
        if task_id is None:
            failure = Failure(code=NEVER_CREATED, message="no task", request_id=None, billed=False)
            self.record(key, Failed(asked=asked, task=None, ended_at=self.now, failure=failure))
            self.forgive(asked.fingerprint)
        elif clear:
            del self.bill.unheard[key]
            self.record(key, Submitted(asked=asked, task=self.task(task_id)))
        else:
            self.record(key, Unclear(asked=asked, doubts=Doubts(candidates=frozenset((task_id, "another's")))))

    @rule(place=places, code=st.sampled_from(["", "InternalError", "DataInspectionFailed", CANCELED, TASK_LOST]))
    def end(self, place: int, code: str) -> None:
        """The task ends: with a clip, or without one and not billed, or forgotten by the service."""
        key = self.choose(place, Submitted)
        if key is not None:
            self.ended(key, code)

    def ended(self, key: str, code: str) -> None:
        entry = self.requests.view[key]
        assert isinstance(entry, Submitted)
        kind: type[Failed | Canceled | Lost] = {CANCELED: Canceled, TASK_LOST: Lost}.get(code, Failed)
        if code:
            billed = None if kind is Lost else False
            failure = Failure(code=code, message="it broke", request_id=None, billed=billed)
            self.record(key, kind(asked=entry.asked, task=entry.task, ended_at=self.now, failure=failure))
            if billed is False:
                self.forgive(entry.asked.fingerprint)
            return
        self.bill.paid.add(entry.task.task_id)
        result = makers.result(finished_at=self.now, url_expires_at=self.now + timedelta(hours=24), cost=PRICE)
        self.record(key, Succeeded(asked=entry.asked, task=entry.task, result=result))

    @rule(place=places)
    def download(self, place: int) -> None:
        steps = [step for step in self.plan().steps if step.action is Action.DOWNLOAD]
        if steps:
            self.downloaded(steps[place % len(steps)])

    def downloaded(self, step: Step) -> None:
        record = step.record
        assert record is not None
        entry = record.entry
        assert isinstance(entry, Succeeded | Rendered)
        if entry.result.url_expires_at > self.now:
            render = makers.render(step.output, sha256=self.digest(entry))
            self.record(record.key, Rendered(asked=entry.asked, task=entry.task, result=entry.result, render=render))
            self.files[step.output] = render.sha256
        else:  # its host says that the link is dead
            self.record(record.key, without_signature(entry))

    @rule(place=places)
    def reuse(self, place: int) -> None:
        """Copy a clip whose bytes are at hand into a place where it is wanted."""
        steps = [step for step in self.plan().steps if step.action is Action.REUSE]
        if steps:
            step = steps[place % len(steps)]
            assert step.record is not None and isinstance(step.record.entry, Rendered)
            self.set_aside(step.output)
            self.files[step.output] = step.record.entry.render.sha256

    @rule(take_id=take_ids, comes_home=st.booleans())
    def render(self, take_id: str, comes_home: bool) -> None:
        """All of it without a hitch, or up to the download."""
        before = self.minted
        self.submit(take_id, arrives=True, answered=True)
        if self.minted == before:
            return
        self.ended(makers.key(take_id, self.minted), "")
        step = self.step(take_id)
        if comes_home and step is not None and step.action is Action.DOWNLOAD:
            self.set_aside(step.output)
            self.downloaded(step)

    # ---- what befalls it --------------------------------------------------------------------------------------------

    @rule()
    def fold(self) -> None:
        """The end of a run: the journal goes into the lockfile."""
        self.disk = Disk(lockfile=self.text())

    @rule(torn=st.binary(max_size=40), folded=st.booleans())
    def crash(self, torn: bytes, folded: bool) -> None:
        """Killed: in the middle of a line, or between writing the lockfile and taking the journal away."""
        if folded:
            self.disk.lockfile = self.text()
        if self.disk.journal:
            self.disk.journal += torn.replace(b"\n", b"")
        self.requests = Requests(self.disk.requests())
        self.disk = Disk(lockfile=self.text())

    @rule(hours=st.sampled_from([1, 30]))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(place=places, damaged=st.booleans())
    def damage_file(self, place: int, damaged: bool) -> None:
        if self.files:
            path = sorted(self.files)[place % len(self.files)]
            if damaged:
                self.files[path] = "d" * 64
            else:
                del self.files[path]

    @rule(take_id=take_ids)
    def edit_prompt(self, take_id: str) -> None:
        self.editions[take_id] += 1
        self.takes[take_id] = self.edition(take_id, self.editions[take_id])

    @rule(take_id=take_ids)
    def undo_the_edits(self, take_id: str) -> None:
        self.editions[take_id] = 0
        self.takes[take_id] = self.edition(take_id, 0)

    @rule(take_id=take_ids)
    def remove_from_manifest(self, take_id: str) -> None:
        self.takes.pop(take_id, None)

    @rule(place=places)
    def declare_lost(self, place: int) -> None:
        """A person gives up a request without an answer."""
        key = self.choose(place, Submitting, Unclear)
        if key is not None:
            entry = self.requests.view[key]
            self.decided.add(entry.asked.fingerprint)
            self.bill.unheard.pop(key, None)
            self.record(key, given_up(entry, replace(entry.doubts, given_up_at=self.now)))

    # ---- the promises -----------------------------------------------------------------------------------------------

    @invariant()
    def what_was_acknowledged_is_on_the_disk(self) -> None:
        assert self.disk.requests() == self.requests.view

    @invariant()
    def a_task_that_was_ever_on_record_stays_on_record(self) -> None:
        assert self.bill.told <= task_ids(self.lock)

    @invariant()
    def every_charge_is_that_of_one_request_on_record(self) -> None:
        owners = Counter(task.task_id for one in self.requests.view.values() if (task := task_of(one)) is not None)
        assert max(owners.values(), default=1) == 1
        results = {task_of(one).task_id for one in self.requests.view.values() if result_of(one)}  # type: ignore[union-attr]
        assert results == self.bill.paid
        assert spent(self.requests.view.values()).get("USD", Decimal(0)) == PRICE * len(self.bill.paid)

    @invariant()
    def nothing_is_paid_for_twice_unless_a_person_says_so(self) -> None:
        assert max(self.bill.undecided_renders.values(), default=0) <= 1

    @invariant()
    def what_may_still_run_is_never_rendered_beside_it(self) -> None:
        for step in self.plan().steps:
            if step.take is None or step.twin is not None:
                continue
            alike = [entry for _, entry in self.requests.alike(step.take.fingerprint)]
            if any(isinstance(entry, Submitting | Submitted | Unclear) for entry in alike):
                assert step.action in (Action.ADOPT, Action.FOLLOW, Action.DECIDE, Action.KEEP, Action.DOWNLOAD)

    @invariant()
    def every_debt_is_in_the_plan_and_none_twice(self) -> None:
        plan = self.plan()
        owed = {key for key, entry in self.requests.view.items() if is_unsettled(entry)}
        debts = [debt.key for debt in plan.debts]
        assert sorted(debts) == sorted(set(debts))
        # An unclear one that nobody wants needs a person, and a dead link nothing: neither is work.
        assert {debt.key for debt in plan.debts if debt.step.action.is_work} <= owed
        for key in owed:
            entry = self.requests.view[key]
            if isinstance(entry, Submitting | Submitted | Unclear):
                assert key in debts, "what may be billed is spoken of"

    @invariant()
    def a_paid_clip_is_fetched_as_long_as_its_link_lives(self) -> None:
        working = {step.record.key for step in self.plan().work if step.record is not None}
        for key, entry in self.requests.view.items():
            if isinstance(entry, Succeeded) and "?" in entry.result.video_url:
                assert key in working

    @invariant()
    def after_a_clean_run_the_plan_is_all_keep(self) -> None:
        plan = self.plan()
        if not plan.work and not plan.undecided:
            assert {step.action for step in plan.steps} <= {Action.KEEP}
            assert (plan.debts, plan.cost) == ((), 0)

    @invariant()
    def a_plan_speaks_of_every_take_once_and_of_every_request(self) -> None:
        plan = self.plan()
        ids = [step.id for step in (*plan.steps, *plan.retired)]
        assert sorted(ids) == sorted(set(ids))
        assert {step.take_id for step in plan.takes} == self.takes.keys()
        spoken = {step.record.key for step in (*plan.steps, *plan.retired) if step.record is not None}
        others = {key for step in plan.steps if step.record is not None for key, _ in step.record.others}
        assert spoken | others == self.requests.view.keys()

    # ---- means ----------------------------------------------------------------------------------------------------

    @property
    def lock(self) -> Lock:
        return Lock(requests=self.requests.view)

    def text(self) -> bytes:
        return b"".join(locktext.pieces(self.lock))

    def plan(self) -> Plan:
        takes = [*self.takes.values()]
        records = Register(requests=self.requests, picked={}, region="singapore").of(takes)
        facts = PlanFacts(
            records=records,
            disk=self.disk_facts(records),
            region="singapore",
            now=self.now,
            requests=[*self.requests.view.items()],
            whose=Whose(account=makers.ACCOUNT),
        )
        return narrowed(decide.make(takes, facts, currency="USD", output_dir="renders"), lambda _: True)

    def disk_facts(self, records: Mapping[str, Record]) -> DiskFacts:
        clips, elsewhere = {}, {}
        for take_id, record in records.items():
            if take_id not in self.takes or not record.is_wanted or not isinstance(record.entry, Rendered):
                continue
            sha256, place = record.entry.render.sha256, self.takes[take_id].output
            found = self.files.get(place)
            clips[take_id] = (
                FileState.MISSING if found is None else FileState.MATCHES if found == sha256 else FileState.ALTERED
            )
            at = next((path for path in sorted(self.files) if self.files[path] == sha256), None)
            if found != sha256 and at is not None:
                elsewhere[take_id] = at
        return DiskFacts(clips=clips, elsewhere=elsewhere)

    def step(self, take_id: str) -> Step | None:
        return next((step for step in self.plan().takes if step.take_id == take_id), None)

    def choose(self, place: int, *kinds: type[Entry]) -> str | None:
        keys = sorted(key for key, entry in self.requests.view.items() if isinstance(entry, kinds))
        return keys[place % len(keys)] if keys else None

    def task(self, task_id: str) -> Task:
        return Task(task_id=task_id, request_id=None, submitted_at=self.now)

    def edition(self, take_id: str, number: int) -> Take:
        """The twins share their first edition."""
        prompt = f"{take_id}, version {number}." if number or take_id == TAKE_IDS[1] else "A kitten looks up."
        return makers.take(take_id, request=makers.request(prompt=prompt))

    def digest(self, entry: Succeeded | Rendered) -> str:
        """Of the clip, which is another one for each task."""
        return f"{int(entry.task.task_id.removeprefix('task-')):064x}"

    def set_aside(self, path: str) -> None:
        """What is in a clip's place is never overwritten."""
        if path in self.files:
            sha256 = self.files.pop(path)
            self.files[f"renders/.previous/{sha256}.mp4"] = sha256

    def record(self, key: str, entry: Entry) -> None:
        """Journal first, then memory, as the ledger does."""
        if not self.disk.journal:
            self.disk.journal = journal.header(lockfile=LOCKFILE, host="desk", pid=1, started_at=self.now)
        self.disk.journal += journal.line({key: entry})
        self.requests.take_in([(key, entry)])
        self.bill.told |= {task.task_id for task in [task_of(entry)] if task is not None}

    def pay(self, take: Take) -> None:
        """Count a request; one that ended for nothing is taken off again by `forgive`."""
        if take.fingerprint in self.decided:
            self.decided.discard(take.fingerprint)
            self.forgive(take.fingerprint)
        self.bill.undecided_renders[take.fingerprint] += 1

    def forgive(self, fingerprint: str) -> None:
        self.bill.undecided_renders[fingerprint] = 0


Studio.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
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
