"""Keys in the keyring of the operating system. Needs the extra `kfpipe[keyring]`; without it, there are none.

An entry has the service `kfpipe`, and the name of the account, or `default` for the one without a name.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any, Final

from kfpipe.errors import Refused
from kfpipe.wording import echoed

SERVICE: Final = "kfpipe"
UNNAMED: Final = "default"
_ACCESS: Final = "unlock the keyring, or set the key in the environment or in a .env file"


def is_installed() -> bool:
    """Whether the extra is there; it is not loaded."""
    return find_spec("keyring") is not None


def key(account: str | None) -> str | None:
    """The account's key; None where there is none, or no keyring that can be read: `trouble` says why."""
    return _looked_up(account)[0]


def trouble() -> str | None:
    """Why the keyring cannot be read; None where it can, and without the extra."""
    return _looked_up(None)[1]


def keep(account: str | None, secret: str) -> str:
    """Store the account's key, in place of an older one; the keyring that took it. Raises Refused."""
    keyring = _loaded()
    try:
        keyring.set_password(SERVICE, _entry(account), secret)
    except Exception as error:  # noqa: BLE001  each backend raises what its own library does
        raise _refused(error) from None  # the cause might quote the key
    _looked_up.cache_clear()
    return str(keyring.get_keyring().name)


def forget(account: str | None) -> bool:
    """Remove the account's key; whether there was one. Raises Refused."""
    keyring = _loaded()
    try:
        is_there = keyring.get_password(SERVICE, _entry(account)) is not None
        if is_there:
            keyring.delete_password(SERVICE, _entry(account))
    except Exception as error:
        raise _refused(error) from error
    _looked_up.cache_clear()
    return is_there


def shown_so_far() -> list[str]:
    """The keys that this process has looked up: what no message may contain."""
    return sorted(_seen)


def account_text(account: str | None) -> str:
    """The account in a sentence."""
    return "the account without a name" if account is None else f"the account {echoed(account)}"


def refuse_unusable(account: str | None) -> None:
    """Before somebody types a key: raises Refused without the extra, and for a name that no entry can have."""
    _entry(account)
    _loaded()


_seen: Final = set[str]()


@cache
def _looked_up(account: str | None) -> tuple[str | None, str | None]:
    """The account's key, and why there is none. Asked once: a keyring may ask the user each time."""
    if account == UNNAMED or not is_installed():
        return None, None
    import keyring  # slow, and an extra

    try:
        found = keyring.get_password(SERVICE, account or UNNAMED)
    except Exception as error:  # noqa: BLE001  each backend raises what its own library does
        return None, _reason(error)
    secret = (found or "").strip() or None
    _seen.update([secret] if secret else [])
    return secret, None


def _entry(account: str | None) -> str:
    if account == UNNAMED:
        fix = "leave the name out, or give the account another one"
        raise Refused.because("account", f"{UNNAMED!r} is the entry of the account that has no name", fix=fix)
    return account or UNNAMED


def _loaded() -> Any:
    if not is_installed():
        fix = "install the extra with `pip install 'kfpipe[keyring]'`"
        raise Refused.because("keyring", "the library that reads it is not installed", fix=fix)
    import keyring

    return keyring


def _refused(error: Exception) -> Refused:
    return Refused.because("keyring", _reason(error), fix=_ACCESS)


def _reason(error: Exception) -> str:
    """What went wrong, by its kind alone: a backend's own words may hold anything."""
    from keyring.errors import NoKeyringError

    if isinstance(error, NoKeyringError):
        return "this system has no keyring that can be used"
    return f"it cannot be used ({type(error).__name__})"
