"""What a medium on the internet is known by: its address, without the signature that lets one fetch it for a while.

Sources of the parameters' names:
OSS: "Include a V1 signature in a URL", "Add signatures to URLs (V2)" and "Include a V4 signature in a URL".
S3: "Authenticating Requests: Using Query Parameters (Signature Version 4)"; "Signing and Authenticating REST Requests"
    (version 2).
Google Cloud Storage: "V4 signing process" and "V2 signing process with your own program".
CloudFront: "Create a signed URL using a canned policy", "... using a custom policy".
Azure: "Create an account SAS", "Create a service SAS", "Create a user delegation SAS".
"""

from __future__ import annotations

import hashlib
from collections.abc import Set
from typing import Final
from urllib.parse import unquote_plus, urlsplit, urlunsplit

_FAMILIES: Final = ("x-amz-", "x-goog-")
"""S3 and Google: every parameter of a signature begins like this, in whatever case, and no other does."""

_OSS: Final = frozenset(
    f"x-oss-{name}"
    for name in (
        *("signature", "signature-version", "credential", "date", "expires", "security-token"),
        *("additional-headers", "access-key-id"),
    )
)
"""By name: `x-oss-process` and others of the family decide what is delivered."""

_KEY_IDS: Final = frozenset({"OSSAccessKeyId", "AWSAccessKeyId", "GoogleAccessId", "Key-Pair-Id"})
_WITH_A_SIGNATURE: Final = _KEY_IDS | {"Signature", "Expires", "Policy", "security-token"}
"""OSS, S3 and Google in their older versions, and CloudFront."""

_AZURE: Final = frozenset(
    {
        *("sig", "sv", "ss", "srt", "sr", "st", "se", "sp", "si", "sip", "spr", "sdd", "ses", "scid"),
        *("skoid", "sktid", "skt", "ske", "sks", "skv", "skdutid", "sduoid", "saoid", "suoid"),
    }
)


def digest(url: str) -> str:
    """What the fingerprint and the record know a remote medium by: `url-sha256:`, and 64 hex digits."""
    return f"url-sha256:{hashlib.sha256(unsigned(url).encode()).hexdigest()}"


def unsigned(url: str) -> str:
    """The address with neither signature nor fragment, its host in small letters and its parameters sorted.

    Two addresses that differ in their signatures alone become one. Other parameters stay as they are written: a
    version or a crop is another picture.
    """
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    pieces = {piece: unquote_plus(piece.partition("=")[0]) for piece in parts.query.split("&") if piece}
    ours = _signing(frozenset(pieces.values()))
    kept = (piece for piece in parts.query.split("&") if piece and pieces[piece] not in ours)
    return urlunsplit((parts.scheme, f"{login}{at}{host.lower()}", parts.path, "&".join(sorted(kept)), ""))


def _signing(names: Set[str]) -> Set[str]:
    """Those of the parameters of an address that are its signature.

    Names that anyone might use, like `Expires` or `st`, count only where the signature itself is among them.
    """
    found = {name for name in names if name.lower().startswith(_FAMILIES) or name.lower() in _OSS}
    if "Signature" in names and not names.isdisjoint(_KEY_IDS | {"Expires"}):
        found |= names & _WITH_A_SIGNATURE
    if "sig" in names:
        found |= names & _AZURE
    return found
