"""Addresses that are signed for a while: which of their parameters are the signature, and which are the picture."""

from __future__ import annotations

import hashlib

import pytest

from kfpipe.takes import remote

PLAIN = "https://host.example/a.png"

OSS_1 = "OSSAccessKeyId=LTAI1&Expires=1141889120&Signature=vjby%2BPxy%3D&security-token=CAIS"
OSS_2 = (
    "x-oss-signature-version=OSS2&x-oss-expires=1141889120&x-oss-access-key-id=LTAI1"
    "&x-oss-additional-headers=host&x-oss-signature=vjby"
)
OSS_4 = (
    "x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential=LTAI1%2F20251126%2Fcn&x-oss-date=20251126T000000Z"
    "&x-oss-expires=3600&x-oss-additional-headers=host&x-oss-security-token=CAIS&x-oss-signature=77db"
)
S3_2 = "AWSAccessKeyId=AKIA1&Expires=1141889120&Signature=vjby%2BPxy%3D&x-amz-security-token=Fwo"
S3_4 = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA1%2F20251126&X-Amz-Date=20251126T000000Z"
    "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=Fwo&X-Amz-Signature=77db"
)
GOOGLE_2 = "GoogleAccessId=me%40example.iam&Expires=1141889120&Signature=vjby"
GOOGLE_4 = (
    "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=me&X-Goog-Date=20251126T000000Z&X-Goog-Expires=900"
    "&X-Goog-SignedHeaders=host&X-Goog-Signature=77db"
)
AZURE_SERVICE = "sv=2025-07-05&st=2025-11-26&se=2025-11-27&sr=b&sp=r&sip=1.2.3.4&spr=https&si=mine&sdd=2&ses=k&sig=77db"
AZURE_ACCOUNT = "sv=2025-07-05&ss=b&srt=o&sp=r&se=2025-11-27&sig=77db"
AZURE_USER = (
    "sv=2025-07-05&se=2025-11-27&sr=b&sp=r&skoid=1&sktid=2&skt=3&ske=4&sks=b&skv=5&saoid=6&suoid=7&scid=8"
    "&skdutid=9&sduoid=10&sig=77db"
)
CLOUDFRONT = "Expires=1141889120&Signature=vjby&Key-Pair-Id=K1"
CLOUDFRONT_POLICY = "Policy=eyJ&Signature=vjby&Key-Pair-Id=K1"

SIGNATURES = {
    name: value
    for name, value in globals().items()
    if name.startswith(("OSS_", "S3_", "GOOGLE_", "AZURE_", "CLOUDFRONT"))
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_a_signed_address_is_the_plain_one(signature: str) -> None:
    assert remote.unsigned(f"{PLAIN}?{signature}") == PLAIN


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_what_is_no_part_of_the_signature_stays(signature: str) -> None:
    assert remote.unsigned(f"{PLAIN}?versionId=2&{signature}&w=100") == f"{PLAIN}?versionId=2&w=100"


@pytest.mark.parametrize(
    "query",
    [
        "versionId=3",
        "generation=4",
        "snapshot=2025-11-26T00%3A00%3A00Z",
        "x-oss-process=image%2Fresize,w_100",
        "response-content-type=image%2Fpng",
        "Expires=100",
        "Signature=round",
        "Policy=fair",
        "expires=1&signature=round",
        "sp=2&st=north&sv=7",
        "sr",
        "a=1&a=2",
        "w=",
    ],
)
def test_parameters_that_decide_the_picture_count(query: str) -> None:
    assert remote.unsigned(f"{PLAIN}?{query}") == f"{PLAIN}?{query}"


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("HTTPS://Host.Example/A.png", "https://host.example/A.png"),
        ("https://host.example:8443/a.png", "https://host.example:8443/a.png"),
        (f"{PLAIN}?b=2&a=1", f"{PLAIN}?a=1&b=2"),
        (f"{PLAIN}?&a=1&", f"{PLAIN}?a=1"),
        (f"{PLAIN}?a=1#page=2", f"{PLAIN}?a=1"),
        (f"{PLAIN}#top", PLAIN),
        (f"{PLAIN}?", PLAIN),
        (f"{PLAIN}?x%2Damz%2Dsignature=1", PLAIN),
    ],
)
def test_one_address_has_one_spelling(written: str, known: str) -> None:
    assert remote.unsigned(written) == known


def test_a_digest_is_that_of_the_address_alone() -> None:
    assert remote.digest(f"{PLAIN}?{S3_4}") == f"url-sha256:{hashlib.sha256(PLAIN.encode()).hexdigest()}"
