"""Whoever signs an address, and whenever: it stays the same one, and no other becomes it."""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import assume, given
from hypothesis import strategies as st

from kfpipe.takes import remote

PLAIN = "https://host.example/a.png"

words = st.text("abcXYZ0123%&=+/ ü", max_size=12)
secrets = st.one_of(
    *(
        st.fixed_dictionaries(dict.fromkeys(names.split(), words))
        for names in (
            "OSSAccessKeyId Expires Signature",
            "OSSAccessKeyId Expires Signature security-token",
            "x-oss-signature-version x-oss-credential x-oss-date x-oss-expires x-oss-signature",
            "AWSAccessKeyId Expires Signature",
            "X-Amz-Algorithm X-Amz-Credential X-Amz-Date X-Amz-Expires X-Amz-SignedHeaders X-Amz-Signature",
            "GoogleAccessId Expires Signature",
            "X-Goog-Algorithm X-Goog-Credential X-Goog-Date X-Goog-Expires X-Goog-SignedHeaders X-Goog-Signature",
            "Expires Signature Key-Pair-Id",
            "Policy Signature Key-Pair-Id",
            "sv st se sr sp spr sig",
            "sv se sr sp skoid sktid skt ske sks skv sig",
        )
    )
)
own_names = st.sampled_from(["versionId", "generation", "w", "x-oss-process", "page"])
own = st.dictionaries(own_names, words, max_size=3)


def address(*parts: dict[str, str]) -> str:
    pairs = [pair for part in parts for pair in part.items()]
    return f"{PLAIN}?{urlencode(pairs)}"


@given(own, secrets, st.randoms())
def test_a_signature_leaves_the_address_alone_wherever_it_stands(
    query: dict[str, str], secret: dict[str, str], random: object
) -> None:
    pairs = [*query.items(), *secret.items()]
    random.shuffle(pairs)  # type: ignore[attr-defined]
    assert remote.digest(address(dict(pairs))) == remote.digest(address(query))


@given(own, own, secrets, secrets)
def test_other_parameters_make_another_address(
    one: dict[str, str], other: dict[str, str], first: dict[str, str], second: dict[str, str]
) -> None:
    assume(one != other)
    assert remote.digest(address(one, first)) != remote.digest(address(other, second))


@given(own, secrets)
def test_what_is_known_of_an_address_is_an_address_of_its_own(query: dict[str, str], secret: dict[str, str]) -> None:
    known = remote.unsigned(address(query, secret))
    assert remote.unsigned(known) == known
