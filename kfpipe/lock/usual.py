"""The request of most takes, rendered and never in doubt, read from kfpipe's own layout of the lockfile.

One pattern finds its values and proves what the schema asks of them, in a third of the time that a JSON reader and a
validator take. It knows fewer texts than the schema, and no others: what it does not match is read as JSON. Parts that
many requests have in common are read once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from kfpipe.domain import SEED_MAX, Account, MediaRole, Parameters, Variant
from kfpipe.files.jsontext import parse_json
from kfpipe.files.scalars import exact_decimal, parse_decimal, parse_time
from kfpipe.lock.codec import account_of, approval_from_json, fidelity_from_json, media_of, same, variant_from_json
from kfpipe.lock.states import Approval, Asked, Render, Rendered, Result, Task

LONGEST_PROMPT: Final = 1_000_000
_SEED_DIGITS: Final = len(str(SEED_MAX))
_NULL: Final = "null"

_CHARACTER: Final = r'[^"\\\x00-\x1f]'
_WORD: Final = rf'"{_CHARACTER}{{1,1000}}"'
_PROMPT: Final = rf'"{_CHARACTER}*+(?:\\["\\nt]{_CHARACTER}*+)*+"'
_MOMENT: Final = (
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"
)
_TIME: Final = f'"({_MOMENT})"'
_MEDIUM: Final = f'"(?:{"|".join(MediaRole)})": {_WORD}'
_AMOUNT: Final = r'"(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?"'
_LIKENESS: Final = r'(?:null|"-?(?:1\.00|0\.[0-9]{2})")'
_COUNT: Final = "(?:0|[1-9][0-9]{0,8})"
_SIDE: Final = "[1-9][0-9]{0,3}"
_STEP: Final = r'[^"\\/.:\x00-\x1f\x7f][^"\\/:\x00-\x1f\x7f]{0,254}'
_PATH: Final = f"{_STEP}(?:/{_STEP}){{0,9}}"

MEMBER: Final = re.compile(f"""\
    "({_PATH}/[0-9a-f]{{10}})": {{
      "state": "rendered",
      "fingerprint": "({_CHARACTER}{{1,1000}})",
      ("account": {{
        "host": {_WORD},
        "workspace": (?:null|{_WORD}),
        "key": (?:null|"[0-9a-f]{{12}}"),
        "name": (?:null|{_WORD})
      }},
      "model": {_WORD},
      "region": {_WORD}),
      "seed": (null|0|[1-9][0-9]{{0,9}}),
      "parameters": ({{
        "resolution": {_WORD},
        "duration": {_SIDE},
        "prompt_extend": (?:null|true|false),
        "watermark": (?:null|true|false)(?:,
        "audio": (?:true|false))?(?:,
        "template": {_WORD})?(?:,
        "variant": \\{{\\}})?
      }}),
      "prompt": ({_PROMPT}),
      "negative_prompt": ({_PROMPT}),
      "media": ({{
        {_MEDIUM}(?:,
        {_MEDIUM}){{0,3}}
      }}),
      "asked_at": {_TIME},
      "task_id": "((?!\\.)[^"\\\\/\\x00-\\x1f\\x7f]{{1,1000}})",
      "request_id": (null|{_WORD}),
      "submitted_at": {_TIME},
      "finished_at": {_TIME},
      "video_url": "({_CHARACTER}{{1,65536}})",
      "url_expires_at": {_TIME},
      "actual_prompt": (null|{_PROMPT}),
      ("billed_seconds": {_AMOUNT},
      "unit_price": (?:null|{_AMOUNT}),
      "cost": (?:null|{_AMOUNT}),
      "currency": {_WORD}),
      "render": {{
        "path": "({_PATH})",
        "sha256": "([0-9a-f]{{64}})",
        "bytes": (0|[1-9][0-9]{{0,17}}),
        ("width": {_SIDE},
        "height": {_SIDE},
        "fps": {_AMOUNT},
        "duration": {_AMOUNT},
        "audio": (?:true|false),
        "codec": (?:null|"{_CHARACTER}{{1,100}}"),
        "remarks": \\[(?:
          {_WORD}(?:,
          {_WORD}){{0,9}}
        )?\\],
        "moved": {_COUNT}(?:,
        "fidelity": {{
          "first": {_LIKENESS},
          "last": {_LIKENESS}
        }})?)
      }},
      "failure": null,
      "candidates": \\[\\](?:,
      "approved": ({{
        "by": "[^"\\\\\\x00-\\x1f\\x7f-\\x9f]{{1,200}}",
        "at": "{_MOMENT}"
      }}))?
    }}""")
"""A request of the lockfile, with its key."""


class _Found(NamedTuple):
    """The groups of the pattern behind the key. What is quoted, or may be null, is as it stands in the file."""

    fingerprint: str
    payer: str
    seed: str
    settings: str
    prompt: str
    negative_prompt: str
    media: str
    asked_at: str
    task_id: str
    request_id: str
    submitted_at: str
    finished_at: str
    video_url: str
    url_expires_at: str
    actual_prompt: str
    bill: str
    path: str
    sha256: str
    size_bytes: str
    look: str
    approved: str | None


def rendered(values: Iterable[str]) -> Rendered | None:
    """What `MEMBER` has found of a request behind its key; None where a value is beyond what the schema allows.

    Raises ValueError for a day that is not in the calendar.
    """
    found = _Found._make(values)
    longest = max(len(found.prompt), len(found.negative_prompt), len(found.actual_prompt))
    if longest > LONGEST_PROMPT or (len(found.seed) == _SEED_DIGITS and int(found.seed) > SEED_MAX):
        return None
    bill = _bill(found.bill)
    return Rendered(asked=_asked(found, bill), task=_task(found), result=_result(found, bill), render=_render(found))


def _asked(found: _Found, bill: _Bill) -> Asked:
    account, model, region = _payer(found.payer)
    settings = _settings(found.settings)
    seed = None if found.seed == _NULL else int(found.seed)
    return Asked(
        fingerprint=found.fingerprint,
        model=model,
        region=region,
        account=account,
        prompt=_text(found.prompt),
        negative_prompt=_repeated_text(found.negative_prompt),
        parameters=Parameters(**settings.parameters, seed=seed),
        media=_media(found.media),
        unit_price=bill.unit_price,
        currency=bill.currency,
        asked_at=parse_time(found.asked_at),
        template=settings.template,
        variant=settings.variant,
        approval=None if found.approved is None else _approval(found.approved),
    )


def _task(found: _Found) -> Task:
    return Task(
        task_id=found.task_id,
        request_id=None if found.request_id == _NULL else found.request_id[1:-1],
        submitted_at=parse_time(found.submitted_at),
    )


def _result(found: _Found, bill: _Bill) -> Result:
    return Result(
        finished_at=parse_time(found.finished_at),
        video_url=found.video_url,
        url_expires_at=parse_time(found.url_expires_at),
        actual_prompt=None if found.actual_prompt == _NULL else _text(found.actual_prompt),
        billed_seconds=bill.billed_seconds,
        cost=bill.cost,
    )


def _render(found: _Found) -> Render:
    return Render(path=found.path, sha256=found.sha256, size_bytes=int(found.size_bytes), **_look(found.look))


def _text(quoted: str) -> str:
    """The text without its quotes and backslashes."""
    return json.loads(quoted) if "\\" in quoted else quoted[1:-1]


_repeated_text: Final = lru_cache(maxsize=1 << 10)(_text)


@lru_cache(maxsize=1 << 10)
def _payer(fields: str) -> tuple[Account, str, str]:
    read = json.loads(f"{{{fields}}}")
    return account_of(**read["account"]), same(read["model"]), same(read["region"])


class _Settings(NamedTuple):
    """The settings of a request; `parameters` are without the seed."""

    parameters: Mapping[str, Any]
    template: str | None
    variant: Variant | None


@lru_cache(maxsize=1 << 10)
def _settings(fields: str) -> _Settings:
    read = json.loads(fields)
    parameters = {
        "resolution": same(read["resolution"]),
        "duration_s": read["duration"],
        "prompt_extend": read["prompt_extend"],
        "watermark": read["watermark"],
        "audio": read.get("audio"),
    }
    return _Settings(parameters, read.get("template"), variant_from_json(read.get("variant")))


@lru_cache(maxsize=1 << 10)
def _approval(fields: str) -> Approval:
    return approval_from_json(json.loads(fields))


@lru_cache(maxsize=1 << 14)
def _media(fields: str) -> Mapping[MediaRole, str]:
    return media_of(*parse_json(fields).items())  # which refuses two media for one part


class _Bill(NamedTuple):
    """What one clip has cost."""

    billed_seconds: Decimal
    unit_price: Decimal | None
    cost: Decimal | None
    currency: str


@lru_cache(maxsize=1 << 10)
def _bill(fields: str) -> _Bill:
    read = json.loads(f"{{{fields}}}")
    return _Bill(
        billed_seconds=exact_decimal(read["billed_seconds"]),
        unit_price=parse_decimal(read["unit_price"]),
        cost=parse_decimal(read["cost"]),
        currency=same(read["currency"]),
    )


@lru_cache(maxsize=1 << 12)
def _look(fields: str) -> Mapping[str, Any]:
    read = json.loads(f"{{{fields}}}")
    return {
        "width_px": read["width"],
        "height_px": read["height"],
        "fps": exact_decimal(read["fps"]),
        "duration_s": exact_decimal(read["duration"]),
        "audio": read["audio"],
        "codec": read["codec"] and same(read["codec"]),
        "remarks": tuple(read["remarks"]),
        "moved": read["moved"],
        "fidelity": fidelity_from_json(read["fidelity"]) if "fidelity" in read else None,
    }
