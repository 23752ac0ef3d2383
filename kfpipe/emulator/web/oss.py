"""What uploads and result links share: keys, signatures and refusals in the manner of the object store."""

import base64
import hashlib
import hmac
import uuid
from xml.sax.saxutils import escape

ACCESS_KEY_ID = "LTAIemulator"


class StoreRefused(Exception):
    """The object store's refusal; it speaks XML."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    def to_xml(self, host: str) -> str:
        request_id = uuid.uuid4().hex[:24].upper()
        fields = {"Code": self.code, "Message": self.message, "RequestId": request_id, "HostId": host}
        lines = "".join(f"  <{name}>{escape(text)}</{name}>\n" for name, text in fields.items())
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n{lines}</Error>\n'


def signature(secret: bytes, text: str) -> str:
    """The store's version 1 signature: base64 of an HMAC-SHA1."""
    return base64.b64encode(hmac.digest(secret, text.encode(), hashlib.sha1)).decode()


def is_signed(secret: bytes, text: str, claimed: str) -> bool:
    return hmac.compare_digest(signature(secret, text).encode(), claimed.encode())
