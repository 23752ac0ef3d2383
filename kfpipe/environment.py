"""What the environment says: the key, the address, time-outs. Variables win over `.env` of the current folder.

A key that neither has may be in the keyring.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kfpipe import keychain
from kfpipe.addresses import is_service_host, is_web_address
from kfpipe.errors import Refused
from kfpipe.wording import echoed

API_KEY: Final = "DASHSCOPE_API_KEY"
BASE_URL: Final = "DASHSCOPE_HTTP_BASE_URL"
SUBMIT_TIMEOUT: Final = "KFPIPE_SUBMIT_TIMEOUT"
LIST_PATIENCE: Final = "KFPIPE_LIST_PATIENCE"
EMULATOR_CLOCK: Final = "KFPIPE_EMULATOR_CLOCK"
STATE_HOME: Final = "KFPIPE_STATE_HOME"

_SECRETS: Final = (API_KEY, "GITHUB_TOKEN", "KFPIPE_NOTIFY", "KFPIPE_RUN_NOTIFY", "OTEL_EXPORTER_OTLP")
"""How the names of variables begin that are no business of a program which kfpipe starts."""

_NO_NAME: Final = re.compile(r"\W")
"""What the name of a variable cannot hold."""

SUBMIT_TIMEOUT_S: Final = 60.0
EMULATOR_FACTOR: Final = 120.0
"""Virtual seconds in a real one: a render of minutes takes a few seconds, long enough to be watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Settings from outside the manifest. `keys` are API keys by the variable's name; they never show in a repr.

    A key that is in none of these is looked up in the keyring. `list_patience_s` is None where nobody says how long a
    task may take to appear in the account's list. `trusted_with` are the variables whose keys may go to `base_url`,
    None for all keys: an address from a `.env` gets those of the same file alone. Whoever wrote that file, perhaps a
    stranger whose repository this is, must not receive another.
    """

    keys: Mapping[str, str] = field(repr=False)
    base_url: str | None
    submit_timeout_s: float
    emulator_factor: float
    list_patience_s: float | None = None
    trusted_with: frozenset[str] | None = None

    @property
    def api_key(self) -> str | None:
        """The key of the account that has no name; None when there is none."""
        return self.key_of(None)

    def key_of(self, account: str | None) -> str | None:
        """The key of a named account, or of the one without a name; None when there is none."""
        return self.keys.get(key_name(account)) or keychain.key(account)

    def trusted_base_url(self, account: str | None = None) -> str | None:
        """The address to send an account's key to, if one is given. Raises Refused for a stray one, and for none."""
        if self.base_url is not None and not is_web_address(self.base_url):
            raise Refused.because(
                BASE_URL,
                "it is not a web address, or it contains a login",
                expected="an address like https://dashscope-intl.aliyuncs.com/api/v1",
                fix="correct it, or unset it to use the address of the manifest's region",
            )
        trusted = self.trusted_with is None or key_name(account) in self.trusted_with
        if not trusted and self.key_of(account) is not None:
            raise Refused.because(
                ".env",
                f"{BASE_URL} names {echoed(self.base_url or '')}, and your key does not come from this file",
                expected="key and address from one source, or one of the service's own hosts",
                fix=f"if you trust that address, export {BASE_URL} too; if not, delete its line from .env",
            )
        return self.base_url


def read(variables: Mapping[str, str] | None = None, folder: Path | None = None) -> Environment:
    """The environment's settings: `variables` (the process's own unless given), then `.env` in `folder` (the current).

    Only the current folder's `.env` is read: one that came with a stranger's manifest must not choose an address.
    """
    own, written = (os.environ if variables is None else variables), _dotenv((folder or Path.cwd()) / ".env")
    values = {**written, **own}
    base_url = values.get(BASE_URL, "").strip() or None
    is_stray = base_url is not None and BASE_URL not in own and not _is_service(base_url)
    return Environment(
        keys=_keys(values),
        base_url=base_url,
        trusted_with=frozenset(_keys(values)) - frozenset(_keys(own)) if is_stray else None,
        submit_timeout_s=_positive(values, SUBMIT_TIMEOUT, SUBMIT_TIMEOUT_S),
        list_patience_s=_positive(values, LIST_PATIENCE, 120.0) if LIST_PATIENCE in values else None,
        emulator_factor=_positive(values, EMULATOR_CLOCK, EMULATOR_FACTOR),
    )


def key_name(account: str | None) -> str:
    """The variable with an account's key: `DASHSCOPE_API_KEY_ACME` for `acme`."""
    return API_KEY if account is None else f"{API_KEY}_{_NO_NAME.sub('_', account).upper()}"


def state_home(variables: Mapping[str, str] | None = None) -> Path:
    """The user's folder for what all projects share on this machine, made or not. A `.env` has no say in it."""
    named = (os.environ if variables is None else variables).get(STATE_HOME, "").strip()
    if named:
        return Path(named).expanduser().resolve()
    from platformdirs import user_state_path  # only who looks there needs it, here and below

    return user_state_path("kfpipe", appauthor=False)


def cache_home() -> Path:
    """The user's folder for what can be made again at any time; the same as `state_home` where that is named."""
    if os.environ.get(STATE_HOME, "").strip():
        return state_home()
    from platformdirs import user_cache_path

    return user_cache_path("kfpipe", appauthor=False)


def without_key() -> dict[str, str]:
    """The process's own variables for a program that it starts, without the keys and other secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)}


def _keys(values: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, value in values.items() if name.startswith(API_KEY) and (text := value.strip())}


def _dotenv(file: Path) -> dict[str, str]:
    """The variables of a `.env`, without those that it leaves open; none without such a file. Raises Refused."""
    if not file.is_file():
        return {}
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused.because(str(file), f"cannot be read: {error}", expected="NAME=value lines in UTF-8") from error
    from dotenv import dotenv_values  # loads a good deal, and only this file needs it

    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value is not None}


def _is_service(base_url: str) -> bool:
    try:
        return is_service_host(urlsplit(base_url).hostname or "")
    except ValueError:
        return False


def _positive(values: Mapping[str, str], name: str, default: float) -> float:
    """The number that a variable holds, `default` where it is empty. Raises Refused for what is not above 0."""
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
