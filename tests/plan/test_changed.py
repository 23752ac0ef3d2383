"""Which takes the manifest asks for otherwise than the record has them."""

from __future__ import annotations

from dataclasses import replace

from kfpipe.domain import MediaInput, MediaRole
from kfpipe.lock.states import Lock
from kfpipe.plan.changed import changed_ids
from tests.support.makers import follower, record, rendered, request, still, submitted, take

LAST = MediaInput(role=MediaRole.LAST_FRAME, medium=still("frames/b.png", "b" * 64))
LENT = MediaInput(role=MediaRole.FIRST_FRAME, medium=still("cuts/kitten.png", "d" * 64))

KITTEN = take("kitten")
OTHER_KITTEN = take("kitten", request=request(prompt="Other words."))
WALK = follower("walk", "kitten", request=request(media=(LAST,)))
LOCK: Lock = {
    "kitten": record(rendered(KITTEN)),
    "walk": record(rendered(take("walk", request=request(media=(LENT, LAST))))),
    "home": record(submitted(take("home"))),
    "gone": record(rendered(take("gone"))),
}


def test_what_is_asked_for_as_before_has_not_changed() -> None:
    assert changed_ids([KITTEN, take("home")], LOCK) == set()


def test_a_take_with_another_request_has_changed_whatever_its_state() -> None:
    assert changed_ids([OTHER_KITTEN, take("home", request=request(prompt="Home."))], LOCK) == {"kitten", "home"}


def test_a_take_that_was_never_asked_for_has_not_changed() -> None:
    assert changed_ids([take("new")], LOCK) == set()


def test_a_take_whose_picture_cannot_be_cut_here_is_compared_by_its_own_words() -> None:
    assert changed_ids([WALK, KITTEN], LOCK) == set()
    louder = follower("walk", "kitten", request=replace(WALK.request, prompt="It runs."))
    assert changed_ids([louder, KITTEN], LOCK) == {"walk"}


def test_what_continues_from_a_changed_take_changes_with_it() -> None:
    assert changed_ids([WALK, OTHER_KITTEN], LOCK) == {"kitten", "walk"}
