"""What would pay again, forget a debt, or leave to a person what a run can do."""

from __future__ import annotations

from typing import Final

from tests.mutations.mutation import within

PLAN: Final = (
    *within(
        "plan/consent.py",
        (
            "under-way-not-counted-for-the-cap",
            "len(plan.unpriced), plan.cap_cost + plan.under_way",
            "len(plan.unpriced), plan.cap_cost",
            "plan/test_consent.py::test_what_is_under_way_counts_for_the_cap",
        ),
        (
            "unpriced-is-within-the-cap",
            "if cap is not None and not unpriced and cost <= cap:",
            "if cap is not None and cost <= cap:",
            "plan/test_consent.py::test_only_what_fits_an_agreed_cap_is_spent_unasked",
        ),
        (
            "unpriced-costs-nothing",
            "if not unpriced and not plan.cap_cost:",
            "if not plan.cap_cost:",
            "plan/test_consent.py::test_only_what_fits_an_agreed_cap_is_spent_unasked",
        ),
        (
            "on-record-not-counted-for-the-total",
            "max(total - plan.on_record, Decimal(0))",
            "total",
            "plan/test_consent.py::test_what_is_on_record_counts_for_the_total_and_the_lower_limit_holds",
        ),
        (
            "higher-of-two-limits",
            "return min(given) if given else None",
            "return max(given) if given else None",
            "plan/test_consent.py::test_what_is_on_record_counts_for_the_total_and_the_lower_limit_holds",
        ),
    ),
    *within(
        "plan/decide.py",
        (
            "clip-never-rendered-is-kept",
            'return Action.RENDER, ("never rendered",)',
            'return Action.KEEP, ("never rendered",)',
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "unanswered-is-asked-for-again",
            'return Action.ADOPT, ("the last run stopped',
            'return Action.RENDER, ("the last run stopped',
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "under-way-is-asked-for-again",
            'return Action.FOLLOW, ("its task is running',
            'return Action.RENDER, ("its task is running',
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "paid-clip-is-asked-for-again",
            "return _not_here_yet(entry, facts.now)",
            'return Action.RENDER, ("paid for",)',
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "link-dead-by-the-clock-alone",
            'return Action.DOWNLOAD, (reason, f"its link was to expire',
            'return Action.DECIDE, (reason, f"its link was to expire',
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "what-is-no-video-is-downloaded-for-ever",
            "if entry.result.refused is not None:",
            "if False:",
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "altered-clip-is-kept",
            "if file is FileState.MATCHES:",
            "if file in (FileState.MATCHES, FileState.ALTERED):",
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "missing-clip-is-asked-for-again",
            'return _gone_from_here(entry, facts.now, f"{take.output} is {file}")',
            'return Action.RENDER, (f"{take.output} is {file}",)',
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "pointer-is-downloaded-over",
            "if file is FileState.POINTER:",
            "if False:",
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "clip-at-hand-not-used",
            "if take.id in facts.disk.elsewhere:",
            "if False:",
            "plan/test_decide.py::test_a_clip_that_is_at_hand_elsewhere_is_brought_into_place_and_nothing_is_asked",
        ),
        (
            "lasting-failure-is-paid-for-again",
            "if not verdict(code, message).may_pass:",
            "if False:",
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "one-attempt-too-many",
            "if tried >= take.attempts:",
            "if tried > take.attempts:",
            "plan/test_decide.py::test_a_failure_that_may_pass_is_tried_as_often_as_allowed",
        ),
        (
            "cancelled-waits-for-a-person",
            'return Action.RENDER, ("it was cancelled",)',
            'return Action.DECIDE, ("it was cancelled",)',
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "lost-is-paid-for-again",
            "if entry.failure.code == ABANDONED:",
            "if entry.failure.code:",
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "given-up-waits-for-a-person",
            'return Action.RENDER, ("it was given up as lost",)',
            'return Action.DECIDE, ("it was given up as lost",)',
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "unclear-is-asked-for-again",
            'return Action.DECIDE, ("its answer was lost",',
            'return Action.RENDER, ("its answer was lost",',
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "stray-file-moved-away",
            "elif file is FileState.STRAY and not _is_open(record, action, facts.now):",
            "elif False:",
            "plan/test_decide.py::test_each_state_has_its_next_act",
        ),
        (
            "other-region-not-noticed",
            "if asked.region != facts.region:",
            "if False:",
            "plan/test_decide.py::test_a_task_of_another_region_is_left_to_a_run_that_goes_there",
        ),
        (
            "anothers-run-not-left-alone",
            "if record.place is not None and record.place.is_busy:",
            "if False:",
            "plan/test_decide.py::test_a_request_that_another_run_has_in_hand_is_left_to_it",
        ),
        (
            "rerender-beside-what-is-under-way",
            "if wish.rerender and action is not Action.RENDER and not _is_open(record, action, facts.now):",
            "if wish.rerender and action is not Action.RENDER:",
            "plan/test_decide.py::test_what_is_not_settled_is_never_paid_for_beside_itself",
        ),
        (
            "retry-beside-what-is-under-way",
            "elif wish.retry and action is Action.DECIDE and not _is_open(record, action, facts.now):",
            "elif wish.retry and action is Action.DECIDE:",
            "plan/test_decide.py::test_what_is_not_settled_is_never_paid_for_beside_itself",
        ),
        (
            "unanswered-debt-forgotten",
            'return Action.ADOPT, ("its request may',
            'return Action.RETIRED, ("its request may',
            "plan/test_decide.py::test_what_no_take_asks_for_is_settled_and_kept_on_record",
        ),
        (
            "debt-under-way-forgotten",
            'return Action.FOLLOW, ("its task was paid',
            'return Action.RETIRED, ("its task was paid',
            "plan/test_decide.py::test_what_no_take_asks_for_is_settled_and_kept_on_record",
        ),
        (
            "paid-debt-left-at-the-service",
            'return Action.DOWNLOAD, ("its clip was paid',
            'return Action.RETIRED, ("its clip was paid',
            "plan/test_decide.py::test_what_no_take_asks_for_is_settled_and_kept_on_record",
        ),
        (
            "debts-of-a-lockfile-alone-forgotten",
            "if neighbour.is_alone and not neighbour.is_busy]",
            "if False]",
            "plan/test_decide.py::test_the_debts_of_a_lockfile_whose_manifest_is_gone_are_ours",
        ),
    ),
    *within(
        "plan/gather.py",
        (
            "under-way-not-gathered",
            "under_way=_under_way(whole)",
            "under_way=Decimal(0)",
            "plan/test_gather.py::test_what_is_under_way_is_counted_for_all_takes_whatever_is_selected",
        ),
    ),
    *within(
        "plan/model.py",
        (
            "foreign-account-taken-for-ours",
            "return self.account.is_like(asked.account) or any(one.is_like(asked.account) for one in self.same)",
            "return True",
            "plan/test_decide.py::test_a_task_of_another_account_is_left_to_a_person_and_names_it",
        ),
    ),
    *within(
        "plan/narrow.py",
        (
            "twins-paid-for-each",
            "steps = tuple(_without_twins(kept.values()))",
            "steps = tuple(kept.values())",
            "plan/test_narrow.py::test_of_two_takes_that_ask_for_one_clip_the_second_waits_and_costs_nothing",
        ),
        (
            "random-seeds-are-twins",
            "if take is None or take.request.draws_seed:",
            "if take is None:",
            "plan/test_narrow.py::test_takes_with_a_random_seed_are_no_twins",
        ),
        (
            "twin-paid-for-in-the-others-stead",
            "elif twin.action is Action.DECIDE:",
            "elif False:",
            "plan/test_narrow.py::test_a_twin_of_what_a_person_has_to_decide_is_not_paid_for_in_its_stead",
        ),
        (
            "twin-rendered-again-later",
            "twin=twin.take_id, wish=NO_WISH)",
            "twin=twin.take_id)",
            "plan/test_narrow.py::test_twins_that_are_rendered_again_are_paid_for_once",
        ),
        (
            "unanswered-of-others-not-reserved",
            "under_way=plan.under_way + _left_alone(plan, chosen),",
            "under_way=plan.under_way,",
            "runner/test_run.py::test_what_an_earlier_run_has_left_without_an_answer_counts_for_the_cap",
        ),
    ),
)
