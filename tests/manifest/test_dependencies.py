"""Pictures that shots borrow from one another: followed, refused, and never in circles."""

from __future__ import annotations

import pytest

from kfpipe.domain import CutFrom, FrameEnd, MediaRole
from kfpipe.manifest import dependencies
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import LocalFile, Matrix, MediaSource, RenderOf, Shot, StillOf
from kfpipe.takes import sources

FIRST, LAST = MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME
A, B = LocalFile(path="a.png"), LocalFile(path="b.png")


def still(shot_id: str, end: str = "last") -> StillOf:
    return StillOf(shot_id=shot_id, end=FrameEnd(end))


def render(shot_id: str, take: str | None = None) -> RenderOf:
    return RenderOf(shot_id=shot_id, end=FrameEnd.LAST, take=take)


def shot(name: str, first: MediaSource | None = None, last: MediaSource | None = None, **more: object) -> Shot:
    media = {role: footage for role, footage in ((FIRST, first), (LAST, last)) if footage is not None}
    return Shot(id=name, path=("shots", name), media=media, **more)  # type: ignore[arg-type]


def followed(*shots: Shot, hidden: str = "") -> tuple[dict[str, Shot], list[str]]:
    resolved, refusals = dependencies.followed(shots, may_exist=lambda shot_id: shot_id == hidden)
    return {one.id: one for one in resolved}, [f"{one.id}: {finding.what}" for one, finding in refusals]


def test_a_still_is_the_very_file_of_the_other_shot() -> None:
    shots, told = followed(shot("b", still("a"), B), shot("a", A, B))
    assert not told
    assert shots["b"].media == {FIRST: B, LAST: B}


def test_stills_are_followed_through_any_number_of_shots() -> None:
    long = [shot(f"s{number}", still(f"s{number + 1}", "first")) for number in range(3_000)]
    shots, told = followed(*long, shot("s3000", A))
    assert not told
    assert {one.media[FIRST] for one in shots.values()} == {A}


def test_a_shot_may_end_on_its_own_first_picture() -> None:
    assert followed(shot("loop", A, still("loop", "first")))[0]["loop"].media[LAST] == A


def test_a_still_of_a_picture_that_is_cut_is_the_same_cut() -> None:
    shots, _ = followed(shot("c", still("b", "first")), shot("b", render("a")), shot("a", A))
    assert shots["c"].media[FIRST] == render("a")


@pytest.mark.parametrize(
    ("shots", "what"),
    [
        ([shot("b", still("kiten")), shot("kitten", A)], "b: there is no shot 'kiten'"),
        ([shot("b", render("kiten")), shot("kitten", A)], "b: there is no shot 'kiten'"),
        ([shot("b", still("a")), shot("a", A)], "b: shot 'a' has no last frame"),
        (
            [shot("a", still("b", "first")), shot("b", still("c", "first")), shot("c", still("a", "first"))],
            "a: these stills refer to one another in a circle, and none of them is a picture: "
            "a.first_frame -> b.first_frame -> c.first_frame -> a.first_frame",
        ),
        ([shot("a", render("a"))], "a: the shot waits for its own render"),
        (
            [shot("x", render("a")), shot("a", A, render("b")), shot("b", render("c")), shot("c", render("a"))],
            "a: these shots wait for one another: a -> b -> c -> a",
        ),
        (
            [shot("a", still("b", "first")), shot("b", render("a"))],
            "a: the shot waits for its own render",
        ),
    ],
)
def test_what_cannot_be_borrowed_is_refused_once(shots: list[Shot], what: str) -> None:
    resolved, told = followed(*shots)
    assert told == [what]
    assert resolved[what.partition(":")[0]].refused


def test_a_picture_that_differs_between_takes_cannot_be_borrowed() -> None:
    varied = Matrix(path=("shots", 0, "matrix"), axes={"last_frame": ("a.png", "b.png")})
    _, told = followed(shot("a", A, matrix=varied), shot("b", still("a")))
    assert told == ["b: the takes of shot 'a' differ in their last frame"]


def test_what_was_refused_before_is_not_complained_of_again() -> None:
    shots, told = followed(shot("a", A, refused=frozenset(["last_frame"])), shot("b", still("a")))
    assert not told
    assert shots["b"].refused == {"first_frame"}


def test_a_shot_that_may_stand_in_an_unreadable_file_is_not_called_unknown() -> None:
    shots, told = followed(shot("b", still("a")), hidden="a")
    assert not told
    assert shots["b"].refused == {"first_frame"}


TAKES = ("a@seed=1,resolution=720P", "a@seed=1,resolution=1080P", "a@seed=2,resolution=720P")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("a@seed=1,resolution=720P", TAKES[0]),
        ("seed=1,resolution=1080P", TAKES[1]),
        ("resolution=1080P,seed=1", TAKES[1]),
        ("resolution=1080P", TAKES[1]),
        ("seed=2", TAKES[2]),
    ],
)
def test_a_take_is_named_in_full_or_by_what_it_alone_has(asked: str, meant: str) -> None:
    assert sources.lender(render("a", asked), TAKES, ("here",)) == CutFrom(take_id=meant, end=FrameEnd.LAST)


@pytest.mark.parametrize("asked", [None, "seed=1"])
def test_a_take_that_is_not_clear_waits_for_a_pick(asked: str | None) -> None:
    made = sources.lender(render("a", asked), TAKES, ("here",))
    assert made == CutFrom(take_id="a", end=FrameEnd.LAST, is_open=True)
    made = sources.lender(render("a", asked), TAKES, ("here",), TAKES[1])
    assert made == CutFrom(take_id=TAKES[1], end=FrameEnd.LAST, is_picked=True)


def test_a_take_that_is_not_there_is_asked_for() -> None:
    finding = sources.lender(render("a", "seed=1,resolution=72P"), TAKES, ("here",))
    assert isinstance(finding, Finding)
    assert finding.what == "'seed=1,resolution=72P' names no take of shot 'a'"
    assert finding.fix == "did you mean `seed=1,resolution=720P`?"


def test_the_only_take_need_not_be_named() -> None:
    only = CutFrom(take_id="a", end=FrameEnd.LAST)
    assert sources.lender(render("a"), ("a",), ()) == only
    assert sources.lender(render("a", "a"), ("a",), ()) == only
    assert sources.lender(render("a", "seed=1,resolution=720P"), ("a",), ()) == only
    assert sources.lender(render("a"), (), ()) is None


def test_a_choice_of_many_takes_is_not_listed_to_the_end() -> None:
    finding = sources.lender(render("a", "seed=99"), [f"a@seed={number}" for number in range(20)], ())
    assert isinstance(finding, Finding)
    assert finding.expected == "`seed=0`, `seed=1`, `seed=2`, `seed=3`, `seed=4` or 15 more"
