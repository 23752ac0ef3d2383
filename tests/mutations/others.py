"""What would lose a file, or ask the wrong account."""

from __future__ import annotations

from typing import Final

from tests.mutations.mutation import within

OTHERS: Final = (
    *within(
        "accounts.py",
        (
            "foreign-account-recognised-as-ours",
            "if report.status is not TaskStatus.UNKNOWN:",
            "if True:",
            "test_accounts.py::test_another_account_is_ours_once_the_service_shows_its_task_to_us",
        ),
        (
            "any-group-of-accounts-is-ours",
            "if any(account.is_like(one) for one in group):",
            "if True:",
            "test_accounts.py::test_what_was_learned_of_one_key_is_said_of_no_other",
        ),
    ),
    *within(
        "files/durable.py",
        (
            "file-renamed-before-it-is-synced",
            "            sync(file.fileno())\n        if mode is None",
            "            pass\n        if mode is None",
            "files/test_durable.py::test_the_new_bytes_are_on_the_disk_before_the_name_and_the_name_before_it_returns",
        ),
        (
            "rename-not-synced",
            "        raise\n    sync_folder(target.parent)",
            "        raise",
            "files/test_durable.py::test_the_new_bytes_are_on_the_disk_before_the_name_and_the_name_before_it_returns",
        ),
    ),
    *within(
        "media/download.py",
        (
            "resumed-whatever-the-version",
            "elif partial.size_bytes and body.tag != partial.tag:",
            "elif False:",
            "media/test_download.py::test_the_rest_of_another_version_is_not_put_behind_the_first_part",
        ),
        (
            "torn-part-trusted",
            "return tag if partial.is_file() and partial.stat().st_size == size_bytes else None",
            "return tag",
            "media/test_download.py::test_a_partial_file_that_a_crash_left_behind_is_not_trusted",
        ),
        (
            "clip-renamed-before-it-is-synced",
            "durable.sync(file.fileno())",
            "pass",
            "media/test_download.py::test_a_file_is_on_the_disk_before_it_has_its_name",
        ),
    ),
    *within(
        "media/placement.py",
        (
            "older-clip-overwritten",
            "        set_aside(target, older)\n",
            "",
            "media/test_download.py::test_a_render_that_is_replaced_is_set_aside",
        ),
    ),
)
