"""Result links: signed, resumable, and dead after a day."""

from __future__ import annotations

import hashlib

import httpx
import pytest


@pytest.fixture
def link(shared, bodies):
    return shared.finish(shared.make(bodies.kf2v()))["output"]["video_url"]


def test_a_link_works_without_a_key_and_delivers_what_it_promised(link):
    response = httpx.get(link)
    assert response.status_code == 200
    assert response.headers["content-type"] == "video/mp4"
    assert int(response.headers["content-length"]) == len(response.content)
    assert response.headers["etag"] == f'"{hashlib.md5(response.content).hexdigest().upper()}"'


def test_the_link_stays_the_same_from_query_to_query(shared, bodies):
    task_id = shared.make(bodies.kf2v())
    first = shared.finish(task_id)["output"]["video_url"]
    assert shared.look(task_id)["output"]["video_url"] == first


def test_a_download_can_continue_where_it_was_cut_off(link):
    whole = httpx.get(link)
    rest = httpx.get(link, headers={"Range": "bytes=1000-", "If-Range": whole.headers["etag"]})
    assert rest.status_code == 206
    assert rest.content == whole.content[1000:]
    assert rest.headers["content-range"] == f"bytes 1000-{len(whole.content) - 1}/{len(whole.content)}"


@pytest.mark.parametrize(
    ("asked", "begin", "end"), [("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=-5", -5, None)]
)
def test_a_range_is_cut_out_exactly(link, asked, begin, end):
    part = httpx.get(link, headers={"Range": asked})
    assert (part.status_code, part.content) == (206, httpx.get(link).content[begin:end])


def test_another_file_is_sent_whole(link):
    assert httpx.get(link, headers={"Range": "bytes=10-", "If-Range": '"another"'}).status_code == 200


def test_a_range_behind_the_end_cannot_be_satisfied(link):
    size = len(httpx.get(link).content)
    response = httpx.get(link, headers={"Range": f"bytes={size}-"})
    assert (response.status_code, response.headers["content-range"]) == (416, f"bytes */{size}")


def test_head_shows_the_size_and_sends_nothing(link):
    response = httpx.head(link)
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) == len(httpx.get(link).content)


def test_a_link_is_dead_a_day_after_the_end(shared, link):
    shared.emulator.clock.advance(24 * 3600)
    response = httpx.get(link)
    assert response.status_code == 403
    assert "<Code>AccessDenied</Code>" in response.text
    assert "expired" in response.text


@pytest.mark.parametrize(
    ("alter", "code"),
    [
        (lambda link: link.replace("Expires=1", "Expires=2"), "SignatureDoesNotMatch"),
        (lambda link: link.replace("-emulated", "-other"), "SignatureDoesNotMatch"),
        (lambda link: link.partition("?")[0], "AccessDenied"),
    ],
)
def test_an_altered_link_is_refused(link, alter, code):
    response = httpx.get(alter(link))
    assert response.status_code == 403
    assert f"<Code>{code}</Code>" in response.text
