from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jws as peer
from joserfc.jwk import ECKey, OKPKey

from tests.support.summaries import FixedSigner
from verifier.core.encoding import b64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.jws import parse_compact, sign_compact
from verifier.core.keys import Algorithm
from verifier.core.limits import MAX_DOCUMENT_BYTES

ES256 = FixedSigner()
EDDSA = FixedSigner(Algorithm.EDDSA)
TYP = "example+jwt"


def header(**changes: Any) -> str:
    members = {"alg": "ES256", "kid": b64u(ES256.thumbprint), "typ": TYP} | changes
    members = {name: value for name, value in members.items() if value is not None}
    return b64u(json.dumps(members).encode())


def token(head: str, payload: str = "e30", signature: str | None = None) -> str:
    signed = f"{head}.{payload}"
    return f"{signed}.{signature or b64u(ES256.sign(signed.encode()))}"


def test_what_is_signed_is_read_back() -> None:
    parsed = parse_compact(sign_compact(b'{"a":1}', ES256, typ=TYP), what="token", typ=TYP)

    assert parsed.payload == b'{"a":1}'
    assert parsed.thumbprint == ES256.thumbprint
    assert parsed.signed_by(ES256.public_key)


# RFC 9864 prefers the name Ed25519; keys are registered on chain under the name EdDSA.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")
@pytest.mark.parametrize(("signer", "key"), [(ES256, ECKey), (EDDSA, OKPKey)])
def test_another_library_verifies_what_we_sign(signer: FixedSigner, key: Any) -> None:
    text = sign_compact(b"payload", signer, typ=TYP, cty="vc")

    read = peer.deserialize_compact(
        text, key.import_key(signer.public_key.jwk()), algorithms=[signer.algorithm.value]
    )

    assert read.payload == b"payload"
    assert read.headers() == {
        "alg": signer.algorithm.value, "cty": "vc", "kid": b64u(signer.thumbprint), "typ": TYP,
    }  # fmt: skip


def test_the_registered_key_decides_not_the_header() -> None:
    parsed = parse_compact(token(header()), what="token", typ=TYP)
    assert parsed.signed_by(ES256.public_key)

    assert not parsed.signed_by(FixedSigner(number=2).public_key)
    assert not parsed.signed_by(EDDSA.public_key)
    confused = parse_compact(token(header(alg="EdDSA")), what="token", typ=TYP)
    assert not confused.signed_by(ES256.public_key)
    other_name = parse_compact(token(header(kid=b64u(bytes(32)))), what="token", typ=TYP)
    assert not other_name.signed_by(ES256.public_key)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(header(crit=["exp"]), id="crit"),
        pytest.param(header(crit=[]), id="empty crit"),
        pytest.param(header(jwk=ES256.public_key.jwk()), id="embedded key"),
        pytest.param(header(jku="https://evil.example"), id="address of keys"),
        pytest.param(header(x5c=[]), id="certificates"),
        pytest.param(header(b64=False), id="unencoded payload"),
        pytest.param(header(cty="vc"), id="unasked content type"),
        pytest.param(header(kid=None), id="no kid"),
        pytest.param(header(kid=5), id="kid is a number"),
        pytest.param(header(kid="AAAA"), id="kid is short"),
        pytest.param(header(alg="none"), id="alg none"),
        pytest.param(header(alg="HS256"), id="alg HS256"),
        pytest.param(header(alg="es256"), id="alg in small letters"),
        pytest.param(header(alg=None), id="no alg"),
        pytest.param(header(alg=["ES256"]), id="alg is a list"),
    ],
)
def test_a_header_of_our_type_must_be_exact(head: str) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        parse_compact(token(head), what="token", typ=TYP)
    assert not isinstance(caught.value, NotOursError)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("a.b", id="two segments"),
        pytest.param("a.b.c.d.e", id="an encrypted token"),
        pytest.param("a.b.c", id="no header"),
        pytest.param(token(header(typ="JWT")), id="another type"),
        pytest.param(token(header(typ="EXAMPLE+JWT")), id="another case"),
        pytest.param(token(header(typ="application/example+jwt")), id="the long form"),
        pytest.param(token(header(typ=None)), id="no type"),
        pytest.param(token(b64u(b"[]")), id="header is a list"),
        pytest.param(token(b64u(b'{"typ":"example+jwt","typ":"JWT"}')), id="type twice"),
        pytest.param(token(header(long="a" * 2000)), id="an enormous header"),
    ],
)
def test_other_tokens_are_not_ours(text: str) -> None:
    with pytest.raises(NotOursError):
        parse_compact(text, what="token", typ=TYP)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(token(header(), payload="e30="), id="padded payload"),
        pytest.param(token(header(), payload="e31"), id="stray bits in the payload"),
        pytest.param(token(header(), signature="AAAA"), id="short signature"),
        pytest.param(token(header()) + "AAAA", id="long signature"),
        pytest.param(token(header()) + "\n", id="line feed at the end"),
    ],
)
def test_segments_must_be_canonical(text: str) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        parse_compact(text, what="token", typ=TYP)
    assert caught.value.reason in {"base64url", "length"}


def test_size_is_bounded() -> None:
    with pytest.raises(LimitExceededError):
        parse_compact("a" * (MAX_DOCUMENT_BYTES + 1), what="token", typ=TYP)
