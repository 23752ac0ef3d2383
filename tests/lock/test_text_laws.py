"""The lockfile gives back what it was given, in the same bytes; what is damaged is refused, never a crash."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfpipe.domain import SEED_MAX, Account, MediaRole, Parameters
from kfpipe.errors import Refused
from kfpipe.lock import text as locktext
from kfpipe.lock.codec import entry_from_json, entry_to_json, from_json, to_json
from kfpipe.lock.schema import Part, fits_schema
from kfpipe.lock.states import (
    Asked,
    Canceled,
    Doubts,
    Entry,
    Failed,
    Failure,
    Fidelity,
    Lock,
    Lost,
    RefusedFile,
    Render,
    Rendered,
    Result,
    Submitted,
    Submitting,
    Succeeded,
    Task,
    Unclear,
)
from tests.support import makers
from tests.support.ledgers import LEDGERS

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
WORD = st.text("abcdefXYZ0189-._ é猫", min_size=1, max_size=12)
NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
TAKE_ID = st.from_regex(r"[A-Za-zé猫][A-Za-z0-9é猫.@=,+-]{1,20}", fullmatch=True)
KEY = TAKE_ID.map(lambda take_id: f"{take_id}/0123456789")
DIGEST = st.text("0123456789abcdef", min_size=64, max_size=64)
PATH = NAME.map(lambda name: f"renders/{name}")
AMOUNT = st.decimals(0, 10**9, places=4, allow_nan=False, allow_infinity=False)
MOMENT = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
PARAMETERS = st.builds(
    Parameters,
    resolution=WORD,
    duration_s=st.integers(1, 60),
    prompt_extend=st.booleans(),
    watermark=st.booleans(),
    seed=st.none() | st.integers(0, SEED_MAX),
    audio=st.none() | st.booleans(),
)
ACCOUNT = st.builds(
    Account,
    host=WORD,
    workspace=st.none() | WORD,
    key=st.none() | st.text("0123456789abcdef", min_size=12, max_size=12),
    name=st.none() | WORD,
)
ASKED = st.builds(
    Asked,
    fingerprint=WORD,
    model=WORD,
    region=WORD,
    account=st.none() | ACCOUNT,
    prompt=TEXT,
    negative_prompt=TEXT,
    parameters=PARAMETERS,
    media=st.dictionaries(st.sampled_from(MediaRole), WORD),
    unit_price=st.none() | AMOUNT,
    currency=WORD,
    asked_at=MOMENT,
    template=st.none() | WORD,
)
TASK = st.builds(Task, task_id=NAME, request_id=st.none() | WORD, submitted_at=MOMENT)
RESULT = st.builds(
    Result,
    finished_at=MOMENT,
    video_url=WORD,
    url_expires_at=MOMENT,
    actual_prompt=st.none() | TEXT,
    billed_seconds=AMOUNT,
    cost=st.none() | AMOUNT,
    refused=st.none() | st.builds(RefusedFile, path=PATH, sha256=DIGEST),
)
LIKENESS = st.integers(-100, 100).map(lambda hundredths: Decimal(hundredths).scaleb(-2))
RENDER = st.builds(
    Render,
    path=PATH,
    sha256=DIGEST,
    size_bytes=st.integers(0, 1 << 40),
    width_px=st.integers(1, 8192),
    height_px=st.integers(1, 8192),
    fps=AMOUNT,
    duration_s=AMOUNT,
    audio=st.booleans(),
    codec=st.none() | WORD,
    remarks=st.lists(WORD, max_size=2).map(tuple),
    moved=st.integers(0, 9),
    fidelity=st.none() | st.builds(Fidelity, first=st.none() | LIKENESS, last=st.none() | LIKENESS),
)
FAILURE = st.builds(Failure, code=TEXT, message=TEXT, request_id=st.none() | WORD, billed=st.none() | st.booleans())
CANDIDATES = st.frozensets(NAME, max_size=3)


def _entries(doubts: st.SearchStrategy[Doubts]) -> st.SearchStrategy[Entry]:
    with_task = {"asked": ASKED, "task": TASK, "doubts": doubts}
    without = st.builds(Doubts, candidates=CANDIDATES, given_up_at=st.none() | MOMENT)
    ended = {"asked": ASKED, "ended_at": MOMENT, "failure": FAILURE}
    return st.one_of(
        st.builds(Submitting, asked=ASKED),
        st.builds(Unclear, asked=ASKED, doubts=st.builds(Doubts, candidates=CANDIDATES.filter(bool))),
        st.builds(Submitted, **with_task),
        st.builds(Succeeded, **with_task, result=RESULT),
        st.builds(Rendered, **with_task, result=RESULT, render=RENDER),
        *(st.builds(kind, **ended, task=st.none(), doubts=without) for kind in (Failed, Canceled, Lost)),
        *(st.builds(kind, **ended, task=TASK, doubts=doubts) for kind in (Failed, Canceled, Lost)),
    )


BARE = _entries(st.just(Doubts()))
ENTRIES = _entries(
    st.builds(
        Doubts,
        candidates=CANDIDATES,
        given_up_at=st.none() | MOMENT,
        rivals=st.lists(BARE, max_size=2).map(tuple),
    )
)


@settings(max_examples=60)
@given(ENTRIES)
def test_every_request_survives_its_json_form_and_the_schema_accepts_it(entry: Entry) -> None:
    fields = entry_to_json(entry)
    assert entry_from_json(fields) == entry
    assert fits_schema(Part.ENTRY, fields)


@settings(max_examples=50)
@given(LEDGERS, st.dictionaries(TAKE_ID, TAKE_ID, max_size=3), st.dictionaries(TAKE_ID, KEY, max_size=3))
def test_a_lock_survives_the_lockfile_whose_bytes_depend_on_no_order(
    requests: Mapping[str, Entry], picked: dict[str, str], picked_from: dict[str, str]
) -> None:
    lock = Lock(requests=requests, picked=picked, picked_from=picked_from)
    content = b"".join(locktext.pieces(lock))
    read = locktext.parsed(content, "shots.lock.json")
    assert read == lock == from_json(to_json(lock))
    backwards = Lock(
        requests=dict(reversed(read.requests.items())),
        picked=dict(reversed(read.picked.items())),
        picked_from=dict(reversed(read.picked_from.items())),
    )
    assert b"".join(locktext.pieces(backwards)) == content


@settings(max_examples=60)
@given(LEDGERS, st.data())
def test_a_damaged_lockfile_is_refused_or_read_never_a_crash(
    requests: Mapping[str, Entry], data: st.DataObject
) -> None:
    content = bytearray(b"".join(locktext.pieces(Lock(requests=requests))))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        locktext.parsed(bytes(content), "shots.lock.json")
    except Refused as refusal:
        assert all(problem.fix for problem in refusal.problems)
        assert refusal.problems


def in_blocks(content: bytes, size: int) -> Lock | None:
    return locktext.in_layout(content[start : start + size] for start in range(0, len(content), size))


@settings(max_examples=50)
@given(LEDGERS, st.dictionaries(TAKE_ID, TAKE_ID, max_size=3), st.integers(1, 3000))
def test_a_lockfile_is_read_from_blocks_of_any_size(
    requests: Mapping[str, Entry], picked: dict[str, str], size: int
) -> None:
    content = b"".join(locktext.pieces(Lock(requests=requests, picked=picked)))
    read = in_blocks(content, size)
    assert read == locktext.in_any_layout(content, "shots.lock.json")
    assert read is not None
    assert [*read.requests] == [*sorted(requests)]


@settings(max_examples=60)
@given(LEDGERS, st.integers(1, 3000), st.data())
def test_no_damage_is_overlooked_where_a_lockfile_is_read_from_blocks(
    requests: Mapping[str, Entry], size: int, data: st.DataObject
) -> None:
    lines = b"".join(locktext.pieces(Lock(requests=requests))).splitlines(keepends=True)
    here, there = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    match data.draw(st.sampled_from(["lost", "repeated", "moved", "turned"])):
        case "lost":
            del lines[here]
        case "repeated":
            lines.insert(there, lines[here])
        case "moved":
            lines.insert(there, lines.pop(here))
        case _:
            turned = bytearray(lines[here])
            turned[data.draw(st.integers(0, len(turned) - 1))] ^= data.draw(st.integers(1, 255))
            lines[here] = bytes(turned)
    content = b"".join(lines)
    read = in_blocks(content, size)
    if read is not None:
        assert read == locktext.in_any_layout(content, "shots.lock.json")


@pytest.mark.parametrize(
    ("entry", "again"),
    [(makers.submitting(), "a/0123456789"), (makers.submitted(), "b/0123456789")],
    ids=["the same request", "another one with its task"],
)
def test_what_only_one_request_can_have_is_not_read_from_two_blocks(entry: Entry, again: str) -> None:
    first, second = (b"".join(locktext.pieces(Lock(requests={key: entry}))) for key in ("a/0123456789", again))
    content = first.replace(END, b",\n" + second[second.index(b'    "') : second.index(END)] + END)
    assert in_blocks(content, 100) is None
    with pytest.raises(Refused):
        locktext.parsed(content, "shots.lock.json")


END = b'\n  },\n  "picked"'
