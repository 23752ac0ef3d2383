"""Damage to texts and to data, by a random generator that the caller seeds: the same seed, the same damage."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from random import Random
from typing import Any, Final

PIECES: Final = (
    *(
        "shots:",
        "- ",
        ": ",
        ", ",
        "? ",
        " #",
        "\n",
        "\n  ",
        "\t",
        "\r",
        "'",
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
    ),
    *("!!python/object:os.system ", "<<: ", "|", ">", "---\n", "...\n", "%YAML 1.1\n", "{{", "}}", "{% for x in y %}"),
    *("\ufeff", "\u2028", "\u202e", "\x00", "\x1b[2J", "\x9b31m", "\U0001f600", "\ud7ff", "012", "1e999", "0x1F", "~"),
)
TEXTS: Final = (
    *("", " ", "x", "no", "null", "1:30", "../../etc/passwd", "/etc/passwd", "C:\\x", "~/x", "a.png", "b.png", "con"),
    *(
        "https://example.com/a.png",
        "https://127.0.0.1/a.png",
        "http://a/b",
        "file:///etc/passwd",
        "https://[::1",
        "data:,",
    ),
    *(
        "{{ x }}",
        "{{ seed }}",
        "{% for i in range(9999) %}x{% endfor %}",
        "{{ 'a' * 999999999 }}",
        "{{ [].__class__ }}",
    ),
    *(
        "\x1b[31mred\x07",
        "\u202eltr",
        "a\x00b",
        "\u00e9\u732b",
        "\U0001f600" * 50,
        "<script>alert(1)</script>",
        "sk-",
        "@",
    ),
    *("x" * 3000, "{{" * 3000, "[" * 3000, "2026-11-22T12:00:00.000Z", "9999-99-99T99:99:99.999Z", "720P", "random"),
    *("wan2.7-i2v", "wan2.2-kf2v-flash", "USD", "kitten", "kitten@seed=1", "..", ".", "a/b", "%2e%2e", "\ud7ff"),
)
NUMBERS: Final = (0, 1, -1, 2, 5, 15, 99, 2**31, 2**63, -(2**63), 10**19, 10**30, 0.1, 1e308, -0.0, 5.0)


def value(random: Random, depth: int = 2) -> Any:
    """Plain data of any kind."""
    kind = random.randrange(8 if depth else 5)
    if kind < 2:
        return random.choice(TEXTS)
    if kind == 2:
        return random.choice(NUMBERS)
    if kind == 3:
        return random.choice((True, False, None))
    if kind == 4:
        return random.choice(TEXTS) + random.choice(TEXTS)
    if kind == 5:
        return nested(random.randrange(1, 90))
    parts = [value(random, depth - 1) for _ in range(random.randrange(4))]
    return parts if kind == 6 else {random.choice(TEXTS): part for part in parts}


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    data: Any = "deep"
    for _ in range(depth):
        data = [data]
    return data


def damaged(data: Any, random: Random, times: int = 1) -> Any:
    """A copy of the tree with some of its values replaced, renamed, repeated or gone."""
    made = copy.deepcopy(data)
    for _ in range(times):
        places = [*_places(made)]
        if not places:
            return value(random)
        _damage(*random.choice(places), random)
    return made


def _places(data: Any) -> list[tuple[Any, Any]]:
    keys: Sequence[Any] = [*data] if isinstance(data, dict) else [*range(len(data))] if isinstance(data, list) else ()
    return [(data, key) for key in keys] + [place for key in keys for place in _places(data[key])]


def _damage(parent: Any, key: Any, random: Random) -> None:
    match random.randrange(5):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[random.choice((f"{key}s", str(key).upper(), random.choice(TEXTS)))] = parent.pop(key)
        case 2 if isinstance(parent, list):
            parent.insert(key, copy.deepcopy(random.choice(parent)))
        case 3 if isinstance(parent[key], str):
            parent[key] = scribbled(parent[key], random)
        case _:
            parent[key] = value(random)


def scribbled(text: str, random: Random, times: int = 1) -> str:
    """The text with pieces cut out, repeated, moved or put in."""
    for _ in range(times):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.choice((1, 1, 2, 5, 20, 200)))
        match random.randrange(5):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:start] + text[start:end] * random.choice((2, 2, 3, 40)) + text[end:]
            case 2:
                text = text[:start] + random.choice(TEXTS) + text[end:]
            case 3:
                text = text[:start]
            case _:
                text = text[:start] + random.choice(PIECES) + text[start:]
    return text


def flipped(content: bytes, random: Random, times: int = 1) -> bytes:
    """The bytes with some of them changed, cut off, or doubled."""
    damaged = bytearray(content)
    for _ in range(times):
        place = random.randrange(len(damaged) + 1)
        match random.randrange(4):
            case 0:
                del damaged[place:]
            case 1:
                damaged[place:place] = random.randbytes(random.choice((1, 4, 100)))
            case 2:
                damaged[place:place] = damaged[: random.choice((10, 1000))]
            case _:
                damaged[place : place + 1] = random.randbytes(1)
    return bytes(damaged)
