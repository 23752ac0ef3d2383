"""Pages of tasks: what is laid aside to find those in progress changes no page."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kfpipe.emulator.model_file import shelf
from kfpipe.emulator.task_list import Query, Register
from kfpipe.emulator.tasks import DAY_S, Task, TaskStatus

MODEL = shelf().models["singapore"]["wan2.7-i2v"]
SOME_DAYS_S = 3 * DAY_S

seconds = st.one_of(st.integers(0, 60), st.integers(0, SOME_DAYS_S)).map(float)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    submitted_at = draw(seconds)
    started_at = draw(st.none() | st.integers(0, 30).map(lambda wait_s: submitted_at + wait_s))
    return Task(
        id=draw(st.uuids()).hex,
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
        run_s=draw(st.integers(1, 300)),
        started_at=started_at,
        canceled_at=draw(st.none() | st.integers(0, 30).map(lambda wait_s: submitted_at + wait_s)),
    )


queries = st.builds(
    Query,
    start=seconds,
    end=seconds,
    status=st.none() | st.sampled_from(TaskStatus),
    page_no=st.integers(1, 3),
    page_size=st.integers(1, 5),
)


@given(st.lists(st.one_of(tasks(), st.tuples(queries, seconds)), max_size=40))
def test_a_page_is_what_one_that_looks_at_all_tasks_shows(steps: list[Task | tuple[Query, float]]) -> None:
    register, made = Register(), list[Task]()
    for step in steps:
        if isinstance(step, Task):
            register.add(step)
            made.append(step)
            continue
        query, now = step
        anew = Register()
        for task in made:
            anew.add(task)
        page = register.page(query, now)
        assert page == anew.page(query, now)
        assert page.total == sum(
            max(query.start, now - DAY_S) <= task.submitted_at <= min(query.end, now)
            and query.status in (None, task.status(now))
            for task in made
        )
