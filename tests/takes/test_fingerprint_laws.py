"""Every field of a request decides pixels, so each moves the fingerprint; nothing else does."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from kfpipe.domain import SEED_MAX, LocalMedium, MediaInput, MediaRole, Parameters, RemoteMedium, RenderRequest
from kfpipe.files.text import normalised
from kfpipe.takes import fingerprint

texts = st.text(max_size=40).map(normalised)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
local = st.builds(
    LocalMedium,
    path=texts,
    sha256=digests,
    size_bytes=st.integers(1, 10**7),
    mime_type=st.just("image/png"),
    width_px=st.integers(240, 8000),
    height_px=st.integers(240, 8000),
)
first_frames = st.builds(MediaInput, role=st.just(MediaRole.FIRST_FRAME), medium=local)
last_frames = st.builds(
    MediaInput,
    role=st.just(MediaRole.LAST_FRAME),
    medium=local | st.builds(RemoteMedium, url=texts, digest=digests),
)
media = st.tuples(first_frames) | st.tuples(first_frames, last_frames)
parameters = st.builds(
    Parameters,
    resolution=texts,
    duration_s=st.integers(2, 15),
    prompt_extend=st.booleans(),
    watermark=st.booleans(),
    seed=st.none() | st.integers(0, SEED_MAX),
)
requests = st.builds(
    RenderRequest, model=texts, prompt=texts, negative_prompt=texts, media=media, parameters=parameters
)


@given(requests, requests, st.sampled_from(["model", "prompt", "negative_prompt", "parameters"]))
def test_every_field_moves_the_fingerprint(request_: RenderRequest, other: RenderRequest, name: str) -> None:
    assume(getattr(request_, name) != getattr(other, name))
    changed = replace(request_, **{name: getattr(other, name)})
    assert fingerprint.of(changed) != fingerprint.of(request_)


@given(requests, parameters, st.sampled_from(["resolution", "duration_s", "prompt_extend", "watermark", "seed"]))
def test_every_parameter_moves_the_fingerprint(request_: RenderRequest, other: Parameters, name: str) -> None:
    assume(getattr(request_.parameters, name) != getattr(other, name))
    changed = replace(request_, parameters=replace(request_.parameters, **{name: getattr(other, name)}))
    assert fingerprint.of(changed) != fingerprint.of(request_)


@given(requests, digests)
def test_the_bytes_of_a_frame_move_the_fingerprint(request_: RenderRequest, sha256: str) -> None:
    first, *rest = request_.media
    assert isinstance(first.medium, LocalMedium)
    assume(first.medium.sha256 != sha256)
    changed = replace(request_, media=(replace(first, medium=replace(first.medium, sha256=sha256)), *rest))
    assert fingerprint.of(changed) != fingerprint.of(request_)


@given(requests, texts)
def test_a_renamed_frame_leaves_the_fingerprint_alone(request_: RenderRequest, path: str) -> None:
    first, *rest = request_.media
    assert isinstance(first.medium, LocalMedium)
    renamed = replace(request_, media=(replace(first, medium=replace(first.medium, path=path)), *rest))
    assert fingerprint.of(renamed) == fingerprint.of(request_)


@given(requests, st.none() | st.booleans(), st.none() | texts)
def test_the_canonical_form_is_what_json_writes_with_sorted_keys(
    request_: RenderRequest, audio: bool | None, template: str | None
) -> None:
    asked = replace(request_, template=template, parameters=replace(request_.parameters, audio=audio))
    canonical = fingerprint.canonical(asked)
    assert canonical == json.dumps(json.loads(canonical), sort_keys=True, separators=(",", ":")).encode()


@given(requests)
def test_the_order_of_the_media_leaves_the_fingerprint_alone(request_: RenderRequest) -> None:
    assert fingerprint.of(replace(request_, media=request_.media[::-1])) == fingerprint.of(request_)
