"""What would take another's task for ours, or spend more than was agreed."""

from __future__ import annotations

from typing import Final

from tests.mutations.mutation import within

_TURN: Final = "            self._gate.slot_after(intend) as answered,\n"
_HURRIED_TURN: Final = "            self._gate.slot() as answered,\n"
_SHIELD: Final = """\
            self._context.shields.raised(),
        ):
            self._context.sent_at_s[key] = sent_at_s = anyio.current_time()
"""
_POST: Final = "            accepted = await self._sent(key, asked, request, media_urls)\n"

RUNNER: Final = (
    *within(
        "runner/delivery.py",
        (
            "shots-continue-from-what-nobody-has-looked-over",
            "if self._awaits(arrived.step.id):",
            "if False:",
            "runner/test_examination.py::test_no_shot_continues_from_a_clip_that_turns_out_to_be_damaged",
        ),
    ),
    *within(
        "runner/examiner.py",
        (
            "damaged-clip-left-in-its-place",
            "aside = await self._fetcher.set_apart(step.output, entry.render.sha256)",
            "aside = self._fetcher._kept(self._folder / step.output, entry.render.sha256)",
            "runner/test_examination.py::test_damage_that_only_decoding_finds_has_the_clip_fetched_again_for_nothing",
        ),
    ),
    *within(
        "provider/client.py",
        (
            "short-page-of-the-list-believed",
            "if size != LIST_PAGE_SIZE and not wire.is_whole_page(answer, size=size):",
            "if False:",
            "provider/test_queries.py::test_a_large_page_that_may_hide_tasks_is_refused",
        ),
    ),
    *within(
        "media/download.py",
        (
            "wrong-checksum-believed",
            "raise BadRender(reason) if checksum.is_certain else Disputed(reason, sha256=sha256)",
            "return False",
            "media/test_download.py::test_a_checksum_of_the_store_vouches_for_the_file_or_has_it_fetched_again",
        ),
    ),
    *within(
        "lock/lockfile.py",
        (
            "measure-replaces-the-record",
            "joined(lock.requests[key], entry)",
            "entry",
            "lock/test_lockfile.py::test_what_is_found_out_about_a_request_takes_nothing_from_what_is_on_record_by_now",
        ),
    ),
    *within(
        "runner/adopter.py",
        (
            "blind-list-is-proof",
            "left_s = self._hidden_for_s({task.task_id for task in listed}, looked_at_s)",
            "left_s = 0.0",
            "promises/moving/test_service.py::test_a_list_that_shows_nothing_proves_nothing",
        ),
        (
            "list-may-hide-what-was-sent-later",
            "<= looked_at_s",
            "<= looked_at_s - context.settings.list_patience_s",
            "promises/moving/test_service.py::test_a_list_that_shows_nothing_proves_nothing",
        ),
        (
            "tasks-judged-before-their-answers",
            "            await self._interlock.all_answered()\n",
            "            pass\n",
            "runner/test_run.py::test_a_task_whose_answer_comes_late_is_not_taken_for_a_strangers",
            "runner/test_adopter.py::test_a_task_whose_answer_is_still_under_way_is_nobody_elses",
        ),
        (
            "one-look-is-proof",
            "if self._is_witnessed(key, listed):",
            "if True:",
            "promises/faults/test_absence.py::test_a_task_that_the_list_shows_late_is_waited_for",
        ),
        (
            "early-witness-believed",
            "own[task.task_id] >= sent_at_s for task",
            "sent_at_s for task",
            "promises/faults/test_absence.py::test_a_task_that_was_sent_before_the_lost_request_is_no_witness",
        ),
        (
            "neighbours-tasks-not-asked-for",
            "self._context.known.update(await anyio.to_thread.run_sync(self._context.settings.neighbours))",
            "pass",
            "runner/test_run.py::test_what_a_neighbour_has_asked_for_since_is_not_taken_for_the_task_of_a_killed_run",
        ),
        (
            "foreign-task-seen-before-is-a-candidate",
            "if seen_at is not None and seen_at < self._orphans[key].asked.asked_at:",
            "if False:",
            "promises/faults/test_snapshot.py::test_a_foreign_task_that_was_there_before_is_never_adopted",
        ),
        (
            "any-task-was-there-before",
            "< self._context.sent_at_s.get(key, -math.inf)",
            "< math.inf",
            "runner/test_adopter.py::test_a_task_that_a_list_first_showed_after_the_request_was_sent_may_be_its_own",
        ),
        (
            "list-judged-before-answers-are-here",
            "await self._interlock.all_answered()",
            "pass",
            "runner/test_adopter.py::test_a_task_whose_answer_is_still_under_way_is_nobody_elses",
        ),
        (
            "first-of-several-adopted",
            "if len(own) > 1 or (candidates.task_ids and not own):",
            "if candidates.task_ids and not own:",
            "promises/faults/test_snapshot.py::test_a_foreign_task_that_came_later_may_be_the_own_one",
        ),
        (
            "forgotten-task-is-nobodys",
            "forgotten.append(candidate.task_id)",
            "pass",
            "promises/faults/test_unclear.py::test_a_task_that_the_service_does_not_report_on_is_left_to_a_person",
        ),
        (
            "unfinished-candidate-is-nobodys",
            "if not candidates.is_complete:",
            "if False:",
            "runner/test_detached.py::test_a_task_that_may_be_the_own_one_is_not_waited_for",
        ),
        (
            "twins-in-the-wrong-order",
            "key=lambda one: self._orphans[one].asked.asked_at)",
            "key=lambda one: self._orphans[one].asked.asked_at, reverse=True)",
            "runner/test_adopter.py::test_as_many_tasks_as_twins_belong_to_them_in_the_order_in_which_they_were_made",
        ),
        (
            "turns-forgotten",
            "return [key for key in owners if key in first] or owners",
            "return owners",
            "runner/test_adopter.py::test_a_task_that_was_listed_before_a_twin_was_sent_is_not_the_twins",
        ),
    ),
    *within(
        "runner/budget.py",
        (
            "unknown-price-fits",
            "(cost is None or self.spent",
            "(cost is not None and self.spent",
            "runner/test_budget.py::test_an_unknown_price_fits_no_cap_but_goes_without_one",
        ),
        (
            "reserved-not-counted",
            "self.spent + self.reserved + cost > self.cap",
            "self.spent + cost > self.cap",
            "runner/test_budget.py::test_what_does_not_fit_is_not_reserved",
        ),
        (
            "estimate-counts-as-spent",
            "self.spent += billed or Decimal(0)",
            "self.spent += reserved or Decimal(0)",
            "runner/test_budget.py::test_what_was_billed_counts_not_what_was_estimated",
        ),
    ),
    *within(
        "runner/interlock.py",
        (
            "twins-do-not-wait-for-the-list",
            "while prompt in self._lost:",
            "while False:",
            "runner/test_right_of_way.py::test_after_a_lost_answer_the_next_twin_waits_until_the_list_was_read",
        ),
        (
            "twins-posted-together",
            "async with twins.turn:",
            "async with anyio.Lock():",
            "runner/test_right_of_way.py::test_twins_never_wait_for_their_answers_together",
        ),
        (
            "outstanding-answers-not-waited-for",
            "await answered.wait()",
            "pass",
            "runner/test_right_of_way.py"
            "::test_what_the_list_shows_is_judged_when_all_that_were_on_the_wire_have_their_answers",
        ),
    ),
    *within(
        "runner/lifecycle.py",
        (
            "cost-by-ordered-seconds",
            "asked.unit_price * billed_seconds,",
            "asked.unit_price * asked.parameters.duration_s,",
            "runner/test_lifecycle.py::test_a_request_costs_what_the_service_has_billed_not_what_was_ordered",
        ),
        (
            "lost-task-not-billed",
            '"the service no longer knows the task", None',
            '"the service no longer knows the task", False',
            "runner/test_lifecycle.py::test_of_a_task_that_the_service_has_forgotten_nobody_knows_whether_it_was_billed",
        ),
        (
            "unknown-for-a-moment-is-lost",
            "if report.status is TaskStatus.UNKNOWN and not _is_past(entry.task, report):",
            "if False:",
            "promises/faults/test_homecoming.py::test_a_young_task_that_stays_unknown_is_left_to_the_next_run",
        ),
        (
            "lost-by-this-machines-clock",
            "return report.answered_at is not None and",
            "return report.answered_at is None or",
            "runner/test_lifecycle.py::test_a_task_is_not_lost_by_this_machines_clock",
        ),
        (
            "sent-again-without-proof",
            "if isinstance(end, Ending) and end.is_absent:\n                    continue",
            "if end:\n                    continue",
            "promises/faults/test_unclear.py::test_a_task_that_the_service_does_not_report_on_is_left_to_a_person",
        ),
        (
            "unsettled-task-frees-its-money",
            "return end  # its task may be billed",
            "context.budget.release(take.cap_cost)\n                return end  # its task may be billed",
            "runner/test_run.py::test_what_a_task_may_cost_that_nobody_knows_the_end_of_stays_set_aside",
        ),
    ),
    *within(
        "runner/orphans.py",
        (
            "any-prompt-fits",
            "return has_prompt(report, asked) if by_prompt else",
            "return True if by_prompt else",
            "runner/test_orphans.py::test_the_prompt_shows_whose_task_it_is",
        ),
        (
            "owned-task-is-a-candidate",
            "if task.task_id not in known and task.status",
            "if task.status",
            "runner/test_orphans.py::test_candidates_have_no_owner_and_did_not_fail_oldest_first",
        ),
    ),
    *within(
        "runner/retry.py",
        (
            "first-page-of-the-list-alone",
            "while more:",
            "while page == 1:",
            "runner/test_retry.py::test_the_list_is_read_to_its_last_page",
        ),
    ),
    *within(
        "runner/run.py",
        (
            "under-way-not-reserved",
            "Budget(cap=settings.cap, reserved=plan.under_way + _adoptable(plan))",
            "Budget(cap=settings.cap)",
            "runner/test_run.py::test_what_an_earlier_run_has_left_without_an_answer_counts_for_the_cap",
        ),
    ),
    *within(
        "runner/submitter.py",
        (
            "intent-recorded-after-the-request",
            _TURN + _SHIELD + _POST,
            _HURRIED_TURN + _SHIELD + _POST + "            await intend()\n",
            "runner/test_run.py::test_an_intent_without_an_answer_is_adopted_by_the_next_run",
        ),
        (
            "request-on-the-wire-withdrawn",
            "if key not in self._unsettled:",
            "if True:",
            "runner/test_submitter.py::test_a_request_that_had_left_is_looked_for",
        ),
        (
            "anothers-task-id-accepted",
            "if task_id in self._context.known:",
            "if False:",
            "promises/faults/test_absence.py::test_a_task_that_belongs_to_another_request_is_nobodys_answer",
        ),
        (
            "list-not-read-before-the-first-request",
            "await self._snapshot.taken()",
            "pass",
            "promises/faults/test_snapshot.py::test_a_foreign_task_that_was_there_before_is_never_adopted",
        ),
        (
            "twins-not-known-by-their-prompt",
            "self._interlock.posting(twins)",
            "self._interlock.posting(key)",
            "runner/test_run.py::test_twins_are_never_on_the_wire_together",
        ),
    ),
)
