"""The API in HTTP: which path does what, and what scripted faults make of it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, assert_never

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kfpipe.emulator import blobs, task_list
from kfpipe.emulator.account import Account
from kfpipe.emulator.accounts import Accounts
from kfpipe.emulator.blobs import BlobStore
from kfpipe.emulator.clock import Clock
from kfpipe.emulator.errors import Denied, TaskRefused
from kfpipe.emulator.faults.kinds import Act, Phase, When
from kfpipe.emulator.faults.matching import Faults
from kfpipe.emulator.film.scene import MediaFile
from kfpipe.emulator.models import Model
from kfpipe.emulator.settings import Settings
from kfpipe.emulator.tasks import Task, TaskStatus
from kfpipe.emulator.web import admission, downloads, inject, multipart, result_links, shop, uploads, wire
from kfpipe.emulator.web.oss import StoreRefused
from kfpipe.emulator.web.request_log import RequestLog
from kfpipe.emulator.web.result_links import Links
from kfpipe.emulator.web.uploads import Uploads

API_PATH = "/api/v1"

_UPLOAD_PATH = "/oss"


@dataclass(frozen=True, slots=True)
class Call:
    """One request with its body, and the scripted acts that strike it."""

    request: Request
    body: bytes
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request is about, as far as a fault may ask."""

    model: str | None = None
    prompt: str | None = None


Endpoint = Callable[[Call], Awaitable[Response]]


class Routes:
    """`origin` is the server's own address, without a slash at the end."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        accounts: Accounts,
        blobs: BlobStore,
        uploads: Uploads,
        links: Links,
        faults: Faults,
        log: RequestLog,
        origin: str,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._models = settings.offered
        self._accounts = accounts
        self._blobs = blobs
        self._uploads = uploads
        self._links = links
        self._faults = faults
        self._log = log
        self._origin = origin

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                *self._served(
                    "POST", f"{API_PATH}/services/aigc/{{route}}/video-synthesis", Phase.SUBMIT, self._submit
                ),
                *self._served("GET", f"{API_PATH}/tasks", Phase.LIST, self._list),
                *self._served("GET", f"{API_PATH}/tasks/{{task_id}}", Phase.QUERY, self._query),
                *self._served("POST", f"{API_PATH}/tasks/{{task_id}}/cancel", Phase.CANCEL, self._cancel),
                *self._served("GET", f"{API_PATH}/uploads", Phase.POLICY, self._policy),
                *self._served("GET", f"{API_PATH}/models", Phase.MODELS, self._list_models),
                *self._served("GET", f"{API_PATH}/models/limits", Phase.MODELS, self._limits),
                *self._served("POST", _UPLOAD_PATH, Phase.UPLOAD, self._upload),
                *self._served("GET", "/results/{folders:path}/{token}/{name}", Phase.DOWNLOAD, self._download),
                Route("/emulator/bill", self._bill),
                Route("/emulator/requests", self._requests),
            ],
            exception_handlers={404: _not_found, 405: _not_found},
        )

    def _served(self, method: str, path: str, phase: Phase, endpoint: Endpoint) -> tuple[Route, Route]:
        """The path with and without a slash at its end: the reference and the SDK write it differently."""

        async def serve(request: Request) -> Response:
            return await self._answer(phase, endpoint, request)

        return Route(path, serve, methods=[method]), Route(f"{path}/", serve, methods=[method])

    async def _answer(self, phase: Phase, endpoint: Endpoint, request: Request) -> Response:
        body = await _received(request)
        content = _json_or_none(body)
        subject = self._subject(phase, request, content)
        acts = self._faults.strike(phase, subject.model, subject.prompt)
        self._log.note(phase, request, content)
        response = await inject.instead(acts, When.BEFORE)
        if response is None:
            response = await self._carried_out(endpoint, Call(request, body, acts))
            late = await inject.instead(acts, When.AFTER)
            response = inject.altered(acts, response) if late is None else late
        return inject.timed(acts, response)

    async def _carried_out(self, endpoint: Endpoint, call: Call) -> Response:
        try:
            return await endpoint(call)
        except Denied as denied:
            return JSONResponse(wire.refusal(denied.code, denied.message), denied.status)
        except StoreRefused as refused:
            body = refused.to_xml(call.request.url.netloc)
            return Response(body, refused.status, media_type="application/xml")

    def _subject(self, phase: Phase, request: Request, content: Any) -> Subject:
        match phase:
            case Phase.SUBMIT:
                given = content if isinstance(content, dict) else {}
                inner = given.get("input")
                return Subject(given.get("model"), inner.get("prompt") if isinstance(inner, dict) else None)
            case Phase.QUERY | Phase.CANCEL:
                task = self._accounts.task(request.path_params["task_id"])
            case Phase.DOWNLOAD:
                task = self._accounts.linked(result_links.task_id(request.path_params["token"]) or "")
            case Phase.LIST | Phase.POLICY | Phase.UPLOAD | Phase.MODELS:
                query = request.query_params
                return Subject(query.get("model", query.get("model_name")))
            case other:
                assert_never(other)
        return Subject() if task is None else Subject(task.model.name, task.prompt)

    async def _submit(self, call: Call) -> Response:
        headers = call.request.headers
        account, key_id = self._caller(call)
        admission.check_async(headers)
        body = admission.body(call.body)
        model = admission.model(body, call.request.path_params["route"], self._models)
        admission.check_opened(model, self._settings.switches)
        admission.check_standing(self._settings.standing)
        admission.check_resolve_header(body, headers)
        fetch = partial(self._fetch, model)

        def deliver() -> Task:
            quirks = inject.quirks(call.acts)
            return account.submit(model, body, fetch, key_id=key_id, label=admission.label(headers), quirks=quirks)

        made = inject.delivered(call.acts, deliver)
        return JSONResponse(wire.submitted(inject.named(call.acts, made, account)))

    async def _query(self, call: Call) -> Response:
        account, _ = self._caller(call)
        task_id = call.request.path_params["task_id"]
        task = account.query(task_id)
        if task is None:
            return JSONResponse(wire.unknown(task_id))
        link = partial(self._links.url, self._origin)
        return JSONResponse(wire.task(task, self._clock.now(), link, self._settings))

    async def _list(self, call: Call) -> Response:
        account, _ = self._caller(call)
        account.admit_query()
        now, delay_s = self._clock.now(), inject.delay_s(call.acts)
        query = inject.narrowed(call.acts, _query_of(call.request, now))
        page = inject.seen(call.acts, account.page(query, delay_s=delay_s))
        return JSONResponse(wire.page(page, self._settings.region, now - delay_s))

    async def _cancel(self, call: Call) -> Response:
        account, _ = self._caller(call)
        account.admit_query()
        account.cancel(call.request.path_params["task_id"])
        return JSONResponse({"request_id": wire.request_id()})

    async def _policy(self, call: Call) -> Response:
        account, _ = self._caller(call)
        account.admit_policy()
        query = call.request.query_params
        if query.get("action") != "getPolicy":
            raise Denied(400, "InvalidParameter", "The action must be getPolicy.")
        model = admission.known(query.get("model", ""), self._models)
        data = self._uploads.policy(model.name, f"{self._origin}{_UPLOAD_PATH}")
        return JSONResponse({"request_id": wire.request_id(), "data": data})

    async def _list_models(self, call: Call) -> Response:
        account, _ = self._caller(call)
        query = call.request.query_params
        page_no, page_size = _page_number(query.get("page_no", "1")), _page_number(query.get("page_size", "100"))
        return JSONResponse(shop.models(account.models, account.tariff, page_no, page_size))

    async def _limits(self, call: Call) -> Response:
        account, _ = self._caller(call)
        model = admission.known(call.request.query_params.get("model", ""), self._models)
        return JSONResponse(shop.limits(model, account.limits_of(model)))

    async def _upload(self, call: Call) -> Response:
        if len(call.body) > uploads.LARGEST_FORM_BYTES:
            raise uploads.too_large()
        try:
            parts = multipart.parse(call.request.headers.get("content-type", ""), call.body)
        except ValueError as error:
            raise StoreRefused(400, "MalformedPOSTRequest", f"The form could not be read: {error}.") from error
        return Response(status_code=self._uploads.accept(parts))

    async def _download(self, call: Call) -> Response:
        request = call.request
        task = self._accounts.linked(result_links.task_id(request.path_params["token"]) or "")
        path = request.scope["raw_path"].decode("ascii")
        film = self._links.film(task, path, request.url.query, request.headers, self._clock.now())
        return downloads.response(film, request.headers, inject.spoiling(call.acts))

    async def _bill(self, request: Request) -> Response:
        return JSONResponse(self._accounts.bill().to_json())

    async def _requests(self, request: Request) -> Response:
        return JSONResponse({"requests": self._log.entries()})

    def _caller(self, call: Call) -> tuple[Account, str]:
        """The account a request is made for, and the id of its key."""
        settings = self._settings
        caller = admission.caller(call.request.headers, settings.api_keys, settings.accounts)
        return self._accounts[caller.account], caller.key_id

    def _fetch(self, model: Model, url: str) -> MediaFile:
        """The file behind any kind of URL a request may hold. Raises `TaskRefused`."""
        scheme = url.partition(":")[0].lower()
        admission.check_handed_over(model, "http" if scheme == "https" else scheme, self._settings.switches)
        if scheme == "data":
            return self._blobs.inline(url)
        if scheme == "oss":
            return self._uploads.resolve(url, model.name)
        if scheme in ("http", "https"):
            return blobs.remote(url, is_strict=self._settings.strict)
        raise TaskRefused("InvalidURL", "The request URL is invalid, please make sure it is correct.")


def _query_of(request: Request, now: float) -> task_list.Query:
    query = request.query_params
    status = query.get("status")
    if status is not None and status not in list(TaskStatus):
        raise Denied(400, "InvalidParameter", f"status must be one of {', '.join(TaskStatus)}")
    start, end = task_list.window(query.get("start_time"), query.get("end_time"), now)
    return task_list.Query(
        start=start,
        end=end,
        task_id=query.get("task_id"),
        model_name=query.get("model_name"),
        status=None if status is None else TaskStatus(status),
        api_key_id=query.get("api_key_id"),
        page_no=_page_number(query.get("page_no", "1")),
        page_size=_page_number(query.get("page_size", "10")),
    )


def _page_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise Denied(400, "InvalidParameter", "page_no and page_size are positive integers.")
    return int(text)


async def _received(request: Request) -> bytes:
    """The request's body, all of which is read, but no more kept than shows that it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk[: uploads.LARGEST_FORM_BYTES + 1 - len(body)]
    return bytes(body)


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body) if body[:1] == b"{" else None
    except ValueError:
        return None


async def _not_found(request: Request, error: Exception) -> Response:
    return JSONResponse(wire.refusal("NotFound", "The requested path does not exist."), 404)
