"""Who is let in: one browser of this machine, by a token that works once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.review.app.conftest import Served, served


@pytest.fixture(scope="module")
def here(clips: Path) -> Iterator[Served]:
    with served(clips) as running:
        yield running


@pytest.fixture(scope="module")
def let_in(here: Served) -> Iterator[httpx.Client]:
    """The client that has shown the token."""
    with httpx.Client(base_url=here.origin, trust_env=False) as client:
        assert client.get(here.address).status_code == 303
        yield client


def test_the_token_opens_once_for_a_cookie_that_scripts_and_other_sites_never_see(clips: Path) -> None:
    with served(clips) as here, httpx.Client(base_url=here.origin, trust_env=False) as first:
        answer = first.get(here.address)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "HttpOnly" in answer.headers["set-cookie"] and "samesite=strict" in answer.headers["set-cookie"].lower()
        assert first.get("/api/board").status_code == 200
        with httpx.Client(base_url=here.origin, trust_env=False) as second:
            stale = second.get(here.address)
            assert stale.status_code == 403 and "kfpipe review" in stale.text and "set-cookie" not in stale.headers
            assert second.get("/api/board").status_code == 403


def test_the_address_may_be_opened_again_where_it_was_opened_before(here: Served, let_in: httpx.Client) -> None:
    assert let_in.get(here.address).status_code == 303


@pytest.mark.parametrize("path", ["/", "/api/board", "/static/main.js", "/api/events"])
@pytest.mark.parametrize("host", ["attacker.example", "attacker.example:80", "127.0.0.1", "127.0.0.1:1", ""])
def test_another_host_gets_nothing(let_in: httpx.Client, path: str, host: str) -> None:
    answer = let_in.get(path, headers={"Host": host})
    assert (answer.status_code, answer.content) == (403, b"")


@pytest.mark.parametrize("origin", ["https://attacker.example", "null", "http://127.0.0.1:1", "http://localhost"])
def test_another_origin_gets_nothing(let_in: httpx.Client, origin: str) -> None:
    for answer in (
        let_in.get("/api/board", headers={"Origin": origin}),
        let_in.post("/api/pick", json={"shot": "kitten", "take": None}, headers={"Origin": origin}),
    ):
        assert (answer.status_code, answer.content) == (403, b"")


def test_a_pick_needs_an_origin_and_json(here: Served, let_in: httpx.Client) -> None:
    pick = {"shot": "kitten", "take": "kitten@seed=1"}
    assert let_in.post("/api/pick", json=pick).status_code == 403
    own = {"Origin": here.origin}
    assert let_in.post("/api/pick", data=pick, headers=own).status_code == 415
    for body in ('{"shot": 1}', "[", '{"shot": "kitten"}', "[" * 5000, '"' + "x" * 99_999 + '"'):
        headers = {**own, "Content-Type": "application/json"}
        assert let_in.post("/api/pick", content=body, headers=headers).status_code == 400
    answer = let_in.post("/api/pick", json={"shot": "kitten", "take": "kitten@seed=9"}, headers=own)
    assert answer.status_code == 409 and "has no take 'kitten@seed=9'" in answer.json()["problem"]


def test_a_review_that_is_read_only_writes_no_pick(clips: Path) -> None:
    with served(clips, is_read_only=True) as here, httpx.Client(base_url=here.origin, trust_env=False) as client:
        client.get(here.address)
        before = (clips / "shots.lock.json").read_bytes()
        pick = {"shot": "kitten", "take": "kitten@seed=1"}
        answer = client.post("/api/pick", json=pick, headers={"Origin": here.origin})
        assert answer.status_code == 403 and "read-only" in answer.json()["problem"]
        assert client.get("/api/board").json()["read_only"] is True
        assert (clips / "shots.lock.json").read_bytes() == before


def test_every_answer_keeps_the_page_to_itself(let_in: httpx.Client) -> None:
    for path in ("/", "/static/main.js", "/static/nothing.js", "/api/board", "/media/nothing"):
        headers = let_in.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin" and "cache-control" in headers


def test_a_clip_is_had_by_its_digest_in_part_and_only_when_it_has_changed(let_in: httpx.Client, clips: Path) -> None:
    takes = [take for shot in let_in.get("/api/board").json()["shots"] for take in shot["takes"]]
    digest = takes[0]["clip"]["sha256"]
    content = (clips / "renders" / "kitten@seed=1.mp4").read_bytes()
    whole = let_in.get(f"/media/{digest}")
    assert (whole.content, whole.headers["content-type"], whole.headers["etag"]) == (
        content,
        "video/mp4",
        f'"{digest}"',
    )
    part = let_in.get(f"/media/{digest}", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(content)}"
    rest = let_in.get(f"/media/{digest}", headers={"Range": "bytes=10-"})
    assert (rest.status_code, rest.content) == (206, content[10:])
    assert let_in.get(f"/media/{digest}", headers={"If-None-Match": f'"{digest}"'}).status_code == 304
    poster = let_in.get(f"/poster/{digest}")
    assert poster.headers["content-type"] == "image/jpeg" and poster.content.startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    "name", ["..%2Fshots.yaml", "shots.yaml", "%2Fetc%2Fpasswd", "renders%2Fmonster.mp4", "0" * 64]
)
def test_no_path_leads_to_a_file(let_in: httpx.Client, name: str) -> None:
    for place in ("media", "poster", "static"):
        assert let_in.get(f"/{place}/{name}").status_code == 404


def test_a_long_clip_is_sent_in_pieces_so_that_no_connection_is_kept(let_in: httpx.Client, clips: Path) -> None:
    still = let_in.get("/api/board").json()["shots"][0]["takes"][0]["stills"][0]["picture"]
    picture = clips / "a.png"
    before = picture.read_bytes()
    picture.write_bytes(bytes(3 << 20))
    part = let_in.get(f"/media/{still}", headers={"Range": "bytes=5-"})
    picture.write_bytes(before)
    assert (part.status_code, part.headers["content-range"]) == (206, f"bytes 5-{(1 << 20) + 4}/{3 << 20}")


def test_the_board_tells_no_path_and_no_key(let_in: httpx.Client, clips: Path) -> None:
    text = let_in.get("/api/board").text
    assert str(clips) not in text and "renders/" not in text and "sk-" not in text
