"""The one comment on a pull request, by the API of GitHub. The token goes there, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from kfpipe.addresses import is_loopback
from kfpipe.cli.ci.event import JobEvent
from kfpipe.errors import Refused
from kfpipe.provider.transport import is_secure
from kfpipe.version import __version__

TIMEOUT_S: Final = 30.0
MOST_PAGES: Final = 100
_PER_PAGE: Final = 100


class Unposted(Exception):
    """The comment could not be written; the text says why, and never holds the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """`is_new`: the pull request had no such comment before."""

    url: str
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where to post, and with which token."""

    api_url: str
    token: str
    repository: str
    pull_request: int


def access(variables: Mapping[str, str], event: JobEvent) -> Access:
    """What is needed to post. Raises Unposted where a part is missing, and Refused for an address that is none."""
    token = variables.get("GITHUB_TOKEN", "").strip()
    if event.pull_request is None or event.repository is None:
        raise Unposted("this job is not for a pull request")
    if not token:
        raise Unposted("there is no token")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise Refused.because("GITHUB_TOKEN", "this is not a token", expected="one word")
    url = variables.get("GITHUB_API_URL", "").strip() or "https://api.github.com"
    if not is_secure(url, local=True):
        raise Refused.because("GITHUB_API_URL", "a token is sent by https only", expected="an https address")
    return Access(api_url=url.rstrip("/"), token=token, repository=event.repository, pull_request=event.pull_request)


def post(to: Access, text: str, marker: str) -> Posted:
    """Write the comment that begins with `marker`, in place of an older one. Raises Unposted."""
    comments = f"{to.api_url}/repos/{to.repository}/issues/{to.pull_request}/comments"
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {to.token}",
        "User-Agent": f"kfpipe/{__version__}",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    try:
        with httpx.Client(headers=headers, timeout=TIMEOUT_S, trust_env=not is_loopback(to.api_url)) as client:
            known = next((one for one in _comments(client, comments) if _is_ours(one, marker)), None)
            if known is None:
                answer = client.post(comments, json={"body": text})
            else:
                own = f"{to.api_url}/repos/{to.repository}/issues/comments/{int(known['id'])}"
                answer = client.patch(own, json={"body": text})
            told = _sound(answer)
    except httpx.HTTPError as error:
        raise Unposted(f"{urlsplit(to.api_url).hostname} does not answer ({type(error).__name__})") from None
    address = told.get("html_url") if isinstance(told, dict) else None
    return Posted(url=str(address or ""), is_new=known is None)


def _comments(client: httpx.Client, url: str) -> Iterator[dict[str, Any]]:
    """All comments, page by page, for as long as there is a next one."""
    for page in range(1, MOST_PAGES + 1):
        answer = client.get(url, params={"per_page": _PER_PAGE, "page": page})
        found = _sound(answer)
        yield from (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()
        if "next" not in answer.links:
            return


def _is_ours(comment: Mapping[str, Any], marker: str) -> bool:
    body = comment.get("body")
    return isinstance(body, str) and body.startswith(marker) and isinstance(comment.get("id"), int)


def _sound(answer: httpx.Response) -> Any:
    """What an answer says. Raises Unposted for a refusal, with the reason that a person can act on."""
    if answer.status_code in (401, 403, 404):
        raise Unposted(f"the token may not write comments here (HTTP {answer.status_code})")
    if not answer.is_success:
        raise Unposted(f"{answer.url.host} refused the comment (HTTP {answer.status_code})")
    try:
        return answer.json()
    except ValueError:
        raise Unposted(f"{answer.url.host} did not answer in JSON") from None
