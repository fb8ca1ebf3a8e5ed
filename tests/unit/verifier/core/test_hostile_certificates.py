"""Whatever is done to a signed certificate, it never passes with another content."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificates import SIGNER, issue_sample, sample_documents
from tests.support.summaries import FixedSigner
from verifier.core.certificate import IssuedCertificate, join_compact, parse_certificate
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import Algorithm
from verifier.core.views import ResolvedCertificate, resolve_certificate

SAMPLES = sample_documents()
ISSUED = [issue_sample(document) for document in SAMPLES]
EDDSA = FixedSigner(Algorithm.EDDSA)


def accepted(text: str, signer: FixedSigner = SIGNER) -> ResolvedCertificate | None:
    """Return what a verifier accepts as signed and unchanged, None when it refuses."""
    try:
        resolved = resolve_certificate(parse_certificate(text))
    except MalformedEvidenceError:
        return None
    return resolved if resolved.parsed.jws.signed_by(signer.public_key) else None


def small_document() -> dict[str, Any]:
    """Return the shortest right document: what every token has, and nothing twice."""
    document = sample_documents()[2]
    for name in ("customer", "sampling", "statements", "conclusion"):
        del document[name]
    document["consignment"] = {"description": {"zh": "锡锭"}}
    document["results"] = document["results"][:1]
    return document


@pytest.mark.parametrize("signer", [SIGNER, EDDSA], ids=["ES256", "EdDSA"])
def test_every_flipped_byte_of_a_token_is_refused(signer: FixedSigner) -> None:
    text = issue_sample(small_document(), signer=signer).compact
    assert accepted(text, signer) is not None

    # What follows the signed part does not depend on the algorithm of the signature.
    end = len(text) if signer is SIGNER else text.index("~") + 1
    for at, letter in enumerate(text[:end]):
        changed = text[:at] + chr(ord(letter) ^ (1 << at % 7)) + text[at + 1 :]
        assert accepted(changed, signer) is None, (at, letter)


@pytest.mark.slow
@pytest.mark.parametrize("issued", ISSUED, ids=[each["number"] for each in SAMPLES])
def test_every_flipped_byte_of_every_sample_is_refused(issued: IssuedCertificate) -> None:
    text = issued.compact
    for at, letter in enumerate(text):
        for bit in (0x01, 0x20):
            changed = text[:at] + chr(ord(letter) ^ bit) + text[at + 1 :]
            assert accepted(changed) is None, (at, letter)


def test_every_dropped_byte_of_a_token_is_refused() -> None:
    text = issue_sample(small_document()).compact

    for at, (letter, following) in enumerate(pairwise(text)):
        if letter != following:
            assert accepted(text[:at] + text[at + 1 :]) is None, at


@given(st.data())
def test_edits_of_a_token_are_refused_or_change_nothing(data: st.DataObject) -> None:
    issued = ISSUED[0]
    parts = issued.compact.split("~")
    edit = data.draw(st.sampled_from(["cut", "swap", "repeat", "foreign", "splice"]))
    at = data.draw(st.integers(0, len(parts) - 1))
    other = data.draw(st.integers(0, len(parts) - 1))
    if edit == "cut":
        del parts[at]
    elif edit == "swap":
        parts[at], parts[other] = parts[other], parts[at]
    elif edit == "repeat":
        parts.insert(at, parts[other])
    elif edit == "foreign":
        parts.insert(at, data.draw(st.sampled_from(ISSUED[1].compact.split("~"))))
    else:
        place = data.draw(st.integers(0, len(parts[at])))
        parts[at] = parts[at][:place] + data.draw(st.text(max_size=6)) + parts[at][place:]

    resolved = accepted("~".join(parts))

    if resolved is not None:
        whole = accepted(issued.compact)
        assert whole is not None
        assert resolved.parsed.leaf == issued.leaf
        assert resolved.fields.items() <= whole.fields.items()
        assert resolved.complete == (len(resolved.digests) == len(issued.paths))


def test_another_key_of_the_same_body_is_another_key() -> None:
    assert accepted(ISSUED[0].compact, FixedSigner(number=7)) is None


def test_payloads_and_signatures_cannot_be_exchanged() -> None:
    one, other = ISSUED[0].jwt.split("."), ISSUED[1].jwt.split(".")
    mixed = ".".join([one[0], one[1], other[2]])

    assert accepted(join_compact(mixed, [])) is None
    assert accepted(join_compact(ISSUED[0].jwt, ISSUED[1].disclosures)) is None


@given(
    st.text(max_size=80)
    | st.text(alphabet="eyJhbGciOiJFUzI1NiJ9.~-_", max_size=120)
    | st.binary(max_size=60).map(lambda data: data.decode("latin-1"))
)
def test_hostile_text_is_refused_with_our_error(text: str) -> None:
    with pytest.raises(MalformedEvidenceError):
        parse_certificate(text)
