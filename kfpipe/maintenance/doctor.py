"""Is this machine set up? Everything that support would ask first, checked in one go.

The key itself is never part of an answer. Without `online` nothing is sent anywhere.
"""

from __future__ import annotations

import platform
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

import av
import av.codec
import yaml

from kfpipe import environment, keychain
from kfpipe.addresses import is_loopback
from kfpipe.catalogue import Catalogue, Region
from kfpipe.errors import AccountRefused, Refused, ServiceRefused, ServiceUnclear
from kfpipe.files import durable
from kfpipe.lock.book.database import FOLDER, BookLost, Database, discard
from kfpipe.maintenance import terms
from kfpipe.provider.transport import Answer, Transport, is_secure
from kfpipe.provider.wire import date_of
from kfpipe.version import __version__
from kfpipe.wording import visible

NEWEST_PYTHON: Final = (3, 14)
LEAST_FREE_BYTES: Final = 1_000_000_000
CLOCK_TOLERANCE_S: Final = 120
"""A link's life is counted by this clock, and by the service's: minutes do not matter, hours lose clips."""

_TIMEOUT_S: Final = 10.0
_ANSWER_LIMIT_BYTES: Final = 1 << 20


class Grade(StrEnum):
    """How a check came out. A note is worth knowing; what needs attention makes the command exit with 1."""

    FINE = "fine"
    NOTE = "note"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One answer; `fix` says what to do about what is not fine."""

    topic: str
    what: str
    verdict: Grade = Grade.FINE
    fix: str | None = None


def offline(folder: Path, variables: Mapping[str, str], accounts: Iterable[str] = ()) -> Iterator[Check]:
    """What can be checked without a network. `folder` is where kfpipe would work, `variables` the process's own.

    `accounts` are those with a name that are worked for there.
    """
    yield Check(topic="kfpipe", what=f"{__version__}, in {Path(__file__).parents[1]}")
    yield _python()
    yield _libraries()
    yield _yaml()
    yield _codecs()
    yield from _keys(folder, variables, accounts)
    yield _books(environment.state_home(variables))
    yield from _disk(folder)


def _python() -> Check:
    what = f"{platform.python_implementation()} {platform.python_version()} on {platform.platform(terse=True)}"
    if sys.version_info[:2] > NEWEST_PYTHON:
        fix = f"if something fails, try Python {'.'.join(map(str, NEWEST_PYTHON))}"
        return Check(
            topic="Python", what=f"{what}, which is newer than any version that was tested", verdict=Grade.NOTE, fix=fix
        )
    return Check(topic="Python", what=what)


def _libraries() -> Check:
    try:
        needed = [line for line in requires("kfpipe") or () if "extra ==" not in line]
    except PackageNotFoundError:
        what = "kfpipe runs from a folder without being installed, so its dependencies are not known"
        return Check(topic="libraries", what=what, verdict=Grade.NOTE, fix="pip install kfpipe")
    versions = {name: _version(name) for name in sorted(re.split(r"[^\w.-]", line)[0] for line in needed)}
    missing = [name for name, found in versions.items() if found is None]
    if missing:
        what = f"not installed: {', '.join(missing)}"
        return Check(topic="libraries", what=what, verdict=Grade.ATTENTION, fix="install kfpipe again")
    return Check(topic="libraries", what=", ".join(f"{name} {found}" for name, found in versions.items()))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _yaml() -> Check:
    if yaml.__with_libyaml__:
        return Check(topic="YAML", what="read by the C library")
    what = "read without the C library: large manifests take minutes instead of seconds"
    fix = "install PyYAML from a wheel: pip install --only-binary :all: --force-reinstall pyyaml"
    return Check(topic="YAML", what=what, verdict=Grade.NOTE, fix=fix)


def _codecs() -> Check:
    wanted: tuple[tuple[str, str], ...] = (("h264", "r"), ("libx264", "w"), ("aac", "w"))
    missing = [name for name, mode in wanted if not _has_codec(name, mode)]
    if missing:
        what = f"PyAV lacks {', '.join(missing)}: clips cannot be checked, or the emulator cannot make them"
        fix = "install PyAV from a wheel: pip install --only-binary :all: --force-reinstall av"
        return Check(topic="codecs", what=what, verdict=Grade.ATTENTION, fix=fix)
    return Check(topic="codecs", what="PyAV reads and writes H.264 and AAC")


def _has_codec(name: str, mode: str) -> bool:
    try:
        av.codec.Codec(name, "w" if mode == "w" else "r")
    except av.codec.codec.UnknownCodecError:
        return False
    return True


def _keys(folder: Path, variables: Mapping[str, str], accounts: Iterable[str]) -> Iterator[Check]:
    """Where the key of each account was found, never what it is: of that without a name first."""
    try:
        written = environment.read({}, folder).keys.keys()
    except Refused as refusal:
        problem = refusal.problems[0]
        what, fix = f"{problem.file}: {problem.what}", problem.expected
        yield Check(topic="key", what=what, verdict=Grade.ATTENTION, fix=fix)
        return
    named = sorted(set(accounts))
    for account in (None, *named):
        yield _key(account, folder, variables, written)
    given = {name for name in (*variables, *written) if name.startswith(f"{environment.API_KEY}_")}
    for name in sorted(given.difference(map(environment.key_name, named))):
        if place := _place(name, folder, variables, written):
            yield Check(topic=f"key {name}", what=f"{place}, for an account that no manifest of this folder names")


def _key(account: str | None, folder: Path, variables: Mapping[str, str], written: Collection[str]) -> Check:
    name, topic = environment.key_name(account), "key" if account is None else f"key of {visible(account)}"
    if place := _place(name, folder, variables, written):
        return Check(topic=topic, what=place)
    login = "kfpipe login" if account is None else f"kfpipe login {visible(account)}"
    if keychain.key(account) is not None:
        return Check(topic=topic, what=f"in the keyring, as `{login}` has put it")
    fix = f"put {name}=... into the environment or into a file .env, or use `{login}`"
    what, why = "none: the emulator needs none, but the service does", keychain.trouble()
    return Check(topic=topic, what=what if why is None else f"{what} (keyring: {why})", verdict=Grade.NOTE, fix=fix)


def _place(name: str, folder: Path, variables: Mapping[str, str], written: Collection[str]) -> str:
    """Which of the two a variable with a key is in, the one that wins; empty where it is in none."""
    if variables.get(name, "").strip():
        return f"in the environment, as {name}"
    return f"in {folder / '.env'}" if name in written else ""


def _books(home: Path) -> Check:
    """Whether runs can share the limits of their accounts: a book is made for a trial, and those there are opened."""
    topic, folder = "account book", home / FOLDER
    path = trial = folder / f"doctor-{secrets.token_hex(4)}.sqlite3"
    try:
        for path in (trial, *sorted(folder.glob("*.sqlite3"))):
            Database(path).close()
    except BookLost as lost:
        what = f"{path}: {lost}: runs of one account do not know of each other"
        fix = f"delete it, if no run is on: it is made again; or set {environment.STATE_HOME} to another folder"
        return Check(topic=topic, what=what, verdict=Grade.ATTENTION, fix=fix)
    finally:
        discard(trial)
    return Check(topic=topic, what=f"one for each account, in {folder}")


# ---- disk --------------------------------------------------------------------------------------------------------


def _disk(folder: Path) -> Iterator[Check]:
    free_bytes = shutil.disk_usage(folder).free
    what = f"{free_bytes / 1e9:.1f} GB free in {folder}"
    if free_bytes < LEAST_FREE_BYTES:
        fix = "free some space: a run that fills the disk stops, and the next one continues it"
        yield Check(topic="disk", what=what, verdict=Grade.ATTENTION, fix=fix)
    else:
        yield Check(topic="disk", what=what)
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".kfpipe-Case-") as file:
            file.write(b"kfpipe")
            durable.sync(file.fileno())
            told_apart = not Path(file.name).with_name(Path(file.name).name.swapcase()).exists()
    except OSError as error:
        what, fix = f"nothing can be written in {folder}: {durable.reason(error)}", "work in a folder of your own"
        yield Check(topic="writing", what=what, verdict=Grade.ATTENTION, fix=fix)
        return
    yield Check(topic="writing", what="files can be written and synced")
    yield _case(told_apart)


def _case(told_apart: bool) -> Check:
    if told_apart:
        return Check(topic="names", what="file names are case-sensitive")
    what = "file names are not case-sensitive"
    return Check(topic="names", what=what, verdict=Grade.NOTE, fix="give shots ids that differ in more than case")


# ---- online ------------------------------------------------------------------------------------------------------


async def online(
    known: Catalogue, region: Region, settings: environment.Environment, now: Callable[[], datetime]
) -> list[Check]:
    """Whether the service answers, accepts the key, has the catalogue's prices and limits, and what time it is there.

    A few requests, free of charge: a page of the task list, and with a key the account's list of models and its limits.
    """
    try:
        url = (settings.trusted_base_url() or region.base_url(None) or "").rstrip("/")
    except Refused as refusal:
        (problem,) = refusal.problems
        return [Check(topic="service", what=problem.what, verdict=Grade.ATTENTION, fix=problem.fix)]
    local = is_loopback(url)
    if not url:
        what = f"the region {region.name} has no address of its own: each workspace has one"
        fix = f"set {environment.BASE_URL}={region.workspace_url('WORKSPACE')}"
        return [Check(topic="service", what=what, verdict=Grade.ATTENTION, fix=fix)]
    if not is_secure(url, local=local):
        what = f"{url} is not an address that kfpipe would send a key to"
        return [Check(topic="service", what=what, verdict=Grade.ATTENTION, fix=f"correct {environment.BASE_URL}")]
    try:
        answer = await _first_answer(url, settings.api_key, local=local)
    except (Refused, ServiceRefused, ServiceUnclear) as trouble:
        fix = "check the network, the proxy and the CA variables"
        return [Check(topic="service", what=f"{url}: {trouble}", verdict=Grade.ATTENTION, fix=fix)]
    checks = [Check(topic="service", what=f"{url} answers (HTTP {answer.status})")]
    checks += [*_opinion(answer, has_key=settings.api_key is not None), _clock(answer, now())]
    if settings.api_key is not None and answer.status == 200:
        checks += await _catalogue(known, region, url, settings.api_key)
    return checks


async def _first_answer(url: str, api_key: str | None, *, local: bool) -> Answer:
    """One task of the account's list: what needs the key and costs nothing."""
    headers = {"User-Agent": f"kfpipe/{__version__}"}
    if api_key is not None:
        headers["Authorization"] = f"Bearer {api_key}"
    secret = api_key or "sk-"  # nothing else of an answer needs to be struck out
    async with Transport(headers=headers, direct=local, secret=secret) as transport:
        return await transport.ask(
            "GET",
            f"{url}/tasks/",
            params={"page_no": "1", "page_size": "1"},
            silence_s=_TIMEOUT_S,
            deadline_s=_TIMEOUT_S,
            limit_bytes=_ANSWER_LIMIT_BYTES,
        )


async def _catalogue(known: Catalogue, region: Region, url: str, api_key: str) -> list[Check]:
    """What the account says of the models otherwise than the catalogue."""
    topic = "catalogue"
    try:
        found = await terms.compared(known, region, base_url=url, api_key=api_key)
    except (AccountRefused, ServiceRefused, ServiceUnclear) as trouble:
        what = f"the account's list of models could not be read: {trouble}"
        return [Check(topic=topic, what=what, verdict=Grade.NOTE)]
    differing = [
        Check(topic=topic, what=f"{one.model}: {remark.what}", verdict=Grade.ATTENTION, fix=remark.fix)
        for one in found
        for remark in one.remarks
        if remark.verdict is terms.Agreement.DIFFERS
    ]
    what = f"the account's prices and limits in {region.name} are those of the catalogue, as far as they could be read"
    return differing or [Check(topic=topic, what=what)]


def _opinion(answer: Answer, *, has_key: bool) -> Iterator[Check]:
    """Whether the service accepts the key, if one was sent."""
    if has_key and answer.status in (401, 403):
        fix = "check the key: it holds for one region only"
        yield Check(topic="account", what="the service refuses the key", verdict=Grade.ATTENTION, fix=fix)
    elif has_key and answer.status == 200:
        yield Check(topic="account", what="the service accepts the key")


def _clock(answer: Answer, now: datetime) -> Check:
    theirs = date_of(answer.headers)
    if theirs is None:
        return Check(topic="clock", what="the service does not say what time it is", verdict=Grade.NOTE)
    offset_s = round((now - theirs).total_seconds())
    if abs(offset_s) > CLOCK_TOLERANCE_S:
        what = f"this machine's clock is {abs(offset_s)} s {'ahead' if offset_s > 0 else 'behind'}"
        fix = "set the clock: kfpipe relies on it to know how long a link to a clip is valid"
        return Check(topic="clock", what=what, verdict=Grade.ATTENTION, fix=fix)
    return Check(topic="clock", what=f"within {CLOCK_TOLERANCE_S} s of the service's")
