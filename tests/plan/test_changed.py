"""Which takes the manifest asks for otherwise than the record has them."""

from __future__ import annotations

from dataclasses import replace

from kfpipe.domain import MediaInput, MediaRole, Take
from kfpipe.lock.records import Records
from kfpipe.lock.states import Lock
from kfpipe.plan.changed import changed_ids
from tests.support.makers import follower, key, records, rendered, request, still, submitted, take

LAST = MediaInput(role=MediaRole.LAST_FRAME, medium=still("frames/b.png", "b" * 64))
LENT = MediaInput(role=MediaRole.FIRST_FRAME, medium=still("cuts/kitten.png", "d" * 64))

KITTEN = take("kitten")
OTHER_KITTEN = take("kitten", request=request(prompt="Other words."))
WALK = follower("walk", "kitten", request=request(media=(LAST,)))
HOME = take("home", request=request(prompt="Home."))
GONE = take("gone", request=request(prompt="Gone."))
WALK_THEN = take("walk", request=request(media=(LENT, LAST)))
LOCK = Lock(
    requests={
        key("kitten"): rendered(KITTEN),
        key("walk"): rendered(WALK_THEN, number=2),
        key("home"): submitted(HOME, number=3),
        key("gone"): rendered(GONE, number=4),
    }
)


def changed(*takes: Take) -> frozenset[str]:
    return changed_ids(takes, on_record(*takes))


def on_record(*takes: Take) -> Records:
    return records(takes, LOCK)


def test_what_is_asked_for_as_before_has_not_changed() -> None:
    assert changed(KITTEN, HOME) == set()


def test_a_take_with_another_request_has_changed_whatever_its_state() -> None:
    other_home = take("home", request=request(prompt="Another home."))
    assert changed(OTHER_KITTEN, other_home) == {"kitten", "home"}


def test_a_take_that_was_never_asked_for_has_not_changed() -> None:
    assert changed(take("new", request=request(prompt="New."))) == set()


def test_a_take_whose_picture_cannot_be_cut_here_is_compared_by_its_own_words() -> None:
    assert changed(WALK, KITTEN) == set()
    louder = follower("walk", "kitten", request=replace(WALK.request, prompt="It runs."))
    assert changed(louder, KITTEN) == {"walk"}


def test_what_continues_from_a_changed_take_changes_with_it() -> None:
    assert changed(WALK, OTHER_KITTEN) == {"kitten", "walk"}


def test_a_take_with_another_name_has_not_changed() -> None:
    assert changed(take("cat")) == set()


def test_a_take_whose_earlier_words_are_back_has_not_changed() -> None:
    """Its newest request is another one, but the clip that is asked for is on record."""
    lock = Lock(requests={key("kitten", 1): rendered(KITTEN), key("kitten", 2): rendered(OTHER_KITTEN, number=2)})
    assert changed_ids([KITTEN], records([KITTEN], lock)) == set()
