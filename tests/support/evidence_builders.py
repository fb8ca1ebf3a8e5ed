"""Real evidence and an in-memory world that vouches for it.

A `World` registers the bodies of the sample documents, signs with fixed keys through
`verifier.core`, anchors in real trees and answers as trust source and as registry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.support.certificates import SAMPLES, fixed_salts, sample_documents, sample_issuer
from tests.support.sm2_reference import FixedSm2Signer
from tests.support.summaries import FixedSigner
from verifier.chain.profile import Profile, parse_profile
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
from verifier.core.certificate import IssuedCertificate, issue_certificate, parse_certificate
from verifier.core.cosignature import co_sign
from verifier.core.document import parse_document
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.field_policy import DocumentKind
from verifier.core.hashing import leaf_digest, token_leaf
from verifier.core.ids import StatusEntry, body_id
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.link_code import encode_link_code
from verifier.core.merkle import InclusionProof, Tree
from verifier.core.moments import format_utc, parse_moment
from verifier.core.offline_code import Summary, issue_summary
from verifier.core.receipt import AnchorRecord, HeadProof, LeafProof, Receipt, build_receipt
from verifier.core.release import ReleaseClaims, ReleaseStatement, issue_release
from verifier.core.strict_json import canonical_json
from verifier.core.summary import summary_of
from verifier.core.views import ResolvedCertificate, make_view, resolve_certificate
from verifier.service import Question, Submission

DAY: Final = 24 * 3600
HOUR: Final = 3600
NOW: Final = parse_moment("2026-11-21T12:00:00Z", what="now").earliest
SIGNED: Final = NOW - 2 * DAY
ANCHORED: Final = SIGNED + 600
LONG_AGO: Final = parse_moment("2024-01-02T00:00:00Z", what="registration").earliest
HOST: Final = "verify.example"
CONTRACT: Final = "0x" + "11" * 20
CHAIN_ID: Final = 1
CREDENTIAL_ID: Final = "urn:uuid:3f2b7e1c-90ad-4c55-8e6b-1d2f3a4b5c6d"
STATUS: Final = StatusEntry(list_number=0, index=48213)

_BODIES: Final[list[dict[str, Any]]] = json.loads(SAMPLES.read_text(encoding="utf-8"))["bodies"]
_KINDS: Final = {
    "laboratory": BodyKind.LABORATORY,
    "inspection_office": BodyKind.INSPECTION_OFFICE,
}


def dated(document: dict[str, Any], *, issued: int, tested: str = "2026-11-18") -> dict[str, Any]:
    """Return a sample document with recent dates, which gives no notes about them."""
    recent = deepcopy(document)
    dates = recent["dates"]
    for name in ("tested_from", "tested_to", "received"):
        if name in dates:
            dates[name] = tested
    for name in ("started", "ended"):
        if name in dates:
            dates[name] = f"{tested}T08:00:00Z"
    dates["issued"] = format_utc(issued)
    sampling = recent.get("sampling")
    if sampling:
        sampling["date"] = tested
    if "task" in recent:
        recent["task"].pop("issued", None)
    return recent


def durian(*, issued: int = SIGNED) -> dict[str, Any]:
    """Return the durian certificate, recently tested; one of its results is not accredited."""
    return dated(sample_documents()[0], issued=issued)


def cement(*, issued: int = SIGNED) -> dict[str, Any]:
    """Return the cement certificate, recently tested; every result is accredited."""
    return dated(sample_documents()[1], issued=issued)


def inspection(*, issued: int = SIGNED) -> dict[str, Any]:
    """Return the inspection record with recent dates."""
    return dated(sample_documents()[3], issued=issued)


def trust_profile(*, demonstration: bool = False, **changes: Any) -> Profile:
    """Return a profile that trusts the demonstration party of China."""
    contract = {"address": CONTRACT, "code_hash": "0x" + "00" * 32}
    urls = ["https://one.example/", "https://two.example/"]
    document: dict[str, Any] = {
        "profile": 1,
        "name": "Test profile",
        "kind": "demonstration" if demonstration else "production",
        "chains": [
            {
                "chain_id": CHAIN_ID,
                "genesis": "0x" + "00" * 32,
                "generations": [
                    {
                        "from_block": 0,
                        "until_block": None,
                        "trust_registry": contract,
                        "certificate_ledger": contract,
                    }
                ],
                "finality": {"rule": "finalized", "depth": None},
                "max_head_age_seconds": 3600,
                "endpoints": [{"url": url, "operator": url[8:11]} for url in urls],
                "quorum": 2,
            }
        ],
        "parties": [{"id": "CN", "country": "CN"}],
        "bundle_signers": [],
        "bundle_threshold": 0,
        "algorithms": {"ES256": None, "EdDSA": None, "SM2-SM3": None},
    }
    return parse_profile(json.dumps(document | changes).encode())


@dataclass
class InMemoryTrustSource:
    """A `TrustSource` whose answers are set by the test; `silence` makes it answer nothing."""

    block: Head
    bodies: dict[bytes, BodyFacts] = field(default_factory=dict)
    keys: dict[tuple[bytes, bytes], KeyFacts] = field(default_factory=dict)
    anchors: dict[tuple[bytes, int], AnchorFacts] = field(default_factory=dict)
    statuses: dict[tuple[bytes, int, int], StatusFacts] = field(default_factory=dict)
    revoked_leaves: dict[bytes, StatusFacts] = field(default_factory=dict)
    silence: str | None = None

    def head(self) -> Head:
        """See `TrustSource`."""
        self._speak()
        return self.block

    def find_body(self, body_id: bytes) -> BodyFacts | None:
        """See `TrustSource`."""
        self._speak()
        return self.bodies.get(body_id)

    def find_key(self, body_id: bytes, thumbprint: bytes) -> KeyFacts | None:
        """See `TrustSource`."""
        self._speak()
        return self.keys.get((body_id, thumbprint))

    def find_anchor(self, root: bytes, size: int) -> AnchorFacts | None:
        """See `TrustSource`."""
        self._speak()
        return self.anchors.get((root, size))

    def status(self, body_id: bytes, *, list_number: int, index: int, leaf: bytes) -> StatusFacts:
        """See `TrustSource`."""
        self._speak()
        clear = StatusFacts(
            revoked=False, suspended_by_body=False, suspended_by_party=False, events=()
        )
        entry = self.statuses.get((body_id, list_number, index), clear)
        return self.revoked_leaves.get(leaf, entry)

    def _speak(self) -> None:
        if self.silence is not None:
            raise EvidenceUnavailableError(self.silence, "silenced by the test")


@dataclass
class InMemoryRegistry:
    """A `ReceiptSource` that serves what the test put in."""

    receipts: dict[bytes, bytes] = field(default_factory=dict)
    silence: str | None = None

    def fetch_receipt(self, leaf: bytes) -> bytes | None:
        """See `ReceiptSource`."""
        if self.silence is not None:
            raise EvidenceUnavailableError(self.silence, "silenced by the test")
        return self.receipts.get(leaf)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One issued document in every form in which it travels."""

    issued: IssuedCertificate
    certificate: ResolvedCertificate
    summary: Summary
    receipt: Receipt

    @property
    def sdjwt(self) -> str:
        """The complete certificate."""
        return self.issued.compact

    @property
    def link_code(self) -> str:
        """Text of the link code."""
        identifier = self.certificate.parsed.credential.credential_id
        return encode_link_code(HOST, certificate_id=identifier, leaf=self.issued.leaf)

    @property
    def offline_code(self) -> str:
        """Text of the offline code with its proof to the head of its subtree."""
        return self.summary.encode_offline_code(HOST)

    def receipt_bytes(self, **changes: Any) -> bytes:
        """The holder's receipt, changed where the test says so."""
        return build_receipt(replace(self.receipt, **changes))

    def public_receipt(self, **changes: Any) -> bytes:
        """The receipt as a registry serves it: no disclosures, no release statement."""
        token = f"{self.issued.jwt}~"
        return self.receipt_bytes(**({"token": token, "release": None} | changes))

    def submission(self) -> Submission:
        """The complete certificate with its receipt."""
        return Submission(token=self.sdjwt, receipts=(self.receipt_bytes(),))


class World:
    """Bodies, keys, chain and registry in which every sample document is genuine.

    Args:
        registered_at: When bodies, scopes and keys were recorded. Later than the tests it gives
            the note `recorded_later`.
        algorithm: Of every key.
    """

    def __init__(
        self, *, registered_at: int = LONG_AGO, algorithm: Algorithm = Algorithm.ES256
    ) -> None:
        self.registered_at = registered_at
        self.source = InMemoryTrustSource(
            Head(chain_id=CHAIN_ID, block=200, block_hash=bytes([9]) * 32, time=NOW - 30)
        )
        self.registry = InMemoryRegistry()
        self.documents: dict[bytes, bytes] = {}
        self.signers: dict[tuple[bytes, KeyPurpose], FixedSigner] = {}
        self.co_signers: dict[bytes, FixedSm2Signer] = {}
        for number, body in enumerate(_BODIES):
            self._register(body, 10 * number + 1, algorithm)

    def _register(self, body: Mapping[str, Any], number: int, algorithm: Algorithm) -> None:
        identifier = body_id(body["party"], body["did"])
        scope = _scope_document(body, identifier)
        digest = hashlib.sha256(scope).digest()
        self.documents[digest] = scope
        since = parse_moment("2024-01-01T00:00:00Z", what="scope").earliest
        self.source.bodies[identifier] = BodyFacts(
            body_id=identifier,
            party=body["party"],
            country=body["country"],
            party_removed_at=None,
            did=body["did"],
            kind=_KINDS[body["kind"]],
            registered_at=self.registered_at,
            statuses=(
                BodyStatusFact(
                    state=BodyState.ACTIVE,
                    effective_from=self.registered_at,
                    recorded_at=self.registered_at,
                ),
            ),
            scopes=(
                ScopeFact(
                    document_hash=digest,
                    effective_from=since,
                    effective_until=None,
                    recorded_at=self.registered_at,
                ),
            ),
        )
        for purpose in KeyPurpose:
            signer = FixedSigner(algorithm, number=number + purpose)
            self.signers[identifier, purpose] = signer
            self.register_key(identifier, signer.public_key, purpose)

    def register_key(self, body: bytes, key: PublicKey, purpose: KeyPurpose) -> None:
        """Register a key of a body on the chain."""
        self.source.keys[body, key.thumbprint()] = KeyFacts(
            public_key=key,
            purpose=purpose,
            registered_at=self.registered_at,
            sign_until=None,
            anchor_until=None,
            revoked_at=None,
            revocation_recorded_at=None,
            compromised_since=None,
        )

    def co_signer(self, body: bytes) -> FixedSm2Signer:
        """Return the SM2 key with which a body co-signs certificates, registered on first use."""
        if body not in self.co_signers:
            signer = self.co_signers[body] = FixedSm2Signer(len(self.co_signers) + 1)
            self.register_key(body, signer.public_key, KeyPurpose.CERTIFICATE)
        return self.co_signers[body]

    def change_co_key(self, body: bytes, **changes: Any) -> None:
        """Change what the chain says about the SM2 key of a body."""
        place = (body, self.co_signers[body].thumbprint)
        self.source.keys[place] = replace(self.source.keys[place], **changes)

    def change_body(self, body: bytes, **changes: Any) -> None:
        """Change what the chain says about a body."""
        self.source.bodies[body] = replace(self.source.bodies[body], **changes)

    def change_key(self, body: bytes, purpose: KeyPurpose, **changes: Any) -> None:
        """Change what the chain says about the key of a body for one purpose."""
        place = (body, self.signers[body, purpose].thumbprint)
        self.source.keys[place] = replace(self.source.keys[place], **changes)

    def set_status(self, body: bytes, **changes: Any) -> None:
        """Change the status of the one entry that the samples use."""
        clear = StatusFacts(
            revoked=False, suspended_by_body=False, suspended_by_party=False, events=()
        )
        place = (body, STATUS.list_number, STATUS.index)
        self.source.statuses[place] = replace(clear, **changes)

    def issue(
        self,
        document: dict[str, Any],
        *,
        signed: int = SIGNED,
        anchored: int | None = ANCHORED,
        known_to_registry: bool = True,
        co_signed: bool = False,
    ) -> Evidence:
        """Sign a document and its summary, and anchor both.

        Args:
            document: An import document.
            signed: When, Unix seconds.
            anchored: Block time of the anchor; None leaves the leaves out of every tree.
            known_to_registry: Whether the registry serves the public receipt.
            co_signed: Whether a co-signature is made, anchored and put into the receipts.
        """
        checked = parse_document(document)
        issuer = sample_issuer(document)
        purpose = (
            KeyPurpose.CERTIFICATE
            if checked.kind is DocumentKind.TEST_CERTIFICATE
            else KeyPurpose.RECORD
        )
        issued = issue_certificate(
            checked,
            issuer=issuer,
            status=STATUS,
            credential_id=CREDENTIAL_ID,
            issued_at=signed,
            salts=fixed_salts(checked.template.salt_bytes),
            signer=self.signers[issuer.body, purpose],
            co_signature="SM2-SM3" if co_signed else "none",
        )
        co_signature = co_sign(issued.jwt, self.co_signer(issuer.body)) if co_signed else None
        certificate = resolve_certificate(parse_certificate(issued.compact))
        summary = issue_summary(
            summary_of(certificate, issued_at=signed),
            self.signers[issuer.body, KeyPurpose.SUMMARY],
        )
        proofs: tuple[LeafProof, ...] = ()
        heads: tuple[HeadProof, ...] = ()
        if anchored is not None:
            third = co_signature.leaf if co_signature else leaf_digest(b"somebody else's")
            leaves = [issued.leaf, summary.leaf(), third]
            proofs, heads, tree = self.anchor(leaves, at=anchored)
            own = tree.subtree_proof(1)
            summary = summary.with_proof(own.index, own.leaves, own.path)
        evidence = Evidence(
            issued=issued,
            certificate=certificate,
            summary=summary,
            receipt=Receipt(
                token=issued.compact,
                co_signature=co_signature,
                proofs=proofs if co_signed else proofs[:2],
                heads=heads,
                keys=tuple(
                    self.signers[issuer.body, wanted].public_key
                    for wanted in (purpose, KeyPurpose.SUMMARY)
                ),
                documents=self.documents_of(issuer.body),
            ),
        )
        if known_to_registry:
            for leaf in (issued.leaf, summary.leaf()):
                self.registry.receipts[leaf] = evidence.public_receipt()
        return evidence

    def documents_of(self, body: bytes) -> dict[bytes, bytes]:
        """Return the scope documents of a body by their hash."""
        hashes = [scope.document_hash for scope in self.source.bodies[body].scopes]
        return {digest: self.documents[digest] for digest in hashes if digest in self.documents}

    def anchor(
        self, leaves: list[bytes], *, at: int
    ) -> tuple[tuple[LeafProof, ...], tuple[HeadProof, ...], Tree]:
        """Anchor a batch; return the proofs of its leaves, of its heads, and its tree."""
        tree = Tree.build(leaves)
        facts = AnchorFacts(
            chain_id=CHAIN_ID,
            contract=CONTRACT,
            operator="0x" + "22" * 20,
            root=tree.root,
            size=len(leaves),
            block=100,
            time=at,
        )
        self.source.anchors[tree.root, len(leaves)] = facts
        record = AnchorRecord(
            chain_id=CHAIN_ID,
            contract=CONTRACT,
            root=tree.root,
            block=100,
            transaction="0x" + "33" * 32,
            time=at,
        )
        proofs = tuple(
            LeafProof(leaf=leaf, inclusion=_inclusion(tree, at_index, leaves), anchor=record)
            for at_index, leaf in enumerate(leaves)
        )
        heads = tuple(
            HeadProof(
                head=head,
                leaves=min(1024, len(leaves) - 1024 * number),
                subtree=number,
                size=len(leaves),
                path=tuple(tree.head_proof(number)),
            )
            for number, head in enumerate(tree.subtree_heads())
        )
        return proofs, heads, tree

    def release(
        self,
        evidence: Evidence,
        withhold: Collection[str],
        *,
        signed: int = SIGNED,
        purpose: KeyPurpose = KeyPurpose.STATEMENT,
        **changes: Any,
    ) -> tuple[str, ReleaseStatement]:
        """Return a view for Lao PDR and its release statement."""
        view = make_view(evidence.certificate, withhold)
        credential = evidence.certificate.parsed.credential
        claims = ReleaseClaims(
            issued_at=signed,
            party=credential.party,
            body=credential.body,
            leaf=evidence.issued.leaf,
            destination="LA",
            withheld=view.withheld,
            grounds=("business_secret",),
            released=view.released,
        )
        signer = self.signers[credential.body, purpose]
        return view.compact, issue_release(replace(claims, **changes), signer)

    def question(self, **changes: Any) -> Question:
        """Ask about now."""
        return Question(**({"checked_at": NOW} | changes))


def _inclusion(tree: Tree, index: int, leaves: list[bytes]) -> InclusionProof:
    proof = tree.proof(index)
    return InclusionProof(index=index, size=len(leaves), path=tuple(proof.path))


def _scope_document(body: Mapping[str, Any], identifier: bytes) -> bytes:
    return canonical_json(
        {
            "scope": 1,
            "party": body["party"],
            "did": body["did"],
            "body": identifier.hex(),
            "kind": body["kind"],
            "name": body["name"],
            "country": body["country"],
            "identifiers": body["identifiers"],
            "demonstration": body["demonstration"],
            "rows": body["scope"],
        }
    )


def body_of(document: Mapping[str, Any]) -> bytes:
    """Return the body id of the issuer of a sample document."""
    return sample_issuer(dict(document)).body


def leaf_of(compact: str) -> bytes:
    """Return the leaf of a compact certificate."""
    return token_leaf(compact.partition("~")[0])


def smallest_record() -> dict[str, Any]:
    """Return the smallest document there is, about which there is nothing to note."""
    return {
        "kind": "InspectionRecord",
        "number": "M-1",
        "title": {"en": "Record"},
        "revision": 1,
        "demonstration": False,
        "languages": ["en"],
        "issuer": {"body": "demo-port"},
        "consignment": {"description": {"en": "Timber"}},
        "checklist": [{"code": "C1", "item": {"en": "Seal"}, "type": "bool", "result": "pass"}],
        "conclusions": [{"agency": "Customs", "conclusion": "pass"}],
        "dates": {
            "started": "2026-11-18T08:00:00Z",
            "ended": "2026-11-18T09:00:00Z",
            "issued": format_utc(SIGNED),
        },
        "signatory": {"role": "lead inspector", "id": "1"},
    }
