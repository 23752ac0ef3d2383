"""The address of a cluster's database, as a person gives it and as it may be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from kfpipe.errors import Refused
from kfpipe.wording import echoed

OPTION: Final = "--cluster"
_SCHEMES: Final = ("postgresql", "postgres")
_EXPECTED: Final = "an address like postgresql://kfpipe@db.studio.example/kfpipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`url` is for connecting, and may hold a password; `shown` is the same without it."""

    url: str = field(repr=False)
    shown: str

    @classmethod
    def of(cls, text: str) -> Address:
        """The address in what was typed. Raises Refused, without a word of the password."""
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError:
            raise _refused("it is not a web address") from None
        if parts.scheme not in _SCHEMES:
            raise _refused(f"{echoed(parts.scheme or 'it')} names no PostgreSQL database")
        name = parts.path.lstrip("/")
        if not name and not parts.query:
            raise _refused("it names no database")
        host = (parts.hostname or "") + (f":{port}" if port else "")
        user = f"{unquote(parts.username)}@" if parts.username else ""
        query = f"?{parts.query}" if parts.query else ""
        login = parts.netloc.rpartition("@")[0]
        url = f"postgresql://{login + '@' if login else ''}{host}/{quote(name)}{query}"
        return cls(url=url, shown=f"postgresql://{user}{host}/{name}")


def _refused(what: str) -> Refused:
    return Refused.because(OPTION, f"the address of the cluster cannot be used: {what}", expected=_EXPECTED)
