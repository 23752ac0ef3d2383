"""The right to make a request: one at a time for a clip, never two for one token, within the limits."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kfpipe.cluster import grants, requests
from kfpipe.cluster.database import Postgres
from kfpipe.cluster.grants import Ask, Later, Permit, Superseded
from kfpipe.cluster.limits import EVERY_MODEL
from kfpipe.lock.states import Asked, Submitted, Submitting, Task, Unclear, task_of
from kfpipe.provider.codes import ThrottleKind
from kfpipe.runner.pacing import RECOVERY_S
from kfpipe.runner.settings import Pace, RunLimits
from tests.cluster.conftest import Do
from tests.support import makers

ACCOUNT = "acme"
MODEL = "wan2.7-i2v"


def limits(rate: float = 100, tasks: int = 100) -> RunLimits:
    return RunLimits(
        models={MODEL: Pace(submissions_per_second=rate, concurrent_tasks=tasks)},
        shared_submissions_per_second=None,
        shared_concurrent_tasks=None,
        queries_per_second=20,
    )


def asked(number: int = 0, **changes: Any) -> Asked:
    entry = makers.submitting(makers.take(f"shot{number}"))
    return replace(entry.asked, prompt=f"Prompt {number}", fingerprint=f"{number:064x}", **changes)


def ask(number: int = 0, *, executor: str = "one", key: str | None = None, **changes: Any) -> Ask:
    usual = Ask(
        account=ACCOUNT,
        job=f"job{number}",
        key=key or f"shot{number}/{executor}",
        asked=asked(number),
        executor=executor,
        catalogue=limits(),
    )
    return replace(usual, **changes)


def test_a_request_is_on_record_before_it_may_be_sent(do: Do) -> None:
    assert isinstance(do(grants.granted, ask()), Permit)
    known, own = do(requests.of_job, ACCOUNT, "job0", "")
    assert own == ["shot0/one"]
    assert isinstance(known["shot0/one"], Submitting)


def test_a_second_process_gets_no_right_to_the_same_clip(do: Do) -> None:
    do(grants.granted, ask(executor="one"))
    assert isinstance(do(grants.granted, ask(executor="two")), Superseded)
    assert isinstance(do(grants.granted, ask(executor="two", key="shot0/one")), Superseded)


def test_the_right_is_gone_for_good_once_another_process_has_taken_the_request_over(do: Do) -> None:
    do(grants.granted, ask(executor="one"))
    alive_s = do(requests.taken_over, ACCOUNT, "shot0/one", "two", grants.TOKEN_LIFE_S)
    assert 0 < alive_s <= grants.TOKEN_LIFE_S
    assert isinstance(do(grants.granted, ask(executor="one")), Superseded)


def test_a_request_with_a_task_is_not_made_again(do: Do) -> None:
    do(grants.granted, ask())
    task = Task(task_id="t1", request_id=None, submitted_at=makers.NOW)
    do(requests.put, ACCOUNT, {"shot0/one": Submitted(asked=asked(), task=task)})
    assert isinstance(do(grants.granted, ask()), Superseded)


def test_no_more_tasks_are_in_progress_than_the_account_allows(do: Do) -> None:
    few = limits(tasks=2)
    answers = [do(grants.granted, ask(number, catalogue=few)) for number in range(3)]
    assert [type(answer) for answer in answers] == [Permit, Permit, Later]


def test_a_task_that_is_refused_beside_others_leaves_all_machines_fewer_places_until_a_minute_is_over(do: Do) -> None:
    ten, other = limits(tasks=10), "wan2.6-i2v"
    for number in range(3):
        do(grants.granted, ask(number, catalogue=ten))
    do(grants.throttled, ask(2, catalogue=ten), ThrottleKind.QUOTA, None)
    elsewhere = ask(3, executor="two", catalogue=ten)
    assert do(grants.granted, elsewhere).is_blocked
    task = Task(task_id="t1", request_id=None, submitted_at=makers.NOW)
    do(requests.put, ACCOUNT, {"shot0/one": Submitted(asked=asked(0), task=task)})
    assert do(grants.granted, elsewhere).is_blocked  # a task that is in progress holds its place
    several = replace(ten, models={**ten.models, other: ten.models[MODEL]})
    assert isinstance(do(grants.granted, ask(4, asked=asked(4, model=other), catalogue=several)), Permit)
    assert do(refused_ago, 13) == {MODEL: 2}
    assert isinstance(do(grants.granted, elsewhere), Permit)
    assert do(grants.granted, ask(5, catalogue=ten)).is_blocked  # a place is back every six seconds
    do(refused_ago, RECOVERY_S)
    answers = [do(grants.granted, ask(number, catalogue=ten)) for number in range(5, 12)]
    assert [type(answer) for answer in answers] == [Permit] * 6 + [Later]


def refused_ago(link: Any, seconds: float) -> Any:
    """Have it happened so long ago; what the refusal has left, by model."""
    link.execute(
        "UPDATE kfpipe.pace SET cells = jsonb_set(cells, %s, to_jsonb("
        "extract(epoch FROM clock_timestamp())::float8 - %s)) WHERE kind = 'tasks'",
        [[MODEL, "since_s"], seconds],
    )
    (cells,) = link.execute("SELECT cells FROM kfpipe.pace WHERE kind = 'tasks'").fetchone()
    return {model: cell["level"] for model, cell in cells.items()}


def test_a_refusal_slows_the_limit_that_holds_not_the_catalogues(do: Do) -> None:
    link_limits = "INSERT INTO kfpipe.account VALUES (%s, '{}', %s)"
    do(lambda link: link.execute(link_limits, [ACCOUNT, '{"submissions_per_second": 4}']))
    do(grants.granted, ask(0))
    do(grants.throttled, ask(0), ThrottleKind.RATE, None)
    (cells,) = do(lambda link: link.execute("SELECT cells FROM kfpipe.pace WHERE kind = 'submissions'").fetchone())
    assert {scope: cell["level"] for scope, cell in cells.items()} == {EVERY_MODEL: 2, MODEL: None}


def test_requests_with_one_prompt_are_never_on_their_way_together(do: Do) -> None:
    twin = replace(asked(1), prompt=asked(0).prompt)
    do(grants.granted, ask(0))
    assert isinstance(do(grants.granted, ask(1, asked=twin)), Later)
    task = Task(task_id="t1", request_id=None, submitted_at=makers.NOW)
    do(requests.put, ACCOUNT, {"shot0/one": Submitted(asked=asked(), task=task)})
    assert isinstance(do(grants.granted, ask(1, asked=twin)), Permit)


def test_models_of_one_group_share_its_places_and_its_rate(do: Do) -> None:
    pace = Pace(submissions_per_second=2, concurrent_tasks=2, tasks_with="vidu", rate_with="vidu")
    shared = replace(limits(), models={MODEL: pace, "vidu/one": pace, "vidu/two": pace})
    ones = [
        ask(number, catalogue=shared, asked=asked(number, model=f"vidu/{name}"))
        for number, name in enumerate(("one", "two", "one"))
    ]
    began_s = time.monotonic()
    assert isinstance(do(grants.granted, ones[0]), Permit)
    while isinstance(answer := do(grants.granted, ones[1]), Later):
        assert not answer.is_blocked
        time.sleep(answer.in_s)
    assert time.monotonic() + answer.in_s - began_s >= 1 / 2
    assert do(grants.granted, ones[2]).is_blocked


def test_requests_of_a_model_that_hides_its_prompts_are_never_on_their_way_together(do: Do) -> None:
    hiding = "MiniMax/MiniMax-H3"
    shared = replace(limits(), models={hiding: Pace(submissions_per_second=100, concurrent_tasks=100)})
    first, second = (ask(number, catalogue=shared, asked=asked(number, model=hiding)) for number in range(2))
    assert isinstance(do(grants.granted, first), Permit)
    assert do(grants.granted, second).is_blocked


def test_what_was_set_by_hand_wins_over_the_lowest_manifest_which_wins_over_the_catalogue(do: Do) -> None:
    def note(link: Any, own: str) -> None:
        link.execute(
            "INSERT INTO kfpipe.account VALUES (%s, '{}', %s) "
            "ON CONFLICT (account) DO UPDATE SET own_limits = excluded.own_limits",
            [ACCOUNT, own],
        )
        for run, number in (("a", 4), ("b", 3)):
            link.execute(
                "INSERT INTO kfpipe.run VALUES (%s, %s, 'here', %s) ON CONFLICT DO NOTHING",
                [run, ACCOUNT, f'{{"concurrent_tasks": {number}}}'],
            )
            link.execute(
                "INSERT INTO kfpipe.job VALUES (%s, %s, %s, '{}', 0) ON CONFLICT DO NOTHING", [run, ACCOUNT, run]
            )

    do(note, "{}")
    assert do(grants.shared_limits, ACCOUNT) == {"concurrent_tasks": 3}
    do(note, '{"concurrent_tasks": 9}')
    assert do(grants.shared_limits, ACCOUNT) == {"concurrent_tasks": 9}


def test_a_task_belongs_to_one_request_of_the_account(do: Do) -> None:
    task = Task(task_id="t1", request_id=None, submitted_at=makers.NOW)
    first, second = asked(0), replace(asked(1), asked_at=makers.NOW.replace(hour=23))
    do(requests.put, ACCOUNT, {"b/2": Submitted(asked=second, task=task)})
    do(requests.put, ACCOUNT, {"a/1": Submitted(asked=first, task=task)})
    known, _ = do(requests.of_job, ACCOUNT, "", first.fingerprint)
    other, _ = do(requests.of_job, ACCOUNT, "", second.fingerprint)
    assert task_of(known["a/1"]) == task
    assert isinstance(other["b/2"], Unclear)


def test_records_are_joined_whatever_comes_last(do: Do) -> None:
    task = Task(task_id="t1", request_id=None, submitted_at=makers.NOW)
    do(requests.put, ACCOUNT, {"a/1": Submitted(asked=asked(), task=task)})
    do(requests.put, ACCOUNT, {"a/1": Submitting(asked=asked())})
    known, _ = do(requests.of_job, ACCOUNT, "", asked().fingerprint)
    assert isinstance(known["a/1"], Submitted)


def test_many_processes_together_keep_the_rate_and_use_it(database: Postgres) -> None:
    rate, number = 40, 100
    left_s: list[float] = []
    numbers = iter(range(number))
    guard = threading.Lock()

    def work(executor: str) -> None:
        while True:
            with guard:
                mine = next(numbers, None)
            if mine is None:
                return
            wanted = ask(mine, executor=executor, catalogue=limits(rate=rate, tasks=number))
            while isinstance(answer := database.do_now(lambda link: grants.granted(link, wanted)), Later):  # noqa: B023
                time.sleep(answer.in_s)
            assert isinstance(answer, Permit)
            time.sleep(answer.in_s)
            left_s.append(time.monotonic())
            token = answer.token
            database.do_now(lambda link: grants.answered(link, ACCOUNT, grants.SUBMISSIONS, [token]))  # noqa: B023

    threads = [threading.Thread(target=work, args=(f"worker{place}",)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left_s.sort()
    assert max(sum(start <= time_s < start + 1 for time_s in left_s) for start in left_s) <= rate
    print(f"{(number - 1) / (left_s[-1] - left_s[0]) / rate:.1%} of the quota")


COPIES = """
INSERT INTO kfpipe.run (run, account, host, limits) VALUES ('run', 'acme', 'here', '{}');
INSERT INTO kfpipe.job (job, account, run, content, round)
SELECT 'open' || number, 'acme', 'run', '{}', 1 FROM generate_series(1, 3000) number;
ANALYZE kfpipe.job;
INSERT INTO kfpipe.request (account, key, job, state, entry, fingerprint, model, prompt, task)
SELECT account, key || number, job || number, 'succeeded', entry, fingerprint || number, model, prompt, 'task' || number
FROM kfpipe.request, generate_series(1, 3000) number
"""


def test_a_grant_and_its_record_read_a_few_rows_however_many_there_are(do: Do) -> None:
    do(grants.granted, ask(0))
    do(lambda link: link.execute(COPIES))
    before = rows_read(do)
    for number in range(1, 11):
        permit = do(grants.granted, ask(number))
        assert isinstance(permit, Permit)
        task = Task(task_id=f"of{number}", request_id=None, submitted_at=datetime.now(UTC))
        one = {ask(number).key: Submitted(asked=asked(number), task=task)}
        do(requests.put, ACCOUNT, one, ask(number).job)
        do(requests.of_job, ACCOUNT, ask(number).job, asked(number).fingerprint)
    assert rows_read(do) - before < 10 * 50


def rows_read(do: Do) -> int:
    """How many rows of requests and jobs all statements have read so far, from the tables or from an index alone."""
    do(lambda link: link.execute("SELECT pg_stat_force_next_flush()"))
    sql = (
        "SELECT sum(seq_tup_read) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes "
        "WHERE relname IN ('request', 'job')) FROM pg_stat_user_tables WHERE relname IN ('request', 'job')"
    )
    return int(do(lambda link: link.execute(sql).fetchone())[0])
