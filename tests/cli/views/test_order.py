"""What waits for what, as a person reads it below a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kfpipe.cli.views import order as order_view
from kfpipe.domain import CutFrom, FrameEnd, MediaRole, Take
from tests.support.makers import take
from tests.support.planned import planned


def following(take_id: str, *sources: str) -> Take:
    """A take that begins, and with two sources also ends, on pictures of others."""
    roles = (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME)
    cuts = tuple(
        (role, CutFrom(take_id=source, end=FrameEnd.LAST)) for role, source in zip(roles, sources, strict=False)
    )
    return replace(take(take_id), cuts=cuts)


def lines(*takes: Take) -> list[str]:
    return order_view.lines(planned(takes))


def test_takes_that_wait_for_nothing_are_not_mentioned() -> None:
    assert lines(take("a"), take("b")) == []


def test_a_chain_is_one_line_wherever_its_links_stand_in_the_manifest() -> None:
    assert lines(following("c", "b"), following("b", "a"), take("a")) == ["order: a -> b -> c"]


def test_a_long_chain_shows_its_ends() -> None:
    links = [following(f"a{number}", f"a{number - 1}") for number in range(1, 9)]
    assert lines(take("a0"), *links) == ["order: a0 -> a1 -> 6 more -> a8"]


@pytest.mark.parametrize(
    ("takes", "shown"),
    [
        ((take("a"), following("b", "a"), following("c", "a")), ["order: a -> b", "order: a -> c"]),
        ((take("a"), take("b"), following("c", "a", "b")), ["order: a -> c", "order: b -> c"]),
        (
            (take("a"), following("b", "a"), following("c", "a"), following("d", "b", "c")),
            ["order: a -> b -> d", "order: a -> c -> d"],
        ),
    ],
    ids=["fork", "join", "diamond"],
)
def test_every_pair_is_shown_once(takes: tuple[Take, ...], shown: list[str]) -> None:
    assert lines(*takes) == shown


def test_many_chains_are_cut_short() -> None:
    fork = lines(take("a"), *(following(f"b{number}", "a") for number in range(9)))
    assert len(fork) == order_view.MOST_CHAINS + 1
    assert fork[-1] == "order: and more; see the rows above"
