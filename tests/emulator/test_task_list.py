"""Pages of tasks: what is laid aside to find those in progress changes no page."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kfpipe.emulator.model_file import shelf
from kfpipe.emulator.task_list import Query, Register
from kfpipe.emulator.tasks import DAY_S, Task, TaskStatus

MODEL = shelf().models["singapore"]["wan2.7-i2v"]
SOME_DAYS_S = 3 * DAY_S

seconds = st.one_of(st.integers(0, 30), st.integers(0, 30), st.integers(0, SOME_DAYS_S)).map(float)


def task(submitted_at: float, started_at: float | None, run_s: float, canceled_at: float | None = None) -> Task:
    return Task(
        id=f"task at {submitted_at}",
        request_id="r",
        key_id="main",
        model=MODEL,
        prompt=None,
        digest="d",
        order=None,
        film_seed=0,
        film=None,
        refusal=None,
        submitted_at=submitted_at,
        ready_at=submitted_at,
        run_s=run_s,
        started_at=started_at,
        canceled_at=canceled_at,
    )


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    submitted_at = draw(seconds)
    later = st.none() | st.integers(0, 30).map(lambda wait_s: submitted_at + wait_s)
    return task(submitted_at, draw(later), draw(st.integers(1, 30)), draw(later))


queries = st.builds(
    Query,
    start=st.just(0.0) | seconds,
    end=st.just(float(SOME_DAYS_S)) | seconds,
    status=st.sampled_from([TaskStatus.PENDING, TaskStatus.RUNNING, TaskStatus.SUCCEEDED, None]),
    page_no=st.integers(1, 2),
    page_size=st.integers(1, 5),
)


@given(st.lists(st.one_of(tasks(), st.tuples(queries, seconds)), min_size=10, max_size=40))
def test_a_page_is_what_one_that_looks_at_all_tasks_shows(steps: list[Task | tuple[Query, float]]) -> None:
    register, made = Register(), list[Task]()
    for step in steps:
        if isinstance(step, Task):
            register.add(step)
            made.append(step)
            continue
        query, now = step
        whole = Register()
        for task in made:
            whole.add(task)
        page = register.page(query, now)
        assert page == whole.page(query, now)
        assert page.total == sum(
            max(query.start, now - DAY_S) <= task.submitted_at <= min(query.end, now)
            and query.status in (None, task.status(now))
            for task in made
        )


def test_a_list_that_lags_behind_shows_what_was_in_progress_then() -> None:
    register, ran = Register(), task(0.0, started_at=2.0, run_s=10)
    register.add(ran)
    states = []
    for now in (1.0, 5.0, 12.0, 5.0, 1.0):
        for status in (TaskStatus.PENDING, TaskStatus.RUNNING):
            page = register.page(Query(start=0.0, end=60.0, status=status), now)
            states += [status.value] if page.tasks == (ran,) else []
    assert states == ["PENDING", "RUNNING", "RUNNING", "PENDING"]
