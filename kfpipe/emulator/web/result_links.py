"""Result links: signed, for a day after the task's end, and gone afterwards."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from kfpipe.emulator.tasks import DAY_S
from kfpipe.emulator.web import oss
from kfpipe.emulator.web.oss import StoreRefused


class Links:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def url(self, origin: str, task_id: str, ended_at: float) -> str:
        """The link to a finished clip; the same at every query. `ended_at` is in virtual epoch seconds."""
        token = uuid.UUID(task_id).hex
        day = datetime.fromtimestamp(ended_at, UTC).strftime("%Y%m%d")
        path = f"/results/{token[:2]}/{token[2:4]}/{day}/{token}/{int(token[-6:], 16):08}-emulated.mp4"
        expires = str(int(ended_at) + DAY_S)
        query = {
            "Expires": expires,
            "OSSAccessKeyId": oss.ACCESS_KEY_ID,
            "Signature": oss.signature(self._secret, f"{expires}\n{path}"),
        }
        return f"{origin}{path}?{urlencode(query)}"

    def check(self, path: str, query: Mapping[str, str], now: float) -> None:
        """Raises `StoreRefused` for a link that was altered or has run out."""
        expires, claimed = query.get("Expires", ""), query.get("Signature", "")
        if not claimed or query.get("OSSAccessKeyId") != oss.ACCESS_KEY_ID:
            raise StoreRefused(403, "AccessDenied", "You have no right to access this object because of bucket acl.")
        if not oss.is_signed(self._secret, f"{expires}\n{path}", claimed):
            raise StoreRefused(403, "SignatureDoesNotMatch", "The request signature does not match the one calculated.")
        if now >= int(expires):
            raise StoreRefused(403, "AccessDenied", "Request has expired.")


def task_id(token: str) -> str | None:
    """The task that a link's folder name means."""
    try:
        return str(uuid.UUID(hex=token))
    except ValueError:
        return None
