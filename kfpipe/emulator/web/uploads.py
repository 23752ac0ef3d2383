"""Temporary uploads: a policy for a few minutes, an object for two days, bound to the model it was uploaded for."""

import base64
import json
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from kfpipe.emulator.blobs import BlobStore
from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.film.scene import StoredFile
from kfpipe.emulator.journal.events import Granted, Uploaded
from kfpipe.emulator.journal.log import EventLog
from kfpipe.emulator.journal.replay import AccountState
from kfpipe.emulator.models import MEGABYTE
from kfpipe.emulator.web import oss
from kfpipe.emulator.web.multipart import Part
from kfpipe.emulator.web.oss import StoreRefused

POLICY_LIFE_S = 300
OBJECT_LIFE_S = 48 * 3600
LIMIT_MB = 100

LARGEST_FORM_BYTES = (LIMIT_MB + 1) * MEGABYTE
"""A file of the largest size, and more than enough for the fields before it."""


def too_large() -> StoreRefused:
    return StoreRefused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")


class Uploads:
    """Lives are virtual seconds, by the `now` handed in at the start."""

    def __init__(self, blobs: BlobStore, now: Callable[[], float], event_log: EventLog, recalled: AccountState) -> None:
        self._blobs = blobs
        self._now = now
        self._event_log = event_log
        self._secret = bytes.fromhex(recalled.secret)
        self._grants = dict(recalled.grants)
        self._objects = dict(recalled.objects)
        self._lock = threading.Lock()

    def policy(self, model: str, upload_host: str) -> dict[str, Any]:
        """Leave to upload files for a model, as the `data` of a getPolicy answer."""
        now = self._now()
        day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
        upload_dir = f"dashscope-instant/{uuid.uuid4().hex[:12]}/{day}/{uuid.uuid4()}"
        expires_at = now + POLICY_LIFE_S
        with self._lock:
            self._grants[upload_dir] = grant = Granted(upload_dir=upload_dir, model=model, expires_at=expires_at)
            self._event_log.note(grant)
        text = json.dumps(
            {
                "expiration": datetime.fromtimestamp(expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
                "conditions": [["content-length-range", 0, LIMIT_MB * MEGABYTE], ["starts-with", "$key", upload_dir]],
            }
        )
        policy = base64.b64encode(text.encode()).decode()
        return {
            "policy": policy,
            "signature": oss.signature(self._secret, policy),
            "upload_dir": upload_dir,
            "upload_host": upload_host,
            "expire_in_seconds": POLICY_LIFE_S,
            "max_file_size_mb": LIMIT_MB,
            "capacity_limit_mb": 999999999,
            "oss_access_key_id": oss.ACCESS_KEY_ID,
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }

    def accept(self, parts: Sequence[Part]) -> int:
        """Store an upload; the HTTP status it is answered with. Raises `StoreRefused`."""
        if not parts or parts[-1].name != "file":
            raise StoreRefused(400, "InvalidArgument", "The file must be the last part of the form.")
        fields = {part.name.lower(): part.data.decode("utf-8", "replace") for part in parts[:-1]}
        grant = self._grant(fields)
        data = parts[-1].data
        if len(data) > LIMIT_MB * MEGABYTE:
            raise too_large()
        key = fields["key"]
        file = self._blobs.keep(data)
        with self._lock:
            if key in self._objects and fields.get("x-oss-forbid-overwrite") == "true":
                raise StoreRefused(409, "FileAlreadyExists", "The object you specified already exists.")
            expires_at = self._now() + OBJECT_LIFE_S
            self._objects[key] = upload = Uploaded(key=key, file=file, model=grant.model, expires_at=expires_at)
            self._event_log.note(upload)
        return 200 if fields.get("success_action_status") == "200" else 204

    def resolve(self, url: str, model: str) -> StoredFile:
        """The file behind an `oss://` URL, for a task of `model`. Raises `TaskRefused`."""
        with self._lock:
            found = self._objects.get(url.removeprefix("oss://"))
        if found is None or found.expires_at <= self._now():
            raise TaskRefused("InvalidParameter", f"Failed to download {url}")
        if found.model != model:
            raise TaskRefused("InvalidParameter.DataInspection", f"{url} was uploaded for {found.model}, not {model}.")
        return found.file

    def _grant(self, fields: dict[str, str]) -> Granted:
        if fields.get("ossaccesskeyid") != oss.ACCESS_KEY_ID:
            raise StoreRefused(403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist.")
        policy, key = fields.get("policy", ""), fields.get("key", "")
        if not oss.is_signed(self._secret, policy, fields.get("signature", "")):
            raise StoreRefused(403, "SignatureDoesNotMatch", "The request signature does not match the one calculated.")
        upload_dir = json.loads(base64.b64decode(policy))["conditions"][1][2]
        grant = self._grants[upload_dir]
        if grant.expires_at <= self._now():
            raise StoreRefused(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        if not key.startswith(f"{upload_dir}/") or key == f"{upload_dir}/":
            raise StoreRefused(403, "AccessDenied", "Invalid according to Policy: Policy Condition failed: key.")
        return grant
