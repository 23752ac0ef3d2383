"""Plans for tests, made from what is on record of a few takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kfpipe.domain import Take
from kfpipe.lock.records import Record, Records
from kfpipe.lock.states import Entry
from kfpipe.media.facts import DiskFacts, FileState
from kfpipe.plan.decide import make
from kfpipe.plan.model import Plan, PlanFacts, Whose
from tests.support.makers import ACCOUNT, NOW, record


def on_record(take: Take, entry: Entry, *earlier: Entry, picked: bool = False) -> Record:
    """What is on record of a take; `earlier` requests were made before, oldest first."""
    is_wanted = entry.asked.fingerprint == take.fingerprint
    return record(entry, *earlier, take_id=take.id, picked=picked, is_wanted=is_wanted)


def records_of(*pairs: tuple[Take, Entry]) -> Records:
    """One request for each of these takes."""
    return {take.id: on_record(take, entry) for take, entry in pairs}


def planned(
    takes: Sequence[Take], records: Records | None = None, files: Mapping[str, FileState] | None = None
) -> Plan:
    """The plan for these takes, with these clips on disk."""
    found = records or {}
    requests = [known for one in found.values() for known in (*one.others, (one.key, one.entry))]
    facts = PlanFacts(
        records=found,
        requests=requests,
        disk=DiskFacts(clips=files or {}),
        region="singapore",
        now=NOW,
        whose=Whose(account=ACCOUNT),
    )
    return make(takes, facts, currency="USD", output_dir="renders")
