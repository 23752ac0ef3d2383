"""Scripted acts carried out on live requests: what is answered instead, what becomes of a task or a download."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import anyio
import anyio.lowlevel
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from kfpipe.emulator.account import Account
from kfpipe.emulator.errors import Denied
from kfpipe.emulator.faults import kinds
from kfpipe.emulator.faults.kinds import Act, When, Which
from kfpipe.emulator.task_list import Page, Query
from kfpipe.emulator.tasks import Quirks, Task
from kfpipe.emulator.web import dates, wire
from kfpipe.emulator.web.downloads import CHECKSUMS, CRC64, MD5, Spoiling
from kfpipe.emulator.web.hangups import CutShort, Hangup
from kfpipe.emulator.web.oss import StoreRefused

_PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body>\r\n</html>\r\n"

_EXPIRED = StoreRefused(403, "AccessDenied", "Request has expired.")


async def instead(befalling: Iterable[Act], when: When) -> Response | None:
    """What is answered in place of the real answer, after any scripted wait; None for the real one."""
    for act in befalling:
        match act:
            case kinds.Hang(when=moment) if moment is when:
                await anyio.sleep(act.seconds)
            case kinds.Drop(when=moment) if moment is when:
                return Hangup()
            case kinds.HtmlPage(when=moment) if moment is when:
                return HTMLResponse(_PAGE.format(f"{act.status} {_phrase(act.status)}"), act.status)
            case kinds.Answer(when=moment) if moment is when:
                return _refusal(act)
            case kinds.Expire() if when is When.BEFORE:
                return Response(_EXPIRED.to_xml("emulator"), _EXPIRED.status, media_type="application/xml")
            case kinds.Redirect() if when is When.BEFORE:
                return RedirectResponse(act.to, 302)
            case kinds.Endless() if when is When.BEFORE:
                return StreamingResponse(_endless(), media_type="video/mp4")
            case _:
                continue
    return None


def altered(befalling: Iterable[Act], response: Response) -> Response:
    """The real answer as it arrives: whole, altered, unreadable, or cut short."""
    for act in befalling:
        match act:
            case kinds.Garble():
                response = Response(b'{"output": {"task_', response.status_code, media_type="application/json")
            case kinds.Patch():
                fields = _merged(json.loads(bytes(response.body)), act.fields)
                response = JSONResponse(fields, response.status_code)
            case kinds.Retag():
                response.headers["ETag"] = '"another-version"'
            case kinds.Checksum():
                response.headers[CRC64] = "1"
                response.headers[MD5] = "AAAAAAAAAAAAAAAAAAAAAA=="
            case kinds.Bare():
                for name in CHECKSUMS:
                    del response.headers[name]
            case kinds.Truncate():
                response = CutShort(response, act.after_bytes)
            case _:
                continue
    return response


def timed(befalling: Iterable[Act], response: Response) -> Response:
    """The answer, from the clock that a fault has turned."""
    for act in befalling:
        if isinstance(act, kinds.Skew):
            dates.turn(response, act.seconds)
    return response


def delivered(befalling: Iterable[Act], deliver: Callable[[], Task]) -> Task:
    """What a submission makes, which may be delivered several times; the task whose answer arrives.

    Raises `Denied` if the delivery was refused that is answered for.
    """
    resend = next((act for act in befalling if isinstance(act, kinds.Resend)), None)
    if resend is None:
        return deliver()
    first = last = deliver()
    for _ in range(resend.copies):
        try:
            last = deliver()
        except Denied:
            if resend.answer is Which.LAST:
                raise
    return first if resend.answer is Which.FIRST else last


def named(befalling: Iterable[Act], made: Task, account: Account) -> Task:
    """The task that the answer to a submission names: the one that was `made`, or one before it, if there is any."""
    misname = next((act for act in befalling if isinstance(act, kinds.Misname)), None)
    if misname is None:
        return made
    tasks = account.tasks()
    place = tasks.index(made) - misname.back
    return tasks[place] if place >= 0 else made


def narrowed(befalling: Iterable[Act], query: Query) -> Query:
    """The query of a task list as far as the service grants it."""
    sizes = [act.size for act in befalling if isinstance(act, kinds.SmallPages)]
    return replace(query, page_size=min([query.page_size, *sizes]))


def delay_s(befalling: Iterable[Act]) -> float:
    """By how much the task list lags behind, in virtual seconds."""
    return sum(act.seconds for act in befalling if isinstance(act, kinds.Stale))


def seen(befalling: Iterable[Act], page: Page) -> Page:
    """What a task list shows of a page."""
    return page.cut(min((act.pages for act in befalling if isinstance(act, kinds.Blind)), default=page.total_pages))


def quirks(befalling: Iterable[Act]) -> Quirks:
    """What becomes of the task a submission makes."""
    made = Quirks()
    for act in befalling:
        match act:
            case kinds.Fail():
                made.failure = (act.code, act.message)
            case kinds.Unknown():
                made.unknown_queries = act.queries
            case kinds.Vanish():
                made.unknown_after_s, made.unknown_s = act.after_s, act.seconds
            case kinds.Unlisted():
                made.unlisted_lists = act.lists
            case kinds.Lag():
                made.unlisted_s = act.seconds
            case kinds.Film():
                made.film_width_px, made.film_height_px = act.width_px, act.height_px
                made.film_seconds, made.film_format = act.seconds, act.format
            case kinds.Drift():
                made.film_drifts.append(act.end)
            case kinds.Floats():
                made.has_float_usage = True
            case kinds.ChargeSeconds():
                made.charged_seconds = act.seconds
            case _:
                continue
    return made


def spoiling(befalling: Sequence[Act]) -> Spoiling:
    """What happens to the bytes of a download."""
    paces = [act.bytes_per_second for act in befalling if isinstance(act, kinds.Slow)]
    places = [range(act.at_byte, act.at_byte + act.length_bytes) for act in befalling if isinstance(act, kinds.Corrupt)]
    return Spoiling(bytes_per_second=min(paces, default=None), corrupt=next(iter(places), range(0)))


def _refusal(act: kinds.Answer) -> Response:
    headers = {} if act.retry_after_s is None else {"Retry-After": f"{act.retry_after_s:g}"}
    body = wire.refusal(act.code, act.message) if act.code is not None else {"request_id": wire.request_id()}
    return JSONResponse(body, act.status, headers)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _merged(value: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for name, part in patch.items():
        if part is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), part)
    return merged


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield bytes(64 * 1024)
        await anyio.lowlevel.checkpoint()  # else it goes unnoticed that the client has hung up
