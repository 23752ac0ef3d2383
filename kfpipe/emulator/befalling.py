"""Scripted acts carried out on live requests: what is answered instead, what becomes of a task or a download."""

from collections.abc import Iterable, Sequence

import anyio
from starlette.responses import HTMLResponse, JSONResponse, Response

from kfpipe.emulator import acts, wire
from kfpipe.emulator.acts import Act, When
from kfpipe.emulator.delivery import Spoiling
from kfpipe.emulator.hangups import CutShort, Hangup
from kfpipe.emulator.tasks import Quirks

_PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body>\r\n</html>\r\n"


async def instead(befalling: Iterable[Act], when: When) -> Response | None:
    """What is answered in place of the real answer, after any scripted wait; None for the real one."""
    for act in befalling:
        match act:
            case acts.Hang(when=moment) if moment is when:
                await anyio.sleep(act.seconds)
            case acts.Drop(when=moment) if moment is when:
                return Hangup()
            case acts.HtmlPage(when=moment) if moment is when:
                return HTMLResponse(_PAGE.format(f"{act.status} Bad Gateway"), act.status)
            case acts.Answer(when=moment) if moment is when:
                return _refusal(act)
            case _:
                continue
    return None


def altered(befalling: Iterable[Act], response: Response) -> Response:
    """The real answer as it arrives: whole, unreadable, or cut short."""
    for act in befalling:
        match act:
            case acts.Garble():
                response = Response(b'{"output": {"task_', response.status_code, media_type="application/json")
            case acts.Truncate():
                response = CutShort(response, act.after_bytes)
            case _:
                continue
    return response


def quirks(befalling: Iterable[Act]) -> Quirks:
    """What becomes of the task a submission makes."""
    made = Quirks()
    for act in befalling:
        match act:
            case acts.Fail():
                made.failure = (act.code, act.message)
            case acts.Unknown():
                made.unknown_queries = act.queries
            case acts.Unlisted():
                made.unlisted_lists = act.lists
            case acts.Floats():
                made.has_float_usage = True
            case acts.ChargeSeconds():
                made.charged_seconds = act.seconds
            case _:
                continue
    return made


def spoiling(befalling: Sequence[Act]) -> Spoiling:
    """What happens to the bytes of a download."""
    paces = [act.bytes_per_second for act in befalling if isinstance(act, acts.Slow)]
    places = [act.at_byte for act in befalling if isinstance(act, acts.Corrupt)]
    return Spoiling(bytes_per_second=min(paces, default=None), corrupt_at_byte=min(places, default=None))


def _refusal(act: acts.Answer) -> Response:
    headers = {} if act.retry_after_s is None else {"Retry-After": f"{act.retry_after_s:g}"}
    body = wire.refusal(act.code, act.message) if act.code is not None else {"request_id": wire.request_id()}
    return JSONResponse(body, act.status, headers)
