"""The rate rules, whatever the order and the latency of the requests."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Sequence

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from kfpipe.errors import ServiceRefused
from kfpipe.provider.codes import ThrottleKind
from kfpipe.runner.gate import Gate
from kfpipe.runner.pacing import Allowance, Pacer, backoff_s

latencies_s = st.lists(
    st.tuples(st.floats(min_value=0, max_value=3), st.floats(min_value=0, max_value=3)), min_size=1, max_size=60
)
complaints = st.lists(
    st.tuples(st.integers(0, 59), st.sampled_from(ThrottleKind), st.none() | st.floats(0, 5)), max_size=4
)


def most_in_any_second(moments_s: Sequence[float]) -> int:
    """The largest number of moments that lie within less than a second of each other."""
    ordered = sorted(moments_s)
    first, most = 0, 0
    for last, moment_s in enumerate(ordered):
        while moment_s - ordered[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


@given(limit=st.integers(1, 12), latencies=latencies_s, complaints=complaints)
def test_no_latency_makes_the_service_see_more_than_the_limit_in_any_second(
    limit: int, latencies: list[tuple[float, float]], complaints: list[tuple[int, ThrottleKind, float | None]]
) -> None:
    pacer, now_s = Pacer(limit), 1000.0
    arrivals_s: list[float] = []
    on_the_way: list[float] = []
    for index, (there_s, back_s) in enumerate(latencies):
        while (wait_s := pacer.wait_s(now_s)) != 0:
            if wait_s is None or (on_the_way and on_the_way[0] <= now_s + wait_s):
                now_s = max(now_s, heapq.heappop(on_the_way))
                pacer.answered(now_s)
            else:
                now_s += wait_s
        pacer.sent(now_s)
        arrivals_s.append(now_s + there_s)
        heapq.heappush(on_the_way, now_s + there_s + back_s)
        for at, kind, retry_after_s in complaints:
            if at == index:
                pacer.throttled(now_s, kind, retry_after_s)
    assert most_in_any_second(arrivals_s) <= limit


@given(
    limit=st.floats(0.2, 300), steps=st.lists(st.tuples(st.floats(0, 30), st.sampled_from(ThrottleKind)), max_size=20)
)
def test_the_rate_never_leaves_its_bounds_and_always_comes_back(
    limit: float, steps: list[tuple[float, ThrottleKind]]
) -> None:
    pacer, now_s = Pacer(limit), 1000.0
    for pause_s, kind in steps:
        now_s += pause_s
        pacer.throttled(now_s, kind, None)
        assert 0 < pacer.rate_per_s(now_s) <= limit
    assert pacer.rate_per_s(now_s + 60.0) == limit


@given(ceiling=st.floats(0.1, 1000), share=st.floats(0.01, 1), early_s=st.floats(0, 100), later_s=st.floats(0, 100))
def test_calm_never_lowers_an_allowance(ceiling: float, share: float, early_s: float, later_s: float) -> None:
    allowance = Allowance.full(ceiling).lowered(0.0, to=ceiling * share, until_s=0.0)
    assert allowance.at(early_s) <= allowance.at(early_s + later_s) <= ceiling


@given(attempt=st.integers(1, 10**6), wish_s=st.none() | st.floats(0, 10**9), jitter=st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_shorter_than_asked_for_within_reason_nor_endless(
    attempt: int, wish_s: float | None, jitter: float
) -> None:
    wait_s = backoff_s(attempt, wish_s, jitter)
    assert 0.5 <= wait_s <= 3600
    assert wait_s >= min(wish_s or 0.0, 3600)


class Service:
    """Notes when requests arrive; each takes its own while to get there and back."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.arrivals_s: list[float] = []
        self.order: list[int] = []

    async def request(self, number: int, there_s: float, back_s: float) -> None:
        async with self._gate.slot():
            self.order.append(number)
            await anyio.sleep(there_s)
            self.arrivals_s.append(anyio.current_time())
            await anyio.sleep(back_s)


def under_mock_clock(main: Callable[[], Awaitable[None]]) -> None:
    trio.run(main, clock=MockClock(autojump_threshold=0))


@given(limit=st.integers(1, 8), latencies=latencies_s)
def test_a_gate_keeps_the_limit_and_the_order_for_many_requests_at_once(
    limit: int, latencies: list[tuple[float, float]]
) -> None:
    async def main() -> None:
        service = Service(Gate(limit))
        async with anyio.create_task_group() as requests:
            for number, (there_s, back_s) in enumerate(latencies):
                requests.start_soon(service.request, number, there_s, back_s)
                await checkpoint()
        assert most_in_any_second(service.arrivals_s) <= limit
        assert service.order == sorted(service.order)

    under_mock_clock(main)


def test_whoever_is_cancelled_in_the_queue_takes_no_place() -> None:
    async def main() -> None:
        service = Service(Gate(1))
        async with anyio.create_task_group() as requests:
            requests.start_soon(service.request, 0, 0.0, 5.0)
            await anyio.sleep(0.1)
            with anyio.move_on_after(1.0):
                await service.request(1, 0.0, 0.0)
            await service.request(2, 0.0, 0.0)
        assert service.order == [0, 2]

    under_mock_clock(main)


def test_a_request_that_fails_or_is_cancelled_gives_its_place_back() -> None:
    async def main() -> None:
        service = Service(gate := Gate(1))
        with pytest.raises(ValueError, match="no answer"):
            async with gate.slot():
                raise ValueError("no answer")
        with anyio.move_on_after(2.0):
            await service.request(0, 60.0, 0.0)
        with anyio.fail_after(10.0):
            await service.request(1, 0.0, 0.0)
        assert service.order == [0, 1]

    under_mock_clock(main)


def test_a_place_is_free_a_window_after_the_answer_whatever_is_done_with_it() -> None:
    async def main() -> None:
        service = Service(gate := Gate(1))
        async with anyio.create_task_group() as requests, gate.slot() as answered:
            await anyio.sleep(1.0)
            answered()
            answered_s = anyio.current_time()
            requests.start_soon(service.request, 0, 0.0, 0.0)
            await anyio.sleep(30.0)
        (arrived_s,) = service.arrivals_s
        assert answered_s + 1.0 < arrived_s < answered_s + 1.1

    under_mock_clock(main)


class Steps(trio.abc.Instrument):
    """Counts how often any task was woken up."""

    count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += 1


def test_two_hundred_a_second_flow_without_busy_waiting() -> None:
    async def main() -> None:
        service = Service(Gate(200))
        async with anyio.create_task_group() as requests:
            for number in range(2000):
                requests.start_soon(service.request, number, 0.02, 0.02)
        assert most_in_any_second(service.arrivals_s) <= 200
        # Virtual time, so this is arithmetic: 2,000 requests at 200/s, each place kept for its round trip as well.
        assert anyio.current_time() < 11.0

    steps = Steps()
    trio.run(main, clock=MockClock(autojump_threshold=0), instruments=[steps])
    assert steps.count < 10 * 2000


@pytest.mark.anyio
async def test_a_gate_works_with_real_time_on_every_event_loop() -> None:
    service = Service(Gate(100))
    async with anyio.create_task_group() as requests:
        for number in range(20):
            requests.start_soon(service.request, number, 0.0, 0.001)
    assert len(service.order) == 20
    assert most_in_any_second(service.arrivals_s) <= 100


def test_a_complaint_of_the_service_holds_the_gate_and_other_refusals_do_not() -> None:
    async def main() -> None:
        service = Service(gate := Gate(100))
        gate.heed(ServiceRefused("InvalidParameter", "no", status=400, retry_after_s=30.0))
        await service.request(0, 0.0, 0.0)
        assert anyio.current_time() < 1.0
        gate.heed(ServiceRefused("Throttling.RateQuota", "slow", status=429, retry_after_s=30.0))
        await service.request(1, 0.0, 0.0)
        assert anyio.current_time() >= 30.0

    under_mock_clock(main)
