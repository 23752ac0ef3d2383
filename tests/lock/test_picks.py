"""Which take of a shot is chosen."""

from __future__ import annotations

import pytest

from kfpipe.errors import Refused
from kfpipe.lock import picks
from tests.support.makers import record, rendered, submitted, take

TAKES = [take("kitten@seed=1"), take("kitten@seed=2"), take("walk")]
RECORDS = {
    "kitten@seed=1": record(rendered(TAKES[0]), take_id="kitten@seed=1", picked=True),
    "kitten@seed=2": record(rendered(TAKES[1]), take_id="kitten@seed=2"),
    "walk": record(submitted(TAKES[2]), take_id="walk"),
}


@pytest.mark.parametrize("name", ["seed=2", "kitten@seed=2"])
def test_a_take_is_named_in_full_or_by_its_part_behind_the_shot(name: str) -> None:
    assert picks.take_named(name, picks.shot_named("kitten", TAKES), RECORDS) is TAKES[1]


@pytest.mark.parametrize(
    ("shot", "name", "what", "fix"),
    [
        ("kiten", "seed=1", "there is no shot 'kiten'", "did you mean `kitten`?"),
        ("kitten", "seed=3", "the shot 'kitten' has no take 'seed=3'", None),
        ("walk", "walk", "walk has no clip: it is submitted", "`kfpipe run` renders it; then pick it"),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_a_way_on(shot: str, name: str, what: str, fix: str | None) -> None:
    with pytest.raises(Refused) as refused:
        picks.take_named(name, picks.shot_named(shot, TAKES), RECORDS)
    (problem,) = refused.value.problems
    assert problem.what == what
    assert fix is None or problem.fix == fix
