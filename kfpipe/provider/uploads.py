"""Local frames at the service: stored once per content and model, and reused while their copy lasts.

The service keeps an upload for 48 h and lets only the model it was made for read it (API reference, section 4.3).
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import anyio
from anyio import to_thread

from kfpipe.domain import LocalMedium
from kfpipe.errors import Refused, ServiceRefused, ServiceUnclear
from kfpipe.files.read import first_bytes
from kfpipe.provider import refusals, wire
from kfpipe.provider.codes import STORAGE
from kfpipe.provider.transport import Answer, Form, Transport
from kfpipe.provider.upload_cache import UploadMemory

POLICY_MARGIN_S: Final = 30.0
AT_ONCE: Final = 4
"""Uploads at the same time; each holds its file in memory, at most 20 MB."""

AGE_MAX: Final = timedelta(days=1)
"""Of a copy that was there before: the folder's name holds the date."""

SILENCE_S: Final = 60.0
DEADLINE_S: Final = 600.0
ANSWER_LIMIT_BYTES: Final = 64 * 1024
SUFFIXES: Final = {"image/jpeg": ".jpg", "image/png": ".png", "image/bmp": ".bmp", "image/webp": ".webp"}


class Uploads:
    """Addresses of local frames. `ask_policy` fetches a permit to upload for a model by its name on the wire."""

    def __init__(
        self,
        *,
        ask_policy: Callable[[str], Awaitable[wire.UploadPolicy]],
        files: Transport,
        memory: UploadMemory,
        project: Path,
        now: Callable[[], datetime],
        refuse_unless_visitable: Callable[[str], None],
    ) -> None:
        self._ask_policy = ask_policy
        self._files = files
        self._memory = memory
        self._project = project
        self._now = now
        self._refuse_unless_visitable = refuse_unless_visitable
        self._policies: dict[str, tuple[wire.UploadPolicy, float]] = {}
        self._asking: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)
        self._storing: defaultdict[tuple[str, str], anyio.Lock] = defaultdict(anyio.Lock)
        self._at_once = anyio.Semaphore(AT_ONCE)

    async def url(self, medium: LocalMedium, wire_name: str) -> str:
        """The address under which the model can read the file. Many askers share one upload."""
        known = self._memory.url(medium.sha256, wire_name)
        if known is not None:
            return known
        async with self._storing[medium.sha256, wire_name]:
            known = self._memory.url(medium.sha256, wire_name)  # somebody may have stored it meanwhile
            if known is not None:
                return known
            async with self._at_once:
                return await self._store(medium, wire_name)

    async def _store(self, medium: LocalMedium, wire_name: str) -> str:
        """Upload the file, with a fresh leave where the old one ran out; its `oss://` address."""
        content = await planned_content(self._project, medium)
        policy = await self._policy(wire_name)
        answer = await self._post(policy, medium, content)
        if _leave_ran_out(answer):
            policy = await self._policy(wire_name, dead=policy)
            answer = await self._post(policy, medium, content)
        url = f"oss://{_key(policy, medium)}"
        await self._memory.remember(medium.sha256, wire_name, url, uploaded_at=self._now() - _age(answer))
        return url

    async def _policy(self, wire_name: str, *, dead: wire.UploadPolicy | None = None) -> wire.UploadPolicy:
        """A permit to upload, other than one known to be `dead`. It serves all files of a model while it lasts."""
        async with self._asking[wire_name]:
            policy, ends_s = self._policies.get(wire_name, (None, 0.0))
            if policy is None or policy is dead or anyio.current_time() > ends_s:
                asked_s = anyio.current_time()
                policy = await self._ask_policy(wire_name)
                self._policies[wire_name] = (policy, asked_s + policy.life_s - POLICY_MARGIN_S)
            return policy

    async def _post(self, policy: wire.UploadPolicy, medium: LocalMedium, content: bytes) -> Answer:
        self._refuse_unless_visitable(policy.host)
        key = _key(policy, medium)
        return await self._files.ask(
            "POST",
            policy.host,
            silence_s=SILENCE_S,
            deadline_s=DEADLINE_S,
            limit_bytes=ANSWER_LIMIT_BYTES,
            body=Form(
                fields={**policy.fields, "key": key, "x-oss-content-type": medium.mime_type},
                file_name=key.rpartition("/")[2],
                mime_type=medium.mime_type,
                content=content,
            ),
        )


async def planned_content(project: Path, medium: LocalMedium) -> bytes:
    """The file's bytes, which must still be those that were planned: they decide what is paid for.

    Raises Refused when the file is gone, or has changed.
    """
    content = await to_thread.run_sync(_read, project / medium.path, medium.size_bytes)
    if content is None or hashlib.sha256(content).hexdigest() != medium.sha256:
        what = "the file is gone" if content is None else "the file changed since it was planned"
        raise Refused.because(medium.name, what, fix="run the command again")
    return content


async def data_uri(project: Path, medium: LocalMedium) -> str:
    """The file itself as an address, for small ones (API reference, section 4.2). Raises as `planned_content`."""
    content = await planned_content(project, medium)
    return f"data:{medium.mime_type};base64,{base64.b64encode(content).decode()}"


def _read(path: Path, size_bytes: int) -> bytes | None:
    """The file, cut off one byte past the limit: it may have grown without bound."""
    try:
        return first_bytes(path, size_bytes + 1)
    except OSError:
        return None


def _key(policy: wire.UploadPolicy, medium: LocalMedium) -> str:
    """The name at the storage follows from the content: frames of one name must not collide."""
    return f"{policy.folder}/{medium.sha256[:32]}{SUFFIXES.get(medium.mime_type, '')}"


def _leave_ran_out(answer: Answer) -> bool:
    return answer.status == 403 and "expired" in refusals.storage_reason(answer.content).casefold()


def _age(answer: Answer) -> timedelta:
    """How old the copy at the storage may already be; raises when there is none."""
    if answer.status in (200, 201, 204):
        return timedelta(0)
    code = refusals.storage_code(answer.content)
    if code == "FileAlreadyExists":
        return AGE_MAX
    reason = refusals.storage_reason(answer.content)
    if answer.status >= 500 or answer.status in (408, 429):
        raise ServiceUnclear(f"upload: HTTP {answer.status}, {reason}")
    raise ServiceRefused(f"{STORAGE}.{code}", reason, status=answer.status)
