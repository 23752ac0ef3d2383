"""Links to finished clips, in the shapes that the makers' networks give them: signed, and gone when their life is over.

All of them lead to the emulator's own address. A link works as it was given, byte for byte.
"""

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from kfpipe.emulator.film.scene import Film
from kfpipe.emulator.models import HOUR_S, LinkKind
from kfpipe.emulator.tasks import Task
from kfpipe.emulator.web import oss
from kfpipe.emulator.web.oss import StoreRefused

_MARKED = "-marked"
_AMZ_TIME = "%Y%m%dT%H%M%SZ"


class Links:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def url(self, origin: str, task: Task, ended_at: float, *, is_marked: bool = False) -> str:
        """The link to a finished clip; the same at every query. `ended_at` is in virtual epoch seconds.

        `is_marked` asks for the copy with a watermark, where that is another clip.
        """
        token = uuid.UUID(task.id).hex
        day = datetime.fromtimestamp(ended_at, UTC).strftime("%Y%m%d")
        name = f"{int(token[-6:], 16):08}{_MARKED if is_marked else ''}"
        place = f"{token[:2]}/{token[2:4]}/{day}/{token}/{name}-emulated.mp4"
        life_s = round(task.model.link_life_h * HOUR_S)
        match task.model.link:
            case LinkKind.OSS:
                path = f"/results/{place}"
                return f"{origin}{path}?{urlencode(self._oss_query(path, int(ended_at) + life_s))}"
            case LinkKind.AWS:
                path = f"/results/s3/{place}"
                return f"{origin}{path}?{urlencode(self._aws_query(path, ended_at, life_s))}"
            case LinkKind.CACHED:
                path = f"/results/cdn/{place}"
                return f"{origin}{path}?cacheKey={self._digest(path)}"
            case LinkKind.BARE:
                # No query protects it: that nobody guesses it does.
                tail = f"{token}%2F{name}_seed{task.film_seed}.mp4"
                return f"{origin}/results/media%2F{self._digest(tail)}%2F{tail}"

    def film(self, task: Task | None, path: str, query: str, headers: Mapping[str, str], now: float) -> Film:
        """What a link leads to; `path` and `query` are as they were sent. Raises `StoreRefused`."""
        self._check(path, dict(parse_qsl(query)), headers, now)
        is_marked = _MARKED in path.rpartition("/")[2]
        film = None if task is None else task.marked_film if is_marked else task.film
        if film is None:
            raise StoreRefused(404, "NoSuchKey", "The specified key does not exist.")
        return film.result()

    def _check(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], now: float) -> None:
        """Raises `StoreRefused` for a link that was altered or has run out."""
        if "X-Amz-Signature" in query:
            self._check_aws(path, query, headers, now)
        elif "cacheKey" in query:
            _check_equal(query["cacheKey"], self._digest(path))
        elif "Signature" in query:
            self._check_oss(path, query, now)
        else:
            signature, _, tail = path.removeprefix("/results/media%2F").partition("%2F")
            if not path.startswith("/results/media%2F") or not hmac.compare_digest(signature, self._digest(tail)):
                message = "You have no right to access this object because of bucket acl."
                raise StoreRefused(403, "AccessDenied", message)

    def _check_oss(self, path: str, query: Mapping[str, str], now: float) -> None:
        expires, claimed = query.get("Expires", ""), query["Signature"]
        if query.get("OSSAccessKeyId") != oss.ACCESS_KEY_ID:
            raise StoreRefused(403, "AccessDenied", "You have no right to access this object because of bucket acl.")
        _check_equal(claimed, oss.signature(self._secret, f"{expires}\n{path}"))
        _check_alive(int(expires), now)

    def _check_aws(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], now: float) -> None:
        if "authorization" in headers:
            raise StoreRefused(400, "InvalidArgument", "Only one auth mechanism allowed.")
        signed = {name: value for name, value in query.items() if name != "X-Amz-Signature"}
        _check_equal(query["X-Amz-Signature"], self._digest(f"{path}?{urlencode(signed)}"))
        began = datetime.strptime(query["X-Amz-Date"], _AMZ_TIME).replace(tzinfo=UTC).timestamp()
        _check_alive(began + int(query["X-Amz-Expires"]), now)

    def _oss_query(self, path: str, expires: int) -> dict[str, str]:
        signature = oss.signature(self._secret, f"{expires}\n{path}")
        return {"Expires": str(expires), "OSSAccessKeyId": oss.ACCESS_KEY_ID, "Signature": signature}

    def _aws_query(self, path: str, ended_at: float, life_s: int) -> dict[str, str]:
        moment = datetime.fromtimestamp(ended_at, UTC).strftime(_AMZ_TIME)
        signed = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{oss.ACCESS_KEY_ID}/{moment[:8]}/emulator/s3/aws4_request",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(life_s),
            "X-Amz-SignedHeaders": "host",
        }
        return {**signed, "X-Amz-Signature": self._digest(f"{path}?{urlencode(signed)}")}

    def _digest(self, text: str) -> str:
        return hmac.digest(self._secret, text.encode(), hashlib.sha256).hex()


def _check_equal(claimed: str, signature: str) -> None:
    if not hmac.compare_digest(claimed.encode(), signature.encode()):
        raise StoreRefused(403, "SignatureDoesNotMatch", "The request signature does not match the one calculated.")


def _check_alive(expires_at: float, now: float) -> None:
    if now >= expires_at:
        raise StoreRefused(403, "AccessDenied", "Request has expired.")


def task_id(token: str) -> str | None:
    """The task that a link's folder name means."""
    try:
        return str(uuid.UUID(hex=token))
    except ValueError:
        return None
