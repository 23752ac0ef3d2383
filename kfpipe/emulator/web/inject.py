"""Scripted acts carried out on live requests: what is answered instead, what becomes of a task or a download."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import anyio
import anyio.lowlevel
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from kfpipe.emulator.faults import kinds
from kfpipe.emulator.faults.kinds import Act, When
from kfpipe.emulator.tasks import Quirks
from kfpipe.emulator.web import wire
from kfpipe.emulator.web.downloads import Spoiling
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
                return HTMLResponse(_PAGE.format(f"{act.status} Bad Gateway"), act.status)
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
            case kinds.Truncate():
                response = CutShort(response, act.after_bytes)
            case _:
                continue
    return response


def quirks(befalling: Iterable[Act]) -> Quirks:
    """What becomes of the task a submission makes."""
    made = Quirks()
    for act in befalling:
        match act:
            case kinds.Fail():
                made.failure = (act.code, act.message)
            case kinds.Unknown():
                made.unknown_queries = act.queries
            case kinds.Unlisted():
                made.unlisted_lists = act.lists
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
    places = [act.at_byte for act in befalling if isinstance(act, kinds.Corrupt)]
    return Spoiling(bytes_per_second=min(paces, default=None), corrupt_at_byte=min(places, default=None))


def _refusal(act: kinds.Answer) -> Response:
    headers = {} if act.retry_after_s is None else {"Retry-After": f"{act.retry_after_s:g}"}
    body = wire.refusal(act.code, act.message) if act.code is not None else {"request_id": wire.request_id()}
    return JSONResponse(body, act.status, headers)


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
