"""What an answer means that is no success: in the service's shape, a gateway's, or the file storage's."""

from __future__ import annotations

import re
from typing import Any, Final

from kfpipe.errors import AccountRefused, KfpipeError, ServiceRefused, ServiceUnclear
from kfpipe.provider.codes import Verdict, is_budget_used_up, verdict
from kfpipe.provider.wire import Json, clean

PAGE_WORD_CHARS: Final = 100
"""How much is quoted of a body that is no answer of the service."""

_TITLE: Final = re.compile(r"<(title|h1)\b[^>]*>(.{1,500}?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_CODE: Final = re.compile(r"<Code>\s*(?:<!\[CDATA\[)?\s*([\w.-]{1,60})")
_MESSAGE: Final = re.compile(r"<Message>\s*(?:<!\[CDATA\[)?([^<\]]{1,1000})")
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&#39;": "'", "&amp;": "&"}


def failure(status: int, answer: Json | None, content: bytes = b"", *, retry_after_s: float | None) -> KfpipeError:
    """The error that an answer means when it is not a success; `answer` is None when `content` holds no JSON object.

    Refused, that is certainly not carried out, is every 4xx that is neither 408 nor a 429 without the service's code (a
    gateway may have made two tries of one request), and whatever below that has a code that decides. All else is
    unclear: after a 5xx a task may exist (API reference, section 7), whatever its code sounds like. A look at the task
    list is cheap, a second clip is not.
    """
    fields = _complaint(answer or {})
    own_code = _word(fields.get("code")) or _word(fields.get("type"))
    code = own_code or f"kfpipe.Http{status}"
    said = _word(fields.get("message")) or _word(fields.get("msg"))
    message = said or ("no explanation" if answer else unreadable(content))
    request_id = _word(fields.get("request_id")) or _word((answer or {}).get("request_id"))
    meaning = verdict(code, message)
    if is_budget_used_up(status, message):
        return AccountRefused(code, message, request_id=request_id)
    if meaning is Verdict.ACCOUNT and status < 500 and status != 408:
        return AccountRefused(code, message, request_id=request_id)
    decided = own_code is not None and (meaning is Verdict.FINAL or meaning.throttle is not None)
    if (status < 400 and decided) or (400 <= status < 500 and status != 408 and (status != 429 or own_code)):
        return ServiceRefused(code, message, status=status, request_id=request_id, retry_after_s=retry_after_s)
    return ServiceUnclear(f"HTTP {status}, {code}: {message}", retry_after_s=retry_after_s)


def _complaint(answer: Json) -> Json:
    """The object with code and message: the answer itself, or what is inside it, as OpenAI's interface has it."""
    if isinstance(text := answer.get("error"), str) and not answer.get("message"):
        return {**answer, "message": text}
    inside = (part for name in ("error", "output") if isinstance(part := answer.get(name), dict))
    return answer if answer.get("code") else next((part for part in inside if part), answer)


def unreadable(content: bytes) -> str:
    """A body that is no JSON object, in a few words: the title of a gateway's page, or how it begins."""
    text = content[:4096].decode(errors="replace")
    if _CODE.search(text):
        return storage_reason(content)
    if title := _TITLE.search(text):
        return f"a web page instead of an answer: {_plain(re.sub(r'<[^>]*>', ' ', title[2]), PAGE_WORD_CHARS)}"
    if text.lstrip().startswith("<"):
        return "a web page instead of an answer"
    word = clean(text, PAGE_WORD_CHARS)
    return f"no readable answer: {word}" if word else "an empty answer"


def storage_code(content: bytes) -> str:
    """The code in an answer of the file storage, which speaks XML; `Unknown` when there is none."""
    found = _CODE.search(content.decode(errors="replace"))
    return found[1] if found else "Unknown"


def storage_reason(content: bytes) -> str:
    """The code and the message of the file storage; in a few words what came in their place."""
    text = content.decode(errors="replace")
    code, message = _CODE.search(text), _MESSAGE.search(text)
    if code is None and message is None:
        return unreadable(content)
    told = "no explanation" if message is None else _plain(message[1])
    return clean(f"{storage_code(content)}: {told}")


def _plain(text: str, limit_chars: int = 500) -> str:
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return clean(text, limit_chars)


def _word(value: Any) -> str | None:
    return clean(value) or None if isinstance(value, str) else None
