"""Which takes a person means."""

from __future__ import annotations

import pytest

from kfpipe.cli.output.messages import problems_text
from kfpipe.errors import Refused
from kfpipe.lock.states import Lock
from kfpipe.plan.selection import named, nominees
from tests.support.makers import failed, key, parameters, records, rendered, request, take

TAKES = [
    take("kitten@seed=1", tags=("hero",)),
    take("kitten@seed=2", request=request(parameters=parameters(seed=2))),
    take("walk", request=request(model="wan2.2-kf2v-flash")),
    take("road.01", tags=("hero", "outdoors"), request=request(prompt="A road.")),
]
GONE = take("gone", request=request(model="wan2.1-kf2v-plus"))
EARLIER = take("kitten@seed=1", request=request(prompt="Earlier words."))
LOCK = Lock(
    requests={
        key("kitten@seed=1"): rendered(EARLIER),
        key("walk"): failed(TAKES[2], number=2),
        key("gone"): rendered(GONE, number=3),
    }
)


def selected(*selectors: str) -> list[str]:
    return sorted(named(selectors, nominees(TAKES, records(TAKES, LOCK)), "--retry"))


@pytest.mark.parametrize(
    ("selectors", "takes"),
    [
        ([], []),
        (["walk"], ["walk"]),
        (["kitten"], ["kitten@seed=1", "kitten@seed=2"]),
        (["kitten@*"], ["kitten@seed=1", "kitten@seed=2"]),
        (["*=2", "walk"], ["kitten@seed=2", "walk"]),
        (["tag:hero"], ["kitten@seed=1", "road.01"]),
        (["state:failed"], ["walk"]),
        (["state:absent"], ["kitten@seed=2", "road.01"]),
        (["state:succeeded"], []),
        (["model:wan2.2*"], ["walk"]),
        (["!walk"], ["gone", "kitten@seed=1", "kitten@seed=2", "road.01"]),
        (["tag:hero", "!state:rendered"], ["road.01"]),
        (["*"], ["gone", "kitten@seed=1", "kitten@seed=2", "road.01", "walk"]),
        (["take:walk"], ["walk"]),
        (["changed"], ["kitten@seed=1"]),
        (["state:*ed", "!changed"], ["gone", "walk"]),
        (["gone"], ["gone"]),
        (["model:wan2.1*"], ["gone"]),
    ],
)
def test_a_selection_names_takes(selectors: list[str], takes: list[str]) -> None:
    assert selected(*selectors) == takes


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ("kiten", ["--retry: there is no take 'kiten'", "  fix: did you mean `kitten`?"]),
        ("!wlak", ["--retry: there is no take 'wlak'", "  fix: did you mean `walk`?"]),
        ("tag:xyz", ["--retry: there is no tag 'xyz'", "  fix: `kfpipe status` lists all takes"]),
        ("state:faild", ["--retry: there is no state 'faild'", "  fix: did you mean `failed`?"]),
        (
            "tags:hero",
            [
                "--retry: 'tags:hero' is not a selector",
                "  expected: a take, a shot, changed, picked, drift, or take:..., tag:..., state:... or model:...",
                "  fix: did you mean `tag:`?",
            ],
        ),
    ],
)
def test_a_selector_that_names_nothing_is_a_typo(selector: str, text: list[str]) -> None:
    with pytest.raises(Refused) as refusal:
        selected(selector)
    assert problems_text(refusal.value.problems) == text


def test_a_renamed_take_is_known_by_its_new_name_alone() -> None:
    """Its request is on record under the old one, which is a label, and bears nothing any more."""
    takes = [take("cat", request=GONE.request), TAKES[2]]
    known = records(takes, LOCK)
    assert named(["state:rendered"], nominees(takes, known), "-s") == {"cat", "kitten@seed=1"}
    with pytest.raises(Refused):
        named(["gone"], nominees(takes, known), "-s")
