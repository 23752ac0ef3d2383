"""The DashScope service as a `Provider`: which request goes where, and what its answer means."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, urljoin

from kfpipe.addresses import is_loopback
from kfpipe.catalogue import Catalogue, Handover, Model
from kfpipe.domain import MediaRole, RemoteMedium, RenderRequest, TaskStatus
from kfpipe.errors import AccountRefused, Refused, ServiceRefused, ServiceUnclear, ServiceUntrusted
from kfpipe.provider import LIST_PAGE_SIZE, Accepted, Body, ListedTask, TaskReport, checksums, refusals, wire
from kfpipe.provider.codes import CERTIFICATE, LINK_REFUSED, PAGE_SIZE, is_closed
from kfpipe.provider.handover import FILE as HANDOVER_FILE
from kfpipe.provider.handover import Handovers
from kfpipe.provider.transport import Answer, Opening, Transport, is_inside, is_secure
from kfpipe.provider.upload_cache import UploadMemory
from kfpipe.provider.uploads import Uploads, data_uri
from kfpipe.version import __version__

QUERY_TIMEOUT_S: Final = 30.0
DOWNLOAD_SILENCE_S: Final = 60.0
JSON_LIMIT_BYTES: Final = 4 * 1024 * 1024
ERROR_LIMIT_BYTES: Final = 64 * 1024
REDIRECTS_MAX: Final = 3

_HEADER_VALUE: Final = re.compile(r"[!-~]+")
_USER_AGENT: Final = f"kfpipe/{__version__}"


def utc_now() -> datetime:
    """The time of day, aware."""
    return datetime.now(UTC)


class DashScope:
    """One account in one region. To be entered before use: `async with DashScope(...) as provider`.

    `region` is the catalogue's name. Local frames are relative to `project`, the manifest's folder. What was uploaded
    is remembered in `uploads_file`. Local frames smaller than `inline_below_bytes` travel within the submission.
    `burn_in` is for an emulator on this machine: whether its clips show their takes; nobody else is told.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        region: str,
        catalogue: Catalogue,
        project: Path,
        uploads_file: Path,
        workspace: str | None = None,
        submit_timeout_s: float = 60.0,
        inline_below_bytes: int = 0,
        burn_in: bool | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._base_url = _checked_base_url(base_url)
        self._region = region
        self._catalogue = catalogue
        self._project = project
        self._submit_timeout_s = submit_timeout_s
        self._inline_below_bytes = inline_below_bytes
        self._now = now
        self._secret = _header_value(api_key, "DASHSCOPE_API_KEY", "the API key")
        self._local = is_loopback(base_url)
        self._burn_in = burn_in if self._local else None
        # Plain HTTP goes to loopback only, so it must not be handed to a proxy of the environment either.
        self._api = Transport(headers=_api_headers(api_key, workspace), direct=self._local, secret=api_key)
        # Clips and uploads are on hosts that must not get the key.
        self._files = Transport(headers={"User-Agent": _USER_AGENT}, direct=self._local, secret=api_key)
        self._memory = UploadMemory(uploads_file, base_url=self._base_url, api_key=api_key, now=now)
        self._handovers = Handovers(uploads_file.with_name(HANDOVER_FILE))
        self._uploads = Uploads(
            ask_policy=self._upload_policy,
            files=self._files,
            memory=self._memory,
            project=project,
            now=now,
            refuse_unless_visitable=self._refuse_unless_visitable,
        )
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._api)
        await self._open.enter_async_context(self._files)
        await self._memory.load()
        await self._handovers.load()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def __repr__(self) -> str:
        return f"DashScope({self._base_url!r})"

    # ---- the protocol ----------------------------------------------------------------------------------------------

    async def check_account(self) -> None:
        """Lists one task: the cheapest request that needs the key."""
        await self._get("tasks/", params={"page_no": "1", "page_size": "1"})

    async def media_urls(self, request: RenderRequest) -> Mapping[MediaRole, str]:
        """Web addresses stay as they are; files go the way that the model is surest to take: `oss://` or `data:`.

        Raises Refused for a file that changed since it was planned. Source: API reference, section 4.
        """
        model = self._model(request.model)
        wire_name = self._wire_name(model)
        urls = {}
        for item in request.media:
            medium = item.medium
            if isinstance(medium, RemoteMedium):
                urls[item.role] = medium.url
                continue
            way = self._handovers.way(model, medium, inline_below_bytes=self._inline_below_bytes)
            if way is Handover.INLINE:
                urls[item.role] = await data_uri(self._project, medium)
            else:
                urls[item.role] = await self._uploads.url(medium, wire_name)
        return urls

    async def submit(
        self, request: RenderRequest, media_urls: Mapping[MediaRole, str], *, take_id: str | None = None
    ) -> Accepted:
        """One POST, which waits `submit_timeout_s` at most.

        After that it raises `ServiceUnclear`: there may be a task, and a bill.
        """
        model = self._model(request.model)
        body = wire.submit_body(request, media_urls, model=model, wire_name=self._wire_name(model))
        headers = {"Content-Type": "application/json", "X-DashScope-Async": "enable"}
        if any(url.startswith("oss://") for url in media_urls.values()):
            headers["X-DashScope-OssResourceResolve"] = "enable"
        if self._burn_in is not None and take_id is not None:
            headers["X-Kfpipe-Burn-In"] = quote(take_id, safe="") if self._burn_in else ""
        answer = await self._answer(
            "POST",
            wire.submit_path(model),
            timeout_s=self._submit_timeout_s,
            headers=headers,
            body=json.dumps(body).encode(),
        )
        try:
            accepted = wire.accepted(self._good(answer))
        except ServiceRefused as refusal:
            await self._handovers.heed_refusal(model, request, media_urls, refusal.code, refusal.message)
            raise
        except AccountRefused as refusal:
            raise self._explained(refusal, model) from None
        self._handovers.note_task(accepted.task_id, model, request, media_urls)
        return replace(accepted, answered_at=wire.date_of(answer.headers))

    async def look(self, task_id: str) -> TaskReport:
        """One GET; a task that the service has forgotten is UNKNOWN."""
        answer = await self._answer("GET", f"tasks/{quote(task_id, safe='')}", timeout_s=QUERY_TIMEOUT_S)
        report = wire.failed_without_output(answer.status, answer.content, task_id, secret=self._secret)
        report = report or wire.task_report(self._good(answer), task_id)
        if report.status is TaskStatus.FAILED:
            await self._handovers.heed_task(task_id, report.code, report.message)
        return replace(report, answered_at=wire.date_of(answer.headers))

    async def list_tasks(
        self, model: str, *, page: int, size: int = LIST_PAGE_SIZE, status: TaskStatus | None = None
    ) -> tuple[Sequence[ListedTask], bool]:
        """One GET for `size` tasks at most."""
        wire_name = self._wire_name(self._model(model))
        params = {"model_name": wire_name, "page_no": str(page), "page_size": str(size)}
        if status is not None:
            params["status"] = status
        answer = await self._get("tasks/", params=params)
        if size != LIST_PAGE_SIZE and not wire.is_whole_page(answer, size=size):
            raise ServiceRefused(PAGE_SIZE, f"the task list has no pages of {size} tasks", status=200)
        return wire.listed_tasks(answer, wire_name=wire_name)

    async def cancel(self, task_id: str) -> None:
        """One POST; it reaches only tasks that are PENDING."""
        await self._ask("POST", f"tasks/{quote(task_id, safe='')}/cancel", timeout_s=QUERY_TIMEOUT_S)

    @asynccontextmanager
    async def download(self, url: str, *, offset_bytes: int = 0, tag: str | None = None) -> AsyncIterator[Body]:
        """GETs without the key, to secure addresses alone, through `REDIRECTS_MAX` redirects at most.

        A link of the service that is plain HTTP is tried by HTTPS: a signature does not cover the scheme.
        Raises `ServiceRefused` also when the link has died.
        """
        # Without a tag it is unknown whether the rest belongs to the same file.
        headers = {"Range": f"bytes={offset_bytes}-", "If-Range": tag} if offset_bytes and tag is not None else {}
        url = _secured(url)
        for _ in range(REDIRECTS_MAX + 1):
            self._refuse_unless_visitable(url)
            async with self._files.open(url, silence_s=DOWNLOAD_SILENCE_S, headers=headers) as opening:
                if opening.status == 416 and headers:
                    headers = {}
                    continue
                location = opening.headers.get("location") if 300 <= opening.status < 400 else None
                if location is None:
                    yield await self._body(opening, offset_bytes)
                    return
            url = _joined(url, location)
        raise ServiceRefused(LINK_REFUSED, f"more than {REDIRECTS_MAX} redirects", status=0)

    # ---- requests --------------------------------------------------------------------------------------------------

    async def _get(self, path: str, *, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        return await self._ask("GET", path, timeout_s=QUERY_TIMEOUT_S, params=params)

    async def _upload_policy(self, wire_name: str) -> wire.UploadPolicy:
        return wire.upload_policy(await self._get("uploads", params={"action": "getPolicy", "model": wire_name}))

    async def _ask(
        self, method: str, path: str, *, timeout_s: float, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The JSON object of a good answer; every other answer is raised as what it means."""
        return self._good(await self._answer(method, path, timeout_s=timeout_s, params=params))

    async def _answer(
        self,
        method: str,
        path: str,
        *,
        timeout_s: float,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        try:
            return await self._api.ask(
                method,
                f"{self._base_url}/{path}",
                silence_s=timeout_s,
                deadline_s=timeout_s,
                limit_bytes=JSON_LIMIT_BYTES,
                params=params,
                headers=headers,
                body=body,
            )
        except ServiceRefused as refusal:
            if refusal.code == CERTIFICATE:  # here it is that of the service itself
                raise ServiceUntrusted(refusal.message) from None
            raise

    def _good(self, answer: Answer) -> dict[str, Any]:
        fields = wire.json_object(answer.content, secret=self._secret)
        if fields is not None and 200 <= answer.status < 300 and (fields.get("output") or not _complains(fields)):
            return fields
        retry_after_s = self._retry_after_s(answer.headers)
        raise refusals.failure(answer.status, fields, answer.content, retry_after_s=retry_after_s)

    async def _body(self, opening: Opening, offset_bytes: int) -> Body:
        """The requested download, or why there is none. A dead link says nothing about the account."""
        tag = opening.headers.get("etag")
        strong_tag = None if tag is None or tag.startswith("W/") else tag
        if opening.status == 200:
            size = opening.headers.get("content-length", "")
            size_bytes = int(size) if size.isdecimal() else None
            checksum = checksums.stated(opening.headers, is_whole=True)
            return Body(offset_bytes=0, size_bytes=size_bytes, tag=strong_tag, chunks=opening.chunks, checksum=checksum)
        if opening.status == 206:
            size_bytes = wire.range_size_bytes(opening.headers.get("content-range", ""), offset_bytes)
            return Body(
                offset_bytes=offset_bytes,
                size_bytes=size_bytes,
                tag=strong_tag,
                chunks=opening.chunks,
                checksum=checksums.stated(opening.headers, is_whole=False),
            )
        reason = refusals.storage_reason(await self._files.read(opening, limit_bytes=ERROR_LIMIT_BYTES))
        if opening.status in (408, 429) or opening.status >= 500:
            retry_after_s = self._retry_after_s(opening.headers)
            raise ServiceUnclear(f"HTTP {opening.status}, {reason}", retry_after_s=retry_after_s)
        raise ServiceRefused(LINK_REFUSED, reason, status=opening.status)

    def _retry_after_s(self, headers: Mapping[str, str]) -> float | None:
        return wire.retry_after_s(headers, self._now())

    def _refuse_unless_visitable(self, url: str) -> None:
        """HTTPS, or plain HTTP on this machine when the service is too. A link may come from a foreign lockfile.

        Nor does a public service redirect into a private network.
        """
        if not is_secure(url, local=self._local) or (not is_inside(self._base_url) and is_inside(url)):
            raise ServiceRefused(LINK_REFUSED, f"not a secure address: {wire.clean(url.partition('?')[0])}", status=0)

    # ---- the catalogue ---------------------------------------------------------------------------------------------

    def _explained(self, refusal: AccountRefused, model: Model) -> AccountRefused:
        """The refusal, with where to switch the model on, if that may be what it is about."""
        if model.switch_on is None or not is_closed(refusal.code):
            return refusal
        message = f"{refusal.message} ({model.name} has to be switched on once: {model.switch_on})"
        return AccountRefused(refusal.code, message, request_id=refusal.request_id)

    def _model(self, name: str) -> Model:
        model = self._catalogue.model(name)
        if model is None:
            raise Refused.because("provider", f"the model {name} is not in the catalogue")
        return model

    def _wire_name(self, model: Model) -> str:
        offer = model.offers.get(self._region)
        if offer is None:
            raise Refused.because("provider", f"{model.name} is not offered in the region {self._region}")
        return offer.wire_name


def _complains(fields: Mapping[str, Any]) -> bool:
    return bool(fields.get("code") or fields.get("error"))


def _secured(url: str) -> str:
    """A plain address in its secure form; one on this machine stays as it is."""
    scheme, separator, rest = url.partition("://")
    if scheme.lower() != "http" or not separator or is_loopback(url):
        return url
    host, slash, path = rest.partition("/")
    return f"https://{host.removesuffix(':80')}{slash}{path}"


def _joined(url: str, location: str) -> str:
    """Where a redirect leads. What is not an address stays as it is, and is refused as one."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def _checked_base_url(url: str) -> str:
    """The URL without a slash at its end. It must not carry a login: that would take the place of the key."""
    if not is_secure(url, local=True) or "?" in url or "#" in url:
        raise Refused.because(
            "provider.base_url",
            "the address of the service cannot be used",
            expected="https://host/api/v1, or http:// on this machine only",
            fix="correct `provider.base_url`, or DASHSCOPE_HTTP_BASE_URL",
        )
    return url.rstrip("/")


def _api_headers(api_key: str, workspace: str | None) -> dict[str, str]:
    headers = {"User-Agent": _USER_AGENT, "Authorization": f"Bearer {api_key}"}
    if workspace is not None:
        headers["X-DashScope-WorkSpace"] = _header_value(workspace, "provider.workspace", "the workspace")
    return headers


def _header_value(value: str, source: str, what: str) -> str:
    """The value, if it can be sent in a header. Refused here, because the HTTP library would quote it in its error."""
    if not _HEADER_VALUE.fullmatch(value):
        raise Refused.because(source, f"{what} is empty, or contains spaces or characters that a header cannot carry")
    return value
