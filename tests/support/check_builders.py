"""Facts and claims for tests of single checks: a sound certificate, changed where a test says so.

Nothing here is signed; `tests.support.evidence_builders` makes real tokens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from verifier.checks.evidence import (
    Anchored,
    Anchoring,
    Claims,
    Document,
    Facts,
    Form,
    Goods,
    ResultClaim,
    SignedToken,
    SignerFacts,
    TestDates,
    TokenFacts,
    Trust,
    View,
)
from verifier.checks.facts import (
    AnchorFacts,
    BodyFacts,
    BodyKind,
    BodyState,
    BodyStatusFact,
    Head,
    KeyFacts,
    KeyPurpose,
    ScopeFact,
    StatusFacts,
)
from verifier.core.field_policy import DocumentKind
from verifier.core.ids import body_id
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.moments import Moment, parse_moment

DAY: Final = 24 * 3600
HOUR: Final = 3600
NOW: Final = parse_moment("2026-11-21T12:00:00Z", what="now").earliest

PARTY: Final = "CN"
DID: Final = "did:web:lab.example"
BODY: Final = body_id(PARTY, DID)
REGISTERED: Final = NOW - 400 * DAY
TESTED: Final = NOW - NOW % DAY - 3 * DAY
SIGNED: Final = NOW - 2 * DAY
ANCHORED: Final = SIGNED + 600
LEAF: Final = bytes([7]) * 32
ROOT: Final = bytes([8]) * 32

# Any point of the curve: the base point (FIPS 186-5). Nobody signs with it here.
_BASE_POINT: Final = bytes.fromhex(
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
KEY: Final = PublicKey(Algorithm.ES256, _BASE_POINT)


def key_facts(**changes: Any) -> KeyFacts:
    """A certificate key in good standing."""
    sound = KeyFacts(
        public_key=KEY,
        purpose=KeyPurpose.CERTIFICATE,
        registered_at=REGISTERED,
        sign_until=None,
        anchor_until=None,
        revoked_at=None,
        revocation_recorded_at=None,
        compromised_since=None,
    )
    return replace(sound, **changes)


def status_fact(state: BodyState, since: int, *, recorded: int | None = None) -> BodyStatusFact:
    """A state of a body, recorded when it begins unless told otherwise."""
    return BodyStatusFact(
        state=state, effective_from=since, recorded_at=since if recorded is None else recorded
    )


def scope_bytes(*rows: Mapping[str, object], **changes: object) -> bytes:
    """A scope document with these rows."""
    document: dict[str, object] = {
        "scope": 1,
        "party": PARTY,
        "did": DID,
        "body": BODY.hex(),
        "kind": "laboratory",
        "name": {"en": "A Laboratory"},
        "country": "CN",
        "identifiers": {},
        "demonstration": False,
        "rows": list(rows),
    }
    return json.dumps(document | changes).encode()


def scope_row(**changes: object) -> dict[str, object]:
    """A row that covers the result of `claims`."""
    row: dict[str, object] = {
        "product": "Ordinary Portland cement",
        "hs": "2523.29.00",
        "parameter": "MGO",
        "method": "GB/T 176-2017",
        "from": "2024-01-01",
        "until": "2030-01-01",
    }
    return row | changes


def scope_fact(digest: bytes, **changes: Any) -> ScopeFact:
    """A scope that speaks since the body was registered."""
    sound = ScopeFact(
        document_hash=digest,
        effective_from=REGISTERED,
        effective_until=None,
        recorded_at=REGISTERED,
    )
    return replace(sound, **changes)


def body_facts(**changes: Any) -> BodyFacts:
    """A laboratory that is active since it was registered, without a scope."""
    sound = BodyFacts(
        body_id=BODY,
        party=PARTY,
        country="CN",
        party_removed_at=None,
        did=DID,
        kind=BodyKind.LABORATORY,
        registered_at=REGISTERED,
        statuses=(status_fact(BodyState.ACTIVE, REGISTERED),),
        scopes=(),
    )
    return replace(sound, **changes)


def result_claim(ordinal: int = 1, **changes: Any) -> ResultClaim:
    """A result that passed and claims accreditation, with its inside."""
    sound = ResultClaim(
        ordinal=ordinal,
        conclusion="pass",
        accredited=True,
        detail={"parameter": {"code": "MGO"}, "method": {"standard": "GB/T 176-2017"}},
    )
    return replace(sound, **changes)


def claims(**changes: Any) -> Claims:
    """A test certificate for cement with one result."""
    sound = Claims(
        form=Form.CERTIFICATE,
        kind=DocumentKind.TEST_CERTIFICATE,
        certificate_leaf=LEAF,
        claimed_issue=Moment(SIGNED, SIGNED),
        valid_until=None,
        status_list=0,
        status_index=5,
        demonstration=False,
        results=(result_claim(),),
        dates=TestDates(start=TESTED, end=TESTED + DAY),
        goods=Goods(hs_code="2523.29.00", descriptions=("Ordinary Portland cement",), stated=True),
        has_quantity=True,
    )
    return replace(sound, **changes)


def token(*, intact: bool = True, **changes: Any) -> SignedToken:
    """A token whose signature is by `KEY`, or by nobody."""
    sound = SignedToken(
        purpose=KeyPurpose.CERTIFICATE,
        party=PARTY,
        body=BODY,
        did=DID,
        thumbprint=KEY.thumbprint(),
        issued_at=SIGNED,
        leaf=LEAF,
        signed_by=lambda key: intact and key == KEY,
    )
    return replace(sound, **changes)


def anchor_facts(**changes: Any) -> AnchorFacts:
    """An anchor ten minutes after the signature."""
    sound = AnchorFacts(
        chain_id=1,
        contract="0x" + "11" * 20,
        operator="0x" + "22" * 20,
        root=ROOT,
        size=1,
        block=100,
        time=ANCHORED,
    )
    return replace(sound, **changes)


def trust(**changes: Any) -> Trust:
    """A production profile that trusts `PARTY`."""
    sound = Trust(
        parties=frozenset({PARTY}),
        algorithms={Algorithm.ES256: None, Algorithm.EDDSA: None},
        demonstration=False,
    )
    return replace(sound, **changes)


def head(**changes: Any) -> Head:
    """A final block half a minute before `NOW`."""
    return replace(
        Head(chain_id=1, block=200, block_hash=bytes([9]) * 32, time=NOW - 30), **changes
    )


def status(**changes: Any) -> StatusFacts:
    """A status with all bits clear."""
    clear = StatusFacts(revoked=False, suspended_by_body=False, suspended_by_party=False, events=())
    return replace(clear, **changes)


def anchored(**changes: Any) -> Anchored:
    """The anchoring of `anchor_facts`."""
    return Anchored(anchor_facts(**changes))


def token_facts(
    *, anchoring: Anchoring | None = None, body: Any = ..., key: Any = ...
) -> TokenFacts:
    """Signer in good standing and an anchor, unless told otherwise."""
    return TokenFacts(
        signer=SignerFacts(
            body=body_facts() if body is ... else body, key=key_facts() if key is ... else key
        ),
        anchoring=anchored() if anchoring is None else anchoring,
    )


def document(**changes: Any) -> Document:
    """The certificate of `claims` with everything in hand."""
    sound = Document(
        token=token(),
        claims=claims(),
        view=View(listed=True, withheld=(), release=None),
    )
    return replace(sound, **changes)


def facts(**changes: Any) -> Facts:
    """Everything that makes `document` valid except its scope; claims nothing accredited."""
    sound = Facts(
        trust=trust(),
        head=head(),
        token=token_facts(),
        release=None,
        statuses=(status(),),
        scope_documents={},
        registry=None,
    )
    return replace(sound, **changes)
