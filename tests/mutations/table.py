"""What must not pass unnoticed: one change of the code each, and the tests that have to fail then. Sorted by file."""

from __future__ import annotations

from typing import Final

from tests.mutations.lock import LOCK
from tests.mutations.mutation import Mutation
from tests.mutations.others import OTHERS
from tests.mutations.plan import PLAN
from tests.mutations.runner import RUNNER

MUTATIONS: Final[tuple[Mutation, ...]] = tuple(
    sorted((*LOCK, *OTHERS, *PLAN, *RUNNER), key=lambda mutation: mutation.file)
)
