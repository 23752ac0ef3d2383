"""A plan that is handed over comes back as clips, and as the record that a run without a cluster would have made."""

from __future__ import annotations

from pathlib import Path

import psycopg

from kfpipe.runner.pacing import WINDOW_S
from tests.cluster.studio import FACTOR, KEY, Studio, finished, interrupt, numbered, planned, project, rendered


def test_a_plan_is_handed_over_and_comes_home_past_a_refusal_that_all_machines_heed(
    studio: Studio, tmp_path: Path
) -> None:
    folder = project(tmp_path / "ann", numbered(6))
    full = {"status": 429, "code": "Throttling.RateQuota", "message": "Too many concurrent tasks."}
    studio.emulator.script({"on": "submit", "nth": 3, "do": "answer", **full})
    studio.workers(1)
    finished(studio.run(folder))
    assert len(rendered(folder)) == 6
    assert set(studio.bill.values()) == {1}
    assert planned(studio, folder) == {"keep": 6}
    assert not studio.query("SELECT 1 FROM kfpipe.job WHERE NOT is_over")
    ((level,),) = studio.query("SELECT (cells -> '*' ->> 'level')::float FROM kfpipe.pace WHERE kind = 'tasks'")
    assert 1 <= level <= 5  # as many as were in progress beside the one that was refused
    told = studio.json("cluster", "status")
    assert told["requests"]["rendered"] == 6
    assert len(told["workers"]) == len(told["accounts"]) == 1


def test_three_workers_use_the_quota_and_never_exceed_it_and_an_interrupted_run_attaches(
    studio: Studio, tmp_path: Path
) -> None:
    limit, takes = 10, 150
    folder = project(tmp_path / "ann", numbered(takes), f"{{submissions_per_second: {limit}, concurrent_tasks: 100}}")
    run = studio.run(folder)
    studio.until(lambda: studio.query("SELECT count(*) FROM kfpipe.job")[0][0] == takes)
    assert "handed over" in interrupt(run)
    note_places(studio)
    studio.workers(3)
    studio.until(lambda: studio.states()["succeeded"] == takes)
    sent_s = sorted(charge.created / FACTOR for charge in studio.emulator.bill().charges)
    assert max(sum(start <= one < start + 1 for one in sent_s) for start in sent_s) <= limit
    print(f"{(takes - 1) / (sent_s[-1] - sent_s[0]) / limit:.1%} of the quota")
    seconds = sorted(in_use(studio, limit))
    print("in use in each second:", *(f"{one:.0%}" for one in seconds))
    assert seconds[len(seconds) * 3 // 4] >= 0.95
    finished(studio.run(folder))
    assert len(rendered(folder)) == takes
    assert set(studio.bill.values()) == {1}


def note_places(studio: Studio) -> None:
    """Have the database note who holds a place for a submission, at each change."""
    with psycopg.connect(studio.address.url, autocommit=True) as link:
        link.execute(
            "CREATE TABLE noted (cells jsonb, number serial);"
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO noted VALUES (NEW.cells); RETURN NEW; END $$;"
            "CREATE TRIGGER noting AFTER UPDATE ON kfpipe.pace FOR EACH ROW WHEN (NEW.kind = 'submissions')"
            " EXECUTE FUNCTION note()"
        )


def in_use(studio: Studio, limit: int) -> list[float]:
    """How much of each second places were in use, without the first, and without what is left at the end.

    A place is in use from when a request may leave until a second after its answer: any sooner, and one second could
    hold more than the limit. How long answers take is the machine's affair, and how long places lie idle is ours; but
    for seconds in which a busy machine gave nobody the time to ask.
    """
    left_s, answered_s = dict[str, float](), dict[str, float]()
    for (cells,) in studio.query("SELECT cells FROM noted ORDER BY number"):
        cell = cells["*"]
        left_s |= cell["held"]
        over = [token for token in left_s if token not in cell["held"] and token not in answered_s]
        answered_s |= dict(zip(over, reversed(cell["cooling"]), strict=False))
    spans = [(one_s, answered_s.get(token, one_s) + WINDOW_S) for token, one_s in left_s.items()]
    first_s, last_s = min(left_s.values()), max(left_s.values())
    return [
        sum(max(min(end_s, one_s + 1) - max(start_s, one_s), 0) for start_s, end_s in spans) / limit
        for one_s in (first_s + second for second in range(1, int(last_s - first_s)))
    ]


def test_two_people_share_the_clips_that_both_want(studio: Studio, tmp_path: Path) -> None:
    ann = project(tmp_path / "ann", numbered(4, "both") | numbered(2, "ann"))
    ben = project(tmp_path / "ben", numbered(2, "ben") | numbered(4, "both"))
    studio.workers(2)
    runs = [studio.run(ann), studio.run(ben)]
    for run in runs:
        finished(run)
    assert len(rendered(ann)) == len(rendered(ben)) == 6
    assert studio.bill.total() == 8
    assert set(studio.bill.values()) == {1}
    shared = {name for name in rendered(ann) if name.startswith("both")}
    assert {rendered(ann)[one].task.task_id for one in shared} == {rendered(ben)[one].task.task_id for one in shared}


def test_no_table_knows_the_key(studio: Studio, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(2))
    studio.workers(1)
    finished(studio.run(folder))
    tables = studio.query(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('kfpipe', 'dbos')"
    )
    assert len(tables) > 10
    for (table,) in tables:
        for (row,) in studio.query(f"SELECT t::text FROM {table} t"):
            assert KEY not in str(row), table


def test_clips_and_stills_travel_by_the_store(studio: Studio, tmp_path: Path) -> None:
    folder, store = project(tmp_path / "ann", numbered(3)), tmp_path / "share"
    studio.workers(1, "--store", str(store))
    run = studio.run(folder, "--store", str(store))
    finished(run)
    clips = {path.stem for path in store.rglob("*.mp4")}
    assert clips == {entry.render.sha256 for entry in rendered(folder).values()}
    assert len([*store.rglob("*.png")]) == 2
    assert not [*store.rglob("*.partial")]
    assert studio.emulator.traffic()["download"] == 3
