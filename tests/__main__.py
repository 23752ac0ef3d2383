"""`python -m tests`: every proof of docs/reliability.md in full, printed as the tables of that page; takes an hour."""

from __future__ import annotations

import sys

from tests.mutations.__main__ import main as mutations
from tests.promises.crash.__main__ import main as crash
from tests.promises.faults.__main__ import main as faults
from tests.promises.fuzz.__main__ import main as fuzz


def main() -> int:
    """Returns the exit code: 1 when a promise was not kept."""
    kept = [faults([]) == 0]
    for prove in (crash, lambda: fuzz([]), lambda: mutations([])):
        print(flush=True)
        kept.append(prove() == 0)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
