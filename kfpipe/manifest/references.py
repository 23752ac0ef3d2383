"""What a manifest may point at: files inside the project, and public addresses.

Manifests may come from strangers, so a reference that leaves the project, or that would make the service or kfpipe
talk to a private machine, is refused by its spelling alone. Symbolic links are checked in `manifest.files`.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from kfpipe.addresses import is_loopback_host, is_private, is_service_host
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.document.typed import in_yaml
from kfpipe.manifest.model import File, LocalFile, RemoteFile
from kfpipe.wording import echoed, visible

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_DRIVE = re.compile(r"[A-Za-z]:")
_LONGEST_NAME_BYTES = 255
_LONGEST_PATH_BYTES = 1_000


def inside_project(text: str, path: DataPath, *, levels_up: int, folder: str = "") -> str | Finding:
    """The normalised path, relative to the manifest's folder, or why it cannot be used.

    `levels_up` is the number of folders between the manifest and the project's root: that many `..` are allowed.
    `folder` is that of the file which names the path, relative to the manifest's.
    """
    if text.startswith(("/", "~", "\\")) or _DRIVE.match(text):
        name = re.split(r"[\\/]", text)[-1] or "a.png"
        return Finding(
            path=path,
            what=f"the path {echoed(text)} works on one computer only",
            expected="a path relative to the manifest's folder",
            fix="move the file into the project and give its path relative to the manifest, "
            f"like `frames/{visible(name)}`",
        )
    if "\\" in text:
        return Finding(
            path=path,
            what=f"the path {echoed(text)} has backslashes",
            expected="forward slashes, which work on every system",
            fix=f"write `{in_yaml(text.replace(chr(92), '/'))}`",
        )
    if not text.strip() or any(ord(character) < 32 for character in text):
        return Finding(path=path, what=f"{echoed(text)} is not a path", fix="write a path like `frames/a.png`")
    parts = _normalised(f"{folder}/{text}")
    if len(text.encode()) > _LONGEST_PATH_BYTES or any(len(part.encode()) > _LONGEST_NAME_BYTES for part in parts):
        return Finding(
            path=path,
            what=f"the path {echoed(text)} is longer than file systems allow",
            expected=f"names of at most {_LONGEST_NAME_BYTES} bytes, {_LONGEST_PATH_BYTES} in all",
            fix="shorten it",
        )
    if parts.count("..") > levels_up:
        return Finding(
            path=path,
            what=f"the path {echoed(text)} leaves the project",
            expected="a path inside the project: the git repository, or without one the manifest's folder",
            fix="change the path, or move what it names into the project",
        )
    return "/".join(parts) or "."


def _normalised(text: str) -> list[str]:
    parts: list[str] = []
    for part in text.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return parts


def file(text: str, path: DataPath, *, levels_up: int, folder: str = "", noun: str = "frame") -> File | Finding:
    """The picture, sound or clip that a shot names: a file of the project or a public web address.

    `levels_up` and `folder` as in `inside_project`; `noun` is what messages call the file.
    """
    scheme = _SCHEME.match(text)
    if scheme is not None:
        return _remote_file(text, scheme[1].lower(), path, noun)
    local = inside_project(text, path, levels_up=levels_up, folder=folder)
    if isinstance(local, Finding):
        return local
    return LocalFile(path=local)


_SCHEME_FIXES = {
    "file": "write the path alone, relative to the manifest, like `frames/a.png`",
    "oss": "temporary upload addresses expire: give the file itself, and kfpipe uploads it when it is needed",
    "data": "save it as a file in the project and give its path",
}


def _remote_file(text: str, scheme: str, path: DataPath, noun: str) -> File | Finding:
    """A web address without credentials, of a host that the service can reach; plain http is warned of later."""
    if scheme not in ("https", "http"):
        return Finding(
            path=path,
            what=f"a {noun} cannot be given as an address that starts with {scheme}:",
            expected="a path like `frames/a.png`, or an address that starts with https://",
            fix=_SCHEME_FIXES.get(scheme, "save the file in the project and give its path"),
        )
    url = _split(text)
    flaw = "is not a complete address" if url is None or not url.hostname else _credentials_or_private(url)
    if flaw is not None:
        return Finding(
            path=path,
            what=f"the address {echoed(_without_credentials(text))} {flaw}",
            expected="an https address that the service can open from the internet",
            fix="save the file in the project and give its path",
        )
    return RemoteFile(url=text)


_LEAVE_OUT = "correct it, or delete the line to use the region's address"


def base_url(text: str, path: DataPath) -> str | Finding:
    """The service's address without a trailing slash: https, or plain http to this machine."""
    url = _split(text)
    what = f"the base_url {echoed(_without_credentials(text))}"
    expected = "an address like https://dashscope-intl.aliyuncs.com/api/v1"
    if url is None or url.scheme not in ("http", "https") or not url.hostname:
        return Finding(path=path, what=f"{what} is not a web address", expected=expected, fix=_LEAVE_OUT)
    if url.username is not None or url.password is not None:
        return Finding(
            path=path,
            what=f"{what} contains a user name or password",
            expected=expected,
            fix="delete everything up to the `@`; the key comes from the environment variable DASHSCOPE_API_KEY",
        )
    if url.scheme == "http" and not is_loopback_host(url.hostname):
        return Finding(
            path=path,
            what=f"{what} would send the key unencrypted",
            expected="https; plain http is only for this machine (127.0.0.1)",
            fix=f"write `{in_yaml('https' + text[4:])}`",
        )
    if url.query or url.fragment:
        return Finding(path=path, what=f"{what} has a `?` or `#` part", expected=expected, fix="delete that part")
    if not is_loopback_host(url.hostname) and not is_service_host(url.hostname):
        return Finding(
            path=path,
            what=f"{what} is not one of the service's own: your key would be sent to someone else",
            expected=f"{expected}, a workspace's host, or this machine",
            fix="for a gateway that you trust, set the environment variable DASHSCOPE_HTTP_BASE_URL instead",
        )
    return text.rstrip("/")


def _split(text: str) -> SplitResult | None:
    """The parts of an address; None where the text cannot be one."""
    if any(character.isspace() or not character.isprintable() for character in text):
        return None
    try:
        url = urlsplit(text)
        _ = url.port  # raises for a port that is not a number
    except ValueError:
        return None
    return url


def _without_credentials(text: str) -> str:
    """What may be shown of an address: no user name, password or signature."""
    return re.sub(r"//[^/?#]*@", "//", text).partition("?")[0]


def _credentials_or_private(url: SplitResult) -> str | None:
    host = (url.hostname or "").rstrip(".")
    if url.username is not None or url.password is not None:
        return "contains a user name or password, which would end up in the lockfile"
    return "is inside a private network, where the service cannot reach it" if is_private(host) else None
