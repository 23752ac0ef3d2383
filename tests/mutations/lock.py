"""What would lose or twist the record."""

from __future__ import annotations

from typing import Final

from tests.mutations.mutation import within

LOCK: Final = (
    *within(
        "lock/join.py",
        (
            "submitted-before-lost",
            "(Submitted, Lost, Canceled, Failed, Succeeded, Rendered)\n",
            "(Lost, Submitted, Canceled, Failed, Succeeded, Rendered)\n",
            "lock/test_merge.py::test_of_two_tasks_of_one_request_the_one_that_went_further_stands",
        ),
        (
            "canceled-before-lost",
            "(Submitted, Lost, Canceled, Failed, Succeeded, Rendered)\n",
            "(Submitted, Canceled, Lost, Failed, Succeeded, Rendered)\n",
            "lock/test_merge.py::test_of_two_tasks_of_one_request_the_one_that_went_further_stands",
        ),
        (
            "failed-before-canceled",
            "(Submitted, Lost, Canceled, Failed, Succeeded, Rendered)\n",
            "(Submitted, Lost, Failed, Canceled, Succeeded, Rendered)\n",
            "lock/test_merge.py::test_of_two_tasks_of_one_request_the_one_that_went_further_stands",
        ),
        (
            "succeeded-before-failed",
            "(Submitted, Lost, Canceled, Failed, Succeeded, Rendered)\n",
            "(Submitted, Lost, Canceled, Succeeded, Failed, Rendered)\n",
            "lock/test_merge.py::test_of_two_tasks_of_one_request_the_one_that_went_further_stands",
        ),
        (
            "rendered-before-succeeded",
            "(Submitted, Lost, Canceled, Failed, Succeeded, Rendered)\n",
            "(Submitted, Lost, Canceled, Failed, Rendered, Succeeded)\n",
            "lock/test_merge.py::test_of_two_tasks_of_one_request_the_one_that_went_further_stands",
        ),
        (
            "given-up-hidden-by-candidates",
            "        if doubts.given_up_at is not None:\n",
            "        if doubts.given_up_at is not None and not doubts.candidates:\n",
            "lock/test_merge.py::test_of_a_request_without_a_task_what_was_found_out_last_stands",
        ),
        (
            "unclear-hidden-by-a-refusal",
            "        if doubts.candidates:\n            return Unclear",
            "        if doubts.candidates and self.refusal is None:\n            return Unclear",
            "lock/test_merge.py::test_of_a_request_without_a_task_what_was_found_out_last_stands",
        ),
        (
            "refusal-forgotten",
            "return Submitting(asked=self.asked) if self.refusal is None else replace(self.refusal, asked=self.asked)",
            "return Submitting(asked=self.asked)",
            "lock/test_merge.py::test_of_a_request_without_a_task_what_was_found_out_last_stands",
        ),
        (
            "candidates-dropped",
            "candidates=self.candidates | other.candidates,",
            "candidates=self.candidates,",
            "lock/test_merge.py::test_what_was_in_doubt_stays_known_whatever_the_other_side_says",
        ),
        (
            "given-up-dropped",
            "given_up_at=_first(self.given_up_at, other.given_up_at),",
            "given_up_at=self.given_up_at,",
            "lock/test_merge.py::test_what_was_in_doubt_stays_known_whatever_the_other_side_says",
        ),
        (
            "rivals-dropped",
            "doubts=replace(doubts, rivals=tuple(rivals))",
            "doubts=doubts",
            "lock/test_merge.py::test_of_two_tasks_of_one_request_the_one_that_went_further_stands",
        ),
        (
            "keeper-is-the-later-one",
            "keeper, loser = sorted(",
            "loser, keeper = sorted(",
            "lock/test_merge.py::test_a_task_that_two_requests_name_is_that_ones_which_was_asked_first",
        ),
        (
            "loser-forgets-its-task",
            "candidates=left.candidates | {task_id}",
            "candidates=left.candidates",
            "lock/test_merge.py::test_a_task_that_two_requests_name_is_that_ones_which_was_asked_first",
        ),
        (
            "keeper-learns-nothing",
            "moved.joined(kept.tasks.get(task_id, moved))",
            "kept.tasks.get(task_id, moved)",
            "lock/test_merge.py::test_a_task_that_two_requests_name_is_that_ones_which_was_asked_first",
        ),
        (
            "smaller-bill-counts",
            "return result.cost is not None, result.cost or Decimal(0),",
            "return result.cost is not None, -(result.cost or Decimal(0)),",
            "lock/test_merge.py::test_of_two_bills_of_one_task_the_larger_one_counts",
        ),
        (
            "dead-link-revived",
            'result.url_expires_at, "?" not in result.video_url,',
            'result.url_expires_at, "?" in result.video_url,',
            "lock/test_merge.py::test_a_clip_that_was_moved_on_one_side_is_found_there_and_the_dead_link_stays_dead",
        ),
        (
            "clip-is-where-it-was-first",
            "place = max(one, other,",
            "place = min(one, other,",
            "lock/test_merge.py::test_a_clip_that_was_moved_on_one_side_is_found_there_and_the_dead_link_stays_dead",
        ),
    ),
    *within(
        "lock/journal.py",
        (
            "checksum-not-compared",
            "if found is None or int(found[1], 16) != zlib.crc32(found[2]):",
            "if found is None:",
            "lock/test_journal.py::test_a_last_line_that_does_not_match_its_checksum_is_dropped_with_all_it_holds",
        ),
        (
            "damage-ends-the-journal-in-silence",
            "if number == len(whole) and not rest:",
            "if number:",
            "lock/test_journal.py::test_damage_before_the_last_line_stops_with_its_line",
        ),
        (
            "seen-when-it-was-last-seen",
            "seen = {**reader.seen(), **seen}",
            "seen = {**seen, **reader.seen()}",
            "lock/test_journal.py::test_a_task_is_seen_when_it_was_first_seen",
        ),
    ),
    *within(
        "lock/ledger.py",
        (
            "intent-not-synced",
            "durable.sync(self._descriptor)",
            "pass",
            "lock/test_ledger.py::test_the_line_and_the_names_of_its_folders_are_synced_before_record_returns",
        ),
        (
            "journals-folder-not-synced",
            "            if is_new:\n                durable.sync_folder",
            "            if False:\n                durable.sync_folder",
            "lock/test_ledger.py::test_the_line_and_the_names_of_its_folders_are_synced_before_record_returns",
        ),
        (
            "journal-open-to-others",
            'getattr(os, "O_BINARY", 0), 0o600',
            'getattr(os, "O_BINARY", 0), 0o644',
            "lock/test_ledger.py::test_the_journal_is_the_users_alone_also_when_it_is_written_anew",
        ),
        (
            "rewritten-journal-open-to-others",
            "mode=0o600)",
            "mode=0o644)",
            "lock/test_ledger.py::test_the_journal_is_the_users_alone_also_when_it_is_written_anew",
        ),
        (
            "shown-before-it-is-on-disk",
            "            await anyio.to_thread.run_sync(self._journal.append, line())\n            then()",
            "            then()\n            await anyio.to_thread.run_sync(self._journal.append, line())",
            "lock/test_ledger.py::test_nobody_sees_a_request_before_it_is_on_the_disk",
        ),
        (
            "waiting-news-replaced",
            "batch.entries[key] = joined(batch.entries.get(key, entry), entry)",
            "batch.entries[key] = entry",
            "lock/test_ledger.py::test_two_news_of_one_request_in_one_write_are_joined",
        ),
        (
            "answer-not-shielded",
            "with anyio.CancelScope(shield=True):\n            if can_wait:",
            "with anyio.CancelScope(shield=False):\n            if can_wait:",
            "lock/test_ledger.py::test_a_cancelled_run_still_records_an_answer_that_was_paid_for",
        ),
        (
            "told-before-it-is-written",
            "            await self._flushed(batch)\n",
            "            await self._flushed(batch) if not can_wait else None\n",
            "lock/test_ledger.py::test_what_can_wait_is_written_with_what_comes_meanwhile_and_else_by_itself",
        ),
        (
            "broken-writer-goes-on",
            "if self._broken is not None:",
            "if False:",
            "lock/test_ledger.py::test_whatever_a_writer_fails_with_nothing_is_written_after_it",
        ),
        (
            "only-a-disk-error-breaks-the-writer",
            "except BaseException as error:",
            "except OSError as error:",
            "lock/test_ledger.py::test_whatever_a_writer_fails_with_nothing_is_written_after_it",
        ),
        (
            "half-a-line-left",
            "os.ftruncate(self._descriptor, self._sound_bytes)",
            "pass",
            "lock/test_ledger.py::test_a_full_disk_stops_recording_and_keeps_what_was_recorded",
        ),
        (
            "deleted-journal-not-noticed",
            "elif not os.fstat(self._descriptor).st_nlink:",
            "elif False:",
            "lock/test_ledger.py::test_a_journal_that_is_deleted_during_a_run_stops_it_and_loses_nothing",
        ),
        (
            "fold-overwrites",
            "if lockfile.identity(path) != self._identity:",
            "if False:",
            "lock/test_ledger.py::test_a_colleagues_lockfile_that_git_brings_during_a_run_is_joined_not_overwritten",
        ),
        (
            "young-requests-not-kept",
            "if entry.asked.asked_at > since}",
            "if not since}",
            "lock/test_ledger.py::test_at_the_end_the_journal_is_joined_into_the_lockfile_and_keeps_what_is_young",
        ),
        (
            "seen-by-another-machines-clock",
            "if any(isinstance(entry, Submitting | Unclear) for entry in new):",
            "if not new:",
            "lock/test_ledger.py::test_what_was_seen_rules_out_no_task_of_another_machines_request",
        ),
        (
            "seen-by-a-clock-set-back",
            "at = max([self._now(), *(entry.asked.asked_at for entry in self.requests.view.values())])",
            "at = self._now()",
            "promises/faults/test_snapshot.py::test_a_clock_that_was_set_back_rules_out_no_task_of_an_earlier_request",
        ),
    ),
    *within(
        "lock/records.py",
        (
            "newest-though-it-failed",
            "return not isinstance(entry, Ended), entry.asked.asked_at, key",
            "return entry.asked.asked_at, key",
            "lock/test_records.py::test_the_newest_request_that_has_not_ended_counts",
        ),
        (
            "oldest-of-several",
            "else max(known, key=_rank)",
            "else min(known, key=_rank)",
            "lock/test_records.py::test_of_failures_alone_the_newest_counts",
        ),
        (
            "random-seeds-shared",
            "wanted[take.id] = [known for known in wanted[take.id] if name_of(known[0]) == take.id]",
            "pass",
            "lock/test_records.py::test_takes_of_random_seeds_each_have_their_own",
        ),
        (
            "left-over-given-twice",
            "claimed.add(wanted[take.id][0][0])",
            "pass",
            "lock/test_records.py::test_of_those_that_nobody_wants_the_newest_that_has_not_ended_is_taken_each_once",
        ),
        (
            "random-seed-borrowed",
            "if take.request.draws_seed:\n            return None",
            "if False:\n            return None",
            "lock/test_records.py::test_takes_of_random_seeds_borrow_nothing_from_another_manifest",
        ),
        (
            "borrowed-before-ones-own",
            "if own and found is not None and not isinstance(found.entry, Ended):",
            "if False:",
            "lock/test_records.py::test_a_clip_asked_for_later_elsewhere_does_not_hide_ones_own_question",
        ),
        (
            "rehearsal-taken-for-the-service",
            "return [known for known in found if not is_rehearsal(known[1], self.region)]",
            "return found",
            "lock/test_records.py::test_what_the_emulator_answered_is_no_clip_of_the_services",
        ),
        (
            "pick-left-behind",
            "follows = record.is_wanted and",
            "follows = False and",
            "lock/test_records.py::test_a_pick_follows_its_take_to_another_name",
        ),
        (
            "pick-runs-away",
            "for take_id in self.picked.values() if take_id not in present}",
            "for take_id in self.picked.values()}",
            "lock/test_records.py::test_a_pick_of_a_take_that_is_still_there_follows_nothing",
        ),
    ),
    *within(
        "lock/workspace.py",
        (
            "neighbours-tasks-unknown",
            "return {task_id for entry in found for task_id in tasks_of(entry)}",
            "return set()",
            "lock/test_records.py::test_a_neighbours_journal_counts_also_before_its_first_lockfile",
        ),
        (
            "neighbours-journals-overlooked",
            'Path(folder, STATE_DIR).glob("*.journal")',
            'Path(folder, STATE_DIR).glob("*.none")',
            "lock/test_records.py::test_a_neighbours_journal_counts_also_before_its_first_lockfile",
        ),
    ),
    *within(
        "lock/usual.py",
        (
            "seed-beyond-the-schema",
            " and int(found.seed) > SEED_MAX",
            " and int(found.seed) > 10 * SEED_MAX",
            "lock/test_usual_laws.py::test_at_the_bounds_of_the_schema_the_pattern_takes_no_more_than_it",
        ),
        (
            "path-out-of-the-project",
            "_STEP: Final = r'[^\"\\\\/.:\\x00",
            "_STEP: Final = r'[^\"\\\\/:\\x00",
            "lock/test_usual_laws.py::test_at_the_bounds_of_the_schema_the_pattern_takes_no_more_than_it",
        ),
    ),
    *within(
        "lock/text.py",
        (
            "requests-behind-the-last-one",
            'if picks["requests"] or not fits_schema',
            "if not fits_schema",
            "lock/test_usual_laws.py::test_a_request_that_begins_elsewhere_than_in_the_layout_is_not_passed_over",
        ),
    ),
)
