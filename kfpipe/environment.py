"""What the environment says: the key, the address, time-outs. Variables win over `.env` of the current folder."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from kfpipe.errors import Refused

API_KEY: Final = "DASHSCOPE_API_KEY"
BASE_URL: Final = "DASHSCOPE_HTTP_BASE_URL"
SUBMIT_TIMEOUT: Final = "KFPIPE_SUBMIT_TIMEOUT"
EMULATOR_CLOCK: Final = "KFPIPE_EMULATOR_CLOCK"

SUBMIT_TIMEOUT_S: Final = 60.0
EMULATOR_FACTOR: Final = 120.0
"""Virtual seconds in a real one: a render of minutes takes a few seconds, long enough to be watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Settings from outside the manifest. `api_key` is None when there is none; it never shows in a repr."""

    api_key: str | None = field(repr=False)
    base_url: str | None
    submit_timeout_s: float
    emulator_factor: float


def read(variables: Mapping[str, str] | None = None, folder: Path | None = None) -> Environment:
    """The environment's settings: `variables` (the process's own unless given), then `.env` in `folder` (the current).

    Only the current folder's `.env` is read: one that came with a stranger's manifest must not choose an address.
    """
    values = {**_dotenv((folder or Path.cwd()) / ".env"), **(os.environ if variables is None else variables)}
    return Environment(
        api_key=values.get(API_KEY, "").strip() or None,
        base_url=values.get(BASE_URL, "").strip() or None,
        submit_timeout_s=_positive(values, SUBMIT_TIMEOUT, SUBMIT_TIMEOUT_S),
        emulator_factor=_positive(values, EMULATOR_CLOCK, EMULATOR_FACTOR),
    )


def without_key() -> dict[str, str]:
    """The process's own variables for a program that it starts, without the key."""
    return {name: value for name, value in os.environ.items() if name != API_KEY}


def _dotenv(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused.because(str(file), f"cannot be read: {error}", expected="NAME=value lines in UTF-8") from error
    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value is not None}


def _positive(values: Mapping[str, str], name: str, default: float) -> float:
    text = values.get(name, "").strip()
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise Refused.because(
            name, f"'{text}' is not a number greater than 0", expected=f"a number, such as {default:g}"
        )
    return number


def now() -> datetime:
    """The time of day, in the milliseconds that the lockfile keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
