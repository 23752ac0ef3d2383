"""Files the emulator holds: each kept once, on disk, under the digest of its bytes."""

import base64
import binascii
import hashlib
import re
from pathlib import Path

from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.film.scene import MediaFile, RemoteFile, StoredFile

DATA_URI_LIMIT_BYTES = 10_485_760

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DATA_URI = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,", re.ASCII | re.IGNORECASE)


class BlobStore:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes) -> StoredFile:
        digest = hashlib.sha256(data).hexdigest()
        path = self._folder / digest
        if not path.exists():
            beginning = path.with_suffix(".part")
            beginning.write_bytes(data)
            beginning.replace(path)  # whole or not at all, should the process be killed
        return StoredFile(path, digest, len(data))

    def find(self, sha256: str, size_bytes: int) -> StoredFile:
        """A file kept before. Raises ValueError for what is not a digest: it must not lead out of the folder."""
        if not _DIGEST.fullmatch(sha256):
            raise ValueError(f"not a SHA-256: {sha256!r}")
        return StoredFile(self._folder / sha256, sha256, size_bytes)

    def inline(self, uri: str) -> StoredFile:
        """The file inside a data URI. Raises `TaskRefused`."""
        header = _DATA_URI.match(uri)
        if header is None:
            raise TaskRefused("InvalidParameter", "A data URI must have the form data:{mime};base64,{data}.")
        if len(uri) > DATA_URI_LIMIT_BYTES:
            raise TaskRefused(
                "InvalidParameter", f"Exceeded limit on max bytes per data-uri item : {DATA_URI_LIMIT_BYTES}"
            )
        try:
            return self.keep(base64.b64decode(uri[header.end() :], validate=True))
        except binascii.Error as error:
            raise TaskRefused("InvalidParameter", "The data URI is not valid base64.") from error


def remote(url: str, *, is_strict: bool) -> MediaFile:
    """A file on another host, never fetched; in strict mode an address that cannot be reached."""
    if is_strict:
        raise TaskRefused("InvalidParameter", f"Failed to download {url}")
    return RemoteFile(url)
