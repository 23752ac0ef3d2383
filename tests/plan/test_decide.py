"""What the plan says of each take and of each debt, why, and what it adds up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kfpipe.cli.views.plan import next_steps
from kfpipe.domain import ABANDONED, NO_LINK, Account, CutFrom, FrameEnd, MediaRole, Take
from kfpipe.lock.join import Requests
from kfpipe.lock.records import Neighbour, Register
from kfpipe.lock.states import (
    EMPTY,
    Canceled,
    Entry,
    Failure,
    Lock,
    Lost,
    RefusedFile,
    is_unsettled,
)
from kfpipe.lock.transitions import without_signature
from kfpipe.media.facts import DiskFacts, FileState
from kfpipe.plan.decide import make
from kfpipe.plan.model import Action, Plan, PlanFacts, Step, Whose
from tests.support.makers import (
    ACCOUNT,
    NOW,
    asked,
    failed,
    key,
    lock,
    parameters,
    rendered,
    request,
    result,
    submitted,
    submitting,
    succeeded,
    take,
    task,
    unclear,
)

PAST = result(url_expires_at=NOW - timedelta(hours=1))
DEAD = without_signature(rendered(of_result=PAST))
DEAD_AT_THE_SERVICE = without_signature(succeeded(of_result=PAST))
REFUSED = succeeded(of_result=result(refused=RefusedFile(path="renders/.refused/kitten.mp4", sha256="f" * 64)))
OTHER_ACCOUNT = Account(host=ACCOUNT.host, key="0123456789ab", name="studio")
OTHER = take(request=request(prompt="Other words."))


def lost(of: Take | None = None, *, code: str = "TaskUnknown", **changes: Any) -> Lost:
    failure = Failure(code=code, message="the service has forgotten it", request_id=None, billed=None)
    return Lost(asked=asked(of, **changes), task=task(), ended_at=NOW, failure=failure)


def canceled(of: Take | None = None, **changes: Any) -> Canceled:
    failure = Failure(code="Canceled", message="cancelled while it waited", request_id=None, billed=False)
    return Canceled(asked=asked(of, **changes), task=task(), ended_at=NOW, failure=failure)


def of_account(entry: Entry, account: Account | None) -> Entry:
    return replace(entry, asked=replace(entry.asked, account=account))


def plan_of(
    takes: list[Take],
    known: Lock = EMPTY,
    files: Mapping[str, FileState] | None = None,
    *,
    disk: DiskFacts | None = None,
    neighbours: tuple[Neighbour, ...] = (),
    whose: Whose = Whose(account=ACCOUNT),  # noqa: B008  it is a frozen value
    **options: Any,
) -> Plan:
    """The plan in Singapore, with our account; every file is missing unless something else is said."""
    register = Register(
        requests=Requests(known.requests), picked=known.picked, region="singapore", neighbours=neighbours
    )
    facts = PlanFacts(
        records=register.of(takes),
        disk=disk or DiskFacts(clips=files or {}),
        region="singapore",
        now=NOW,
        requests=[*known.requests.items()],
        neighbours=neighbours,
        whose=whose,
    )
    return make(takes, facts, currency="USD", output_dir="renders", **options)


def step_of(entry: Entry | None, file: FileState = FileState.MISSING, **options: Any) -> Step:
    """Of a take whose one request this is."""
    return plan_of([take()], EMPTY if entry is None else lock(entry), {"kitten": file}, **options).steps[0]


def debt_of(entry: Entry, **options: Any) -> Step:
    """Of a request that no take asks for."""
    plan = plan_of([], lock(entry), **options)
    (step,) = (*plan.steps, *plan.retired)
    return step


def neighbour(*entries: Entry, take_id: str = "kitten", **changes: Any) -> Neighbour:
    usual = Neighbour(
        name="shots.lock.json", folder=Path(), requests=Requests(lock(*entries, take_id=take_id).requests)
    )
    return replace(usual, **changes)


def everything(_: str) -> bool:
    return True


# ---- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "file", "action"),
    [
        (None, FileState.MISSING, Action.RENDER),
        (submitting(), FileState.MISSING, Action.ADOPT),
        (submitted(), FileState.MISSING, Action.FOLLOW),
        (succeeded(), FileState.MISSING, Action.DOWNLOAD),
        (succeeded(of_result=PAST), FileState.MISSING, Action.DOWNLOAD),
        (DEAD_AT_THE_SERVICE, FileState.MISSING, Action.DECIDE),
        (REFUSED, FileState.MISSING, Action.DECIDE),
        (rendered(), FileState.MATCHES, Action.KEEP),
        (DEAD, FileState.MATCHES, Action.KEEP),
        (rendered(), FileState.MISSING, Action.DOWNLOAD),
        (rendered(), FileState.ALTERED, Action.DOWNLOAD),
        (rendered(of_result=PAST), FileState.MISSING, Action.DOWNLOAD),
        (DEAD, FileState.MISSING, Action.DECIDE),
        (DEAD, FileState.ALTERED, Action.DECIDE),
        (DEAD, FileState.POINTER, Action.DECIDE),
        (rendered(), FileState.POINTER, Action.DECIDE),
        (failed(code="InternalError.Algo"), FileState.MISSING, Action.RENDER),
        (failed(code="DataInspectionFailed"), FileState.MISSING, Action.DECIDE),
        (failed(code="SomethingNobodyKnows"), FileState.MISSING, Action.DECIDE),
        (canceled(), FileState.MISSING, Action.RENDER),
        (lost(), FileState.MISSING, Action.DECIDE),
        (lost(code=ABANDONED), FileState.MISSING, Action.RENDER),
        (unclear(), FileState.MISSING, Action.DECIDE),
        (None, FileState.STRAY, Action.DECIDE),
        (failed(code="InternalError.Algo"), FileState.STRAY, Action.DECIDE),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "asked") else str(value),
)
def test_each_state_has_its_next_act(entry: Entry | None, file: FileState, action: Action) -> None:
    assert step_of(entry, file).action is action


@pytest.mark.parametrize("file", [FileState.MISSING, FileState.ALTERED, FileState.POINTER])
@pytest.mark.parametrize("entry", [rendered(), DEAD])
def test_a_clip_that_is_at_hand_elsewhere_is_brought_into_place_and_nothing_is_asked(
    entry: Entry, file: FileState
) -> None:
    disk = DiskFacts(clips={"kitten": file}, elsewhere={"kitten": "renders/.previous/kitten.cccccccccccc.mp4"})
    (step,) = plan_of([take()], lock(entry), disk=disk).steps
    assert (step.action, step.cost) == (Action.REUSE, 0)
    assert step.reasons == ("its clip is at renders/.previous/kitten.cccccccccccc.mp4",)


@pytest.mark.parametrize(
    ("entry", "action"),
    [
        (submitting(), Action.ADOPT),
        (submitted(), Action.FOLLOW),
        (succeeded(), Action.DOWNLOAD),
        (succeeded(of_result=PAST), Action.DOWNLOAD),
        (DEAD_AT_THE_SERVICE, Action.RETIRED),
        (REFUSED, Action.RETIRED),
        (unclear(), Action.DECIDE),
        (rendered(), Action.RETIRED),
        (failed(), Action.RETIRED),
        (canceled(), Action.RETIRED),
        (lost(), Action.RETIRED),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "asked") else str(value),
)
def test_what_no_take_asks_for_is_settled_and_kept_on_record(entry: Entry, action: Action) -> None:
    step = debt_of(entry)
    assert (step.action, step.cost, step.take) == (action, 0, None)
    assert step.reasons[-1] == "no take of the manifest asks for it"


def test_only_what_may_be_billed_has_a_cost() -> None:
    assert step_of(None).cost == Decimal("0.50")
    assert step_of(submitting()).cost == Decimal("0.50")
    assert step_of(submitted()).cost == 0
    assert step_of(rendered()).cost == 0
    assert step_of(failed(code="DataInspectionFailed")).cost == 0
    assert debt_of(submitting()).cost == 0, "it is looked for, and never sent again"


# ---- reasons ---------------------------------------------------------------------------------------------------------


def test_a_changed_request_names_what_changed_with_old_and_new_values() -> None:
    before = take(request=request(parameters=parameters(seed=3, resolution="1080P"), prompt="A puppy looks up."))
    step = step_of(rendered(before))
    assert step.action is Action.RENDER
    assert step.reasons == (
        "resolution 1080P -> 720P",
        "seed 3 -> 7",
        "prompt 'A puppy looks...' -> 'A kitten looks...'",
    )


def test_what_changed_is_told_against_the_last_request_of_the_take() -> None:
    first, second = (take(request=request(parameters=parameters(seed=seed))) for seed in (1, 2))
    known = lock(rendered(first, number=1), rendered(second, number=2))
    assert plan_of([take()], known).steps[0].reasons == ("seed 2 -> 7",)


def test_a_changed_still_is_named_by_its_role_and_file() -> None:
    before = take(request=request(media=request().media[:1]))
    assert step_of(rendered(before)).reasons == ("last_frame none -> frames/b.png (bbbbbbbb)",)


def test_a_seed_that_is_to_be_drawn_now_is_named() -> None:
    wanted = take(request=request(parameters=parameters(seed=None)))
    assert plan_of([wanted], lock(rendered(take()))).steps[0].reasons == ("seed 7 -> random",)


def test_a_seed_that_was_drawn_is_not_named_beside_what_has_changed() -> None:
    before, wanted = (
        take(request=request(parameters=parameters(seed=None, resolution=step))) for step in ("1080P", "720P")
    )
    entry = rendered(before, parameters=parameters(seed=1234, resolution="1080P"))
    assert plan_of([wanted], lock(entry)).steps[0].reasons == ("resolution 1080P -> 720P",)


def test_another_effect_is_named_with_the_earlier_one() -> None:
    before, wanted = (take(request=request(prompt="", template=name)) for name in ("flying", "dancing"))
    assert plan_of([wanted], lock(rendered(before))).steps[0].reasons == ("template flying -> dancing",)


def test_a_drawn_seed_is_no_change_of_a_take_that_asked_for_a_random_one() -> None:
    wanted = take(request=request(parameters=parameters(seed=None)))
    entry = rendered(wanted, parameters=parameters(seed=1234))
    assert plan_of([wanted], lock(entry), {"kitten": FileState.MATCHES}).steps[0].action is Action.KEEP


def test_a_renamed_take_names_the_record_that_was_found() -> None:
    (step,) = plan_of([take("cat")], lock(rendered()), {"cat": FileState.MATCHES}).steps
    assert (step.action, step.reasons) == (Action.KEEP, ("rendered", "on record as kitten"))


def test_a_request_of_another_manifest_is_named_with_its_lockfile() -> None:
    (same,) = plan_of([take()], neighbours=(neighbour(rendered()),)).steps
    assert (same.action, same.reasons[-1]) == (Action.DOWNLOAD, "on record in shots.lock.json")
    (other,) = plan_of([take("cat")], neighbours=(neighbour(submitted()),)).steps
    assert (other.action, other.reasons[-1]) == (Action.FOLLOW, "on record in shots.lock.json as kitten")


def test_a_clip_of_another_manifest_that_is_in_place_is_put_on_our_record_too() -> None:
    """Its own lockfile may be gone tomorrow."""
    (step,) = plan_of([take()], EMPTY, {"kitten": FileState.MATCHES}, neighbours=(neighbour(rendered()),)).steps
    assert (step.action, step.cost) == (Action.REUSE, 0)
    assert step.reasons == ("its clip is in place", "on record in shots.lock.json")


def test_a_link_whose_time_is_over_is_tried_and_the_plan_says_so() -> None:
    assert step_of(succeeded(of_result=PAST)).reasons[-1] == (
        "its link was to expire at 2026-11-22T11:00:00.000Z, and is tried"
    )
    assert step_of(DEAD_AT_THE_SERVICE).reasons[-1] == "its link expired at 2026-11-22T11:00:00.000Z"


# ---- debts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "action"),
    [
        (submitting(OTHER), Action.ADOPT),
        (submitted(OTHER), Action.FOLLOW),
        (succeeded(OTHER), Action.DOWNLOAD),
        (unclear(OTHER), Action.DECIDE),
    ],
)
def test_an_edited_take_is_rendered_and_its_earlier_request_is_settled(entry: Entry, action: Action) -> None:
    wanted, debt = plan_of([take()], lock(entry)).steps
    assert (wanted.action, wanted.id) == (Action.RENDER, "kitten")
    assert wanted.reasons == ("prompt 'Other words.' -> 'A kitten looks up.'",)
    assert (debt.action, debt.id, debt.take_id) == (action, key(), "kitten")


def test_a_debt_goes_out_of_the_way_of_what_is_wanted_and_of_other_debts() -> None:
    known = lock(submitted(OTHER, number=1), succeeded(OTHER, number=2))
    plan = plan_of([take()], known, disk=DiskFacts(clips={}))
    outputs = {step.output for step in plan.steps}
    assert outputs == {
        "renders/kitten.mp4",
        "renders/.previous/kitten.0000000001.mp4",
        "renders/.previous/kitten.0000000002.mp4",
    }


def test_every_unsettled_request_is_a_debt_whether_a_take_wants_it_or_not() -> None:
    home = take("home", request=request(prompt="Home."))
    known = Lock(
        requests={
            key("kitten"): submitted(),
            key("home"): rendered(home, number=2),
            key("gone"): unclear(OTHER, number=3),
            key("past"): failed(OTHER, number=4),
        }
    )
    plan = plan_of([take(), home], known, {"home": FileState.MATCHES})
    assert [(debt.key, debt.step.action) for debt in plan.debts] == [
        (key("kitten"), Action.FOLLOW),
        (key("gone"), Action.DECIDE),
    ]
    assert [step.id for step in plan.retired] == [key("past")]


def test_a_debt_of_a_take_that_is_rendered_meanwhile_is_fetched_all_the_same() -> None:
    """Two clones have asked for one clip: both have been paid for."""
    known = lock(submitted(number=1), rendered(number=2))
    wanted, debt = plan_of([take()], known, {"kitten": FileState.MATCHES}).steps
    assert (wanted.action, debt.action, debt.id) == (Action.KEEP, Action.FOLLOW, key("kitten", 1))
    assert debt.reasons[-1] == "another request for the same clip counts"


def test_what_the_debts_may_still_cost_is_known_by_who_asked_for_them() -> None:
    at_a_price = replace(asked(OTHER), unit_price=Decimal("0.20"))
    plan = plan_of([take()], lock(submitted()))
    (wanted,) = plan.debts
    assert (wanted.account, wanted.may_cost) == (ACCOUNT, Decimal("0.50"))
    (unwanted,) = plan_of([], lock(replace(submitted(), asked=at_a_price))).debts
    assert unwanted.may_cost == Decimal("1.00")
    (unknown,) = plan_of([], lock(replace(submitted(), asked=replace(at_a_price, unit_price=None)))).debts
    assert unknown.may_cost is None
    (adopted,) = plan_of([take()], lock(submitting())).debts
    assert adopted.may_cost == 0, "it is the step that counts it"
    (paid,) = plan_of([take()], lock(succeeded())).debts
    assert paid.may_cost == 0
    (foreign,) = plan_of([take()], lock(of_account(submitted(), OTHER_ACCOUNT))).debts
    assert (foreign.account, foreign.may_cost) == (OTHER_ACCOUNT, Decimal("0.50"))
    (unanswered,) = plan_of([take()], lock(unclear())).debts
    assert unanswered.may_cost == Decimal("0.50"), "it may be billed as long as nobody knows better"


@pytest.mark.parametrize("entry", [submitting(), submitted(), succeeded(), rendered(), unclear(), failed()])
def test_what_only_the_emulator_has_rendered_is_no_clip_of_the_service(entry: Entry) -> None:
    rehearsed = lock(replace(entry, asked=replace(entry.asked, region="emulator")))
    (step,) = plan_of([take()], rehearsed, {"kitten": FileState.MATCHES}).steps
    assert (step.action, step.reasons) == (Action.RENDER, ("so far rendered only with the emulator",))
    plan = plan_of([], rehearsed)
    assert (plan.steps, [step.action for step in plan.retired]) == ((), [Action.RETIRED])


# ---- whose money it is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", [submitting(), submitted(), unclear()])
def test_a_task_of_another_region_is_left_to_a_run_that_goes_there(entry: Entry) -> None:
    elsewhere = lock(replace(entry, asked=replace(entry.asked, region="beijing")))
    for takes in ([take()], [OTHER], []):
        step = plan_of(takes, elsewhere, retry=everything, rerender=everything).steps[-1]
        assert step.action is Action.DECIDE
        assert "a run with --region beijing downloads its clip" in step.reasons


@pytest.mark.parametrize("entry", [submitting(), submitted(), unclear()])
def test_a_task_of_another_account_is_left_to_a_person_and_names_it(entry: Entry) -> None:
    foreign = lock(of_account(entry, OTHER_ACCOUNT))
    for takes in ([take()], []):
        step = plan_of(takes, foreign, retry=everything, rerender=everything).steps[-1]
        assert step.action is Action.DECIDE
        assert step.reasons[0] == f"it was asked for with another account, {OTHER_ACCOUNT.text}"
        assert "--same-account" in step.reasons[1]


@pytest.mark.parametrize("account", [None, OTHER_ACCOUNT])
def test_an_account_that_is_ours_after_all_or_was_not_noted_is_no_obstacle(account: Account | None) -> None:
    whose = Whose(account=ACCOUNT, same=frozenset({OTHER_ACCOUNT}))
    assert plan_of([take()], lock(of_account(submitted(), account)), whose=whose).steps[0].action is Action.FOLLOW


@pytest.mark.parametrize("entry", [succeeded(), rendered()])
def test_a_clip_that_another_account_has_paid_for_needs_only_its_link(entry: Entry) -> None:
    assert step_of(of_account(entry, OTHER_ACCOUNT)).action is Action.DOWNLOAD


# ---- other lockfiles of the project ----------------------------------------------------------------------------------


def test_of_a_neighbour_with_a_manifest_only_what_we_want_is_our_business() -> None:
    assert plan_of([], neighbours=(neighbour(submitted(), rendered(OTHER, number=2)),)).steps == ()
    assert plan_of([], neighbours=(neighbour(submitted()),)).debts == ()


def test_the_debts_of_a_lockfile_whose_manifest_is_gone_are_ours() -> None:
    """A run was killed, and the manifest renamed: nobody else would ever look for what was paid for."""
    alone = neighbour(submitting(), succeeded(OTHER, number=2), rendered(OTHER, number=3), is_alone=True)
    plan = plan_of([], neighbours=(alone,))
    assert [(debt.key, debt.step.action) for debt in plan.debts] == [
        (key("kitten", 1), Action.ADOPT),
        (key("kitten", 2), Action.DOWNLOAD),
    ]
    assert all(step.reasons[-1] == "on record in shots.lock.json" for step in plan.steps)
    assert plan.retired == (), "what is settled there stays on record there"


def test_a_debt_that_two_lockfiles_know_is_one() -> None:
    alone = neighbour(submitted(), is_alone=True)
    assert len(plan_of([], lock(submitted()), neighbours=(alone,)).debts) == 1
    assert [step.action for step in plan_of([take()], neighbours=(alone,)).steps] == [Action.FOLLOW]


@pytest.mark.parametrize("entry", [submitting(), submitted(), unclear()])
def test_a_request_that_another_run_has_in_hand_is_left_to_it(entry: Entry) -> None:
    busy = neighbour(entry, is_busy=True)
    (step,) = plan_of([take()], neighbours=(busy,), retry=everything, rerender=everything).steps
    assert step.action is Action.DECIDE
    assert step.reasons[0] == "a run of shots.lock.json has this request in hand"
    assert plan_of([], neighbours=(replace(busy, is_alone=True),)).debts == ()


@pytest.mark.parametrize("own", [failed(), canceled(), lost(), failed(code="DataInspectionFailed")])
@pytest.mark.parametrize("theirs", [submitted(number=2), succeeded(number=2), rendered(number=2)])
def test_where_our_request_came_to_nothing_the_clip_of_another_manifest_is_not_paid_for_again(
    own: Entry, theirs: Entry
) -> None:
    nothing_there = neighbour(failed(OTHER), name="a.lock.json")
    ended_there = neighbour(failed(number=3), name="b.lock.json")
    there = neighbour(theirs, name="c.lock.json", take_id="cat")
    step = plan_of([take()], lock(own), neighbours=(nothing_there, ended_there, there)).steps[0]
    assert step.action in (Action.FOLLOW, Action.DOWNLOAD)
    assert (step.cost, step.reasons[-1]) == (0, "on record in c.lock.json as cat")


def test_a_failure_of_another_manifest_does_not_stand_before_our_own_request() -> None:
    there = neighbour(failed(number=2, code="DataInspectionFailed"), take_id="cat")
    step = plan_of([take()], lock(submitted()), neighbours=(there,)).steps[0]
    assert (step.action, step.reasons) == (Action.FOLLOW, ("its task is running at the service",))
    assert plan_of([take()], lock(canceled()), neighbours=(there,)).steps[0].reasons == ("it was cancelled",)


# ---- failures --------------------------------------------------------------------------------------------------------


def test_a_failure_that_may_pass_is_tried_as_often_as_allowed() -> None:
    twice = lock(failed(number=1), failed(number=2))
    assert plan_of([take()], twice).steps[0].reasons[-1] == "attempt 3 of 3"
    thrice = lock(failed(number=1), failed(number=2), failed(number=3))
    assert plan_of([take()], thrice).steps[0].action is Action.DECIDE


def test_failures_count_under_every_name_that_the_request_had() -> None:
    known = Lock(requests={key(name, number): failed(number=number) for number, name in enumerate(("a", "b", "c"), 1)})
    assert plan_of([take()], known).steps[0].action is Action.DECIDE


def test_failures_of_another_request_do_not_count() -> None:
    tried = lock(*(failed(OTHER, number=number) for number in (1, 2, 3)), failed(number=4))
    assert plan_of([take()], tried).steps[0].action is Action.RENDER


def test_a_failure_that_came_after_the_clip_does_not_hide_it() -> None:
    """--rerender failed: the clip of the request before it is as good as it was."""
    known = lock(rendered(number=1), failed(number=2, code="DataInspectionFailed"))
    assert plan_of([take()], known, {"kitten": FileState.MATCHES}).steps[0].action is Action.KEEP


# ---- --retry and --rerender ------------------------------------------------------------------------------------------


def test_retry_and_rerender_turn_decisions_into_renders() -> None:
    for entry in (failed(code="DataInspectionFailed"), lost(), DEAD, DEAD_AT_THE_SERVICE, REFUSED):
        step = step_of(entry, retry=lambda take_id: take_id == "kitten")
        assert (step.action, step.reasons[-1]) == (Action.RENDER, "asked for with --retry")
        assert step_of(entry, rerender=everything).action is Action.RENDER
        assert step_of(entry, retry=lambda take_id: take_id == "cat").action is Action.DECIDE


def test_retry_leaves_alone_what_is_rendered_and_rerender_does_not() -> None:
    assert step_of(rendered(), FileState.MATCHES, retry=everything).action is Action.KEEP
    assert step_of(rendered(), FileState.MATCHES, rerender=everything).action is Action.RENDER


@pytest.mark.parametrize("entry", [submitting(), submitted(), succeeded(), unclear()])
def test_what_is_not_settled_is_never_paid_for_beside_itself(entry: Entry) -> None:
    before = step_of(entry).action
    assert step_of(entry, rerender=everything).action is before
    assert step_of(entry, retry=everything).action is before


def test_a_billed_task_without_a_link_is_not_paid_for_beside_itself_while_its_link_may_come() -> None:
    fresh = failed(code=NO_LINK)
    for options in ({"retry": everything}, {"rerender": everything}):
        assert step_of(fresh, **options).action is Action.DECIDE
        assert step_of(replace(fresh, ended_at=NOW - timedelta(hours=25)), **options).action is Action.RENDER


# ---- --new-seed ------------------------------------------------------------------------------------------------------


def again(*entries: Entry, of: Take, **options: Any) -> Step:
    """The step of a take that has these requests, and its clip in place, rendered again with another seed."""
    known = lock(*entries)
    return plan_of([of], known, {of.id: FileState.MATCHES}, rerender=everything, new_seed=True, **options).steps[0]


DERIVED = replace(take(), seed_is_derived=True)


def test_a_new_seed_takes_the_place_of_one_that_the_manifest_does_not_give() -> None:
    step = again(rendered(DERIVED), of=DERIVED)
    assert step.take is not None
    assert (step.action, step.reasons[-1]) == (Action.RENDER, "with another seed")
    assert step.take.request.parameters.seed != DERIVED.request.parameters.seed
    assert (step.take.reseeds, step.take.fingerprint == DERIVED.fingerprint) == (DERIVED.fingerprint, False)


def test_each_new_seed_differs_from_those_before_and_is_the_same_for_everybody() -> None:
    first = again(rendered(DERIVED), of=DERIVED).take
    assert first == again(rendered(DERIVED), of=DERIVED).take
    assert first is not None
    second = again(rendered(DERIVED), rendered(first, number=2), of=DERIVED).take
    assert second is not None
    assert len({one.request.parameters.seed for one in (DERIVED, first, second)}) == 3
    assert second.reseeds == DERIVED.fingerprint


def test_a_clip_with_a_new_seed_is_kept_for_its_take() -> None:
    reseeded = again(rendered(DERIVED), of=DERIVED).take
    assert reseeded is not None
    known = lock(rendered(DERIVED), rendered(reseeded, number=2))
    step = plan_of([DERIVED], known, {"kitten": FileState.MATCHES}).steps[0]
    assert (step.action, step.take) == (Action.KEEP, reseeded)


def test_a_request_with_a_new_seed_is_tried_again_with_that_seed() -> None:
    reseeded = again(failed(DERIVED, code="DataInspectionFailed"), of=DERIVED).take
    assert reseeded is not None
    known = lock(failed(DERIVED, code="DataInspectionFailed"), failed(reseeded, number=2))
    step = plan_of([DERIVED], known).steps[0]
    assert (step.action, step.take) == (Action.RENDER, reseeded)


def test_a_seed_that_the_manifest_gives_stays() -> None:
    step = again(rendered(), of=take())
    assert (step.take, step.reasons[-1]) == (take(), "the manifest gives its seed")


def test_a_new_seed_is_for_what_is_rendered_again_alone() -> None:
    assert plan_of([DERIVED], new_seed=True).steps[0].take == DERIVED


# ---- a file that is not ours -----------------------------------------------------------------------------------------


def test_a_file_on_no_record_is_named_and_left_until_a_person_says_otherwise() -> None:
    step = step_of(None, FileState.STRAY)
    assert step.reasons[0] == "renders/kitten.mp4 is here, but not on record"
    assert step_of(None, FileState.STRAY, retry=everything).action is Action.RENDER
    assert step_of(None, FileState.STRAY, rerender=everything).action is Action.RENDER


@pytest.mark.parametrize(
    ("entry", "action"),
    [(submitting(), Action.ADOPT), (submitted(), Action.FOLLOW), (succeeded(), Action.DOWNLOAD)],
)
def test_a_file_on_no_record_stops_nothing_that_is_owed(entry: Entry, action: Action) -> None:
    """A task that nobody follows is lost after a day, with what was paid for it."""
    assert step_of(entry, FileState.STRAY).action is action


def test_the_file_of_another_manifest_is_not_moved_out_of_the_way() -> None:
    disk = DiskFacts(
        clips={"kitten": FileState.STRAY},
        elsewhere={"kitten": "renders/.previous/kitten.cccccccccccc.mp4"},
        owners={"kitten": "film.lock.json"},
    )
    for known in (EMPTY, lock(rendered())):
        (step,) = plan_of([take()], known, disk=disk).steps
        assert (step.action, step.reasons[0]) == (Action.DECIDE, "renders/kitten.mp4 is on record in film.lock.json")
    (step,) = plan_of([take()], lock(rendered()), disk=disk, retry=everything).steps
    assert step.action is Action.REUSE, "nothing is paid for again that is at hand"


# ---- what a person is told to do -------------------------------------------------------------------------------------


def told(entry: Entry | None, file: FileState = FileState.MISSING, **options: Any) -> str:
    plan = plan_of([take()], EMPTY if entry is None else lock(entry), {"kitten": file}, **options)
    return "\n".join(next_steps(plan, lambda verb, *words: " ".join(("kfpipe", verb, *words))))


def test_only_what_is_lost_for_all_that_is_known_is_to_be_paid_for_again() -> None:
    paying = "if no backup has the clip, to render and pay again: kfpipe run --retry kitten"
    assert told(DEAD) == told(DEAD_AT_THE_SERVICE) == told(REFUSED) == paying
    assert told(failed(code="DataInspectionFailed")) == "to try again: kfpipe run --retry kitten"
    linkless = failed(code=NO_LINK)
    assert "--retry" not in told(replace(linkless, failure=replace(linkless.failure, billed=True)))


@pytest.mark.parametrize(
    ("entry", "file"),
    [
        (rendered(), FileState.POINTER),
        (DEAD, FileState.POINTER),
        (DEAD, FileState.STRAY),
        (failed(code="DataInspectionFailed"), FileState.STRAY),
        (None, FileState.STRAY),
        (of_account(submitted(), OTHER_ACCOUNT), FileState.MISSING),
        (of_account(submitting(), OTHER_ACCOUNT), FileState.MISSING),
        (unclear(), FileState.MISSING),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "asked") else str(value),
)
def test_nobody_is_told_to_pay_while_the_clip_may_be_had_otherwise(entry: Entry | None, file: FileState) -> None:
    assert "--retry" not in told(entry, file)
    assert "--rerender" not in told(entry, file)


def test_a_git_lfs_pointer_says_how_its_clip_is_fetched() -> None:
    assert step_of(DEAD, FileState.POINTER).reasons == (
        "renders/kitten.mp4 is only a Git LFS pointer to the clip on record",
        "`git lfs pull` fetches it",
    )


# ---- takes that continue others --------------------------------------------------------------------------------------


def going_on_from(source: str, take_id: str = "walk") -> Take:
    return take(take_id, cuts=((MediaRole.FIRST_FRAME, CutFrom(take_id=source, end=FrameEnd.LAST)),))


def test_a_take_whose_source_is_stuck_is_left_and_what_was_paid_for_it_is_fetched() -> None:
    earlier = take("walk", request=request(prompt="It walks."))
    known = Lock(
        requests={key("kitten"): failed(code="DataInspectionFailed"), key("walk"): submitted(earlier, number=2)}
    )
    plan = plan_of([take(), going_on_from("kitten"), going_on_from("walk", "home")], known)
    kitten, walk, home, debt = plan.steps
    assert (kitten.action, walk.action, home.action) == (Action.DECIDE, Action.DECIDE, Action.DECIDE)
    assert walk.reasons == ("continues from kitten, which the next run leaves as it is",)
    assert (walk.ready, walk.cost) == (None, 0)
    assert home.reasons == ("continues from walk, which the next run leaves as it is",)
    assert (debt.action, debt.id) == (Action.FOLLOW, key("walk"))


def test_a_take_that_waits_says_when_a_new_picture_would_render_it_again() -> None:
    walk = take("walk", request=request(prompt="It walks."))
    plan = plan_of([take(), going_on_from("kitten")], lock(rendered(walk), take_id="walk"))
    assert plan.steps[1].action is Action.WAIT
    assert plan.steps[1].reasons == ("continues from kitten", "rendered again if its picture changes")
    assert plan.steps[1].cost == Decimal("0.50")


# ---- sums and order --------------------------------------------------------------------------------------------------


def test_a_debt_has_the_model_and_account_that_it_was_asked_of() -> None:
    step = debt_of(submitted())
    assert (step.model, step.asked.account) == ("wan2.7-i2v", ACCOUNT)


def test_totals_add_up_by_model_and_name_what_has_no_price() -> None:
    flash = replace(request(), model="wan2.2-kf2v-flash")
    words = {name: request(prompt=name) for name in "abd"}
    takes = [take("a", request=words["a"]), take("b", request=words["b"])]
    takes += [take("c", request=flash, unit_price=None), take("d", request=words["d"])]
    plan = plan_of(takes, lock(rendered(takes[3]), take_id="d"), {"d": FileState.MATCHES})
    first, second = plan.totals()
    assert (first.model, first.takes, first.renders, first.seconds, first.cost) == (
        "wan2.7-i2v", 3, 2, 10, Decimal("1.00"),
    )  # fmt: skip
    assert (second.model, second.cost, second.unpriced) == ("wan2.2-kf2v-flash", 0, 1)
    assert plan.cost == Decimal("1.00")
    assert [step.take_id for step in plan.unpriced] == ["c"]


def test_the_plan_keeps_manifest_order_and_lists_what_no_take_asks_for_last() -> None:
    plan = plan_of([take("z", request=request(prompt="z")), take("a")], lock(submitted(OTHER), take_id="m"))
    assert [step.take_id for step in plan.steps] == ["z", "a", "m"]
    assert [step.take_id for step in plan.takes] == ["z", "a"]


@pytest.mark.parametrize(
    "entry",
    [submitting(), submitted(), succeeded(), rendered(), unclear(), failed(), canceled(), lost(), DEAD, REFUSED],
    ids=lambda entry: type(entry).__name__,
)
@pytest.mark.parametrize(
    "takes", [[], [take()], [take("cat")], [OTHER]], ids=["gone", "as it was", "renamed", "edited"]
)
def test_no_request_is_left_out_of_the_plan(entry: Entry, takes: list[Take]) -> None:
    """Whatever the manifest says by now, each is in one step, and an unsettled one that can be settled is a debt."""
    plan = plan_of(takes, lock(entry))
    steps = [step for step in (*plan.steps, *plan.retired) if step.record is not None and step.record.entry == entry]
    assert len([step for step in steps if step.take is None or (step.record and step.record.is_wanted)]) == 1
    if is_unsettled(entry) and entry is not REFUSED:
        assert [debt.key for debt in plan.debts] == [key()]
