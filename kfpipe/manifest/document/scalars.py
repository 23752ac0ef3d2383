"""Unquoted YAML values: what they mean by the core schema of YAML 1.2, and where YAML 1.1 reads them differently.

Source: YAML 1.2.2, section 10.3.2; YAML 1.1 type repository (bool, int, float, timestamp).
"""

from __future__ import annotations

import re
from decimal import Decimal

MOST_DIGITS = 20
"""Digits that a number may have, written out in full; past it a short text could stand for a huge number."""

Scalar = str | int | Decimal | bool | None

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMBER_STARTS = frozenset("+-.0123456789")

_OLDER_TRUE = re.compile(r"y|Y|yes|Yes|YES|on|On|ON")
_OLDER_FALSE = re.compile(r"n|N|no|No|NO|off|Off|OFF")
_OLDER_OCTAL = re.compile(r"[-+]?0[0-9_]+")
_OLDER_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_OLDER_SPACED = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)")
_OLDER_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")
_NEWER_NUMBER = re.compile(r"0o[0-7]+|[-+]?(?:[0-9]+[eE][-+]?[0-9]+|[0-9]*\.?[0-9]*[eE][0-9]+)")


class NumberRefused(ValueError):
    """A number that cannot be used: not finite, or absurdly long."""


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar. Numbers with a point or an exponent are exact decimals, never floats.

    Raises NumberRefused.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INTEGER.fullmatch(text):
        return int(_bounded(text))
    if _OTHER_BASE.fullmatch(text):
        return int(_bounded(text), base=0)
    if _DECIMAL.fullmatch(text):
        return _decimal(text)
    if _NOT_FINITE.fullmatch(text):
        raise NumberRefused(f"{text} is not a number that can be used")
    return text


def older_reading(text: str) -> str | None:
    """What a YAML 1.1 tool makes of an unquoted scalar, where that differs from `plain`; else None."""
    first = text[:1]
    if first not in _NUMBER_STARTS and first not in "yYnNoO":
        return None
    if _OLDER_TRUE.fullmatch(text):
        return "true"
    if _OLDER_FALSE.fullmatch(text):
        return "false"
    if _NEWER_NUMBER.fullmatch(text):
        return "text"
    if _OLDER_OCTAL.fullmatch(text):
        return "an octal number"
    if _OLDER_BASE_60.fullmatch(text):
        return "a number in base 60"
    if _OLDER_DATE.fullmatch(text):
        return "a date"
    if _OLDER_SPACED.fullmatch(text) and isinstance(plain(text), str):
        return "a number"
    return None


def _bounded(text: str) -> str:
    if len(text) > MOST_DIGITS + 1:
        raise NumberRefused(f"a number of {len(text)} digits is too long")
    return text


def _decimal(text: str) -> Decimal:
    mantissa, _, exponent = text.lower().partition("e")
    _bounded(mantissa)
    if len(exponent) > 3 or abs(int(exponent or "0")) > MOST_DIGITS:
        raise NumberRefused("the exponent of this number is too large")
    return Decimal(text)
