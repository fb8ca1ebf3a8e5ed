"""Fetching facts. Whatever cannot be had becomes `Unavailable`, with the reason in a code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from verifier.checks.evidence import (
    Anchored,
    Anchoring,
    CoSignatureFacts,
    Document,
    Facts,
    NotAnchored,
    RegistryReport,
    SignedToken,
    SignerFacts,
    TokenFacts,
    Trust,
    WrongProof,
)
from verifier.checks.facts import (
    NOT_IN_BUNDLE,
    AnchorFacts,
    BodyFacts,
    Head,
    KeyFacts,
    KeyPurpose,
    StatusFacts,
    TrustBundle,
    TrustSource,
    Unavailable,
)
from verifier.core.cosignature import CoSignature
from verifier.core.errors import EvidenceUnavailableError, MalformedEvidenceError
from verifier.core.limits import SUBTREE_LEAVES
from verifier.core.merkle import SubtreeProof, root_from_path, root_from_subtree, subtree_leaves
from verifier.core.moments import LAST_SECOND
from verifier.core.offline_code import Summary
from verifier.core.receipt import HeadProof, LeafProof, Receipt, parse_receipt
from verifier.core.sm2 import Sm2Verify

NO_PROOF = Unavailable("proof_not_supplied")
NO_SM2 = Unavailable("sm2_unavailable")

Fact = TypeVar("Fact")


class ReceiptSource(Protocol):
    """Port to a registry. The implementation over HTTP lives in `verifier.chain`."""

    def fetch_receipt(self, leaf: bytes) -> bytes | None:
        """Return the public receipt of a leaf, None when the registry does not know it.

        Raises:
            EvidenceUnavailableError: `registry_unreachable` or `registry_fault`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Root:
    """A root to which a proof leads, with the number of leaves under it."""

    root: bytes
    size: int


def ask(question: Callable[[], Fact]) -> Fact | Unavailable:
    """Return the answer of a source, or the reason why there is none."""
    try:
        return question()
    except EvidenceUnavailableError as error:
        return Unavailable(error.reason)


def ask_registry(registry: ReceiptSource, leaf: bytes) -> Receipt | Unavailable | None:
    """Return the public receipt of a leaf, None when the registry does not know it."""
    data = ask(lambda: registry.fetch_receipt(leaf))
    if data is None or isinstance(data, Unavailable):
        return data
    try:
        return parse_receipt(data)
    except MalformedEvidenceError:
        return Unavailable("registry_fault")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """Sources and proof material of one verification.

    Attributes:
        source: What the checker trusts; Unavailable without a profile.
        trust: The checker's decisions; Unavailable without a profile.
        receipts: Proof material in hand, the registry's answer among it.
        registry: The registry's answer; None when no registry was asked or it knows nothing.
        asked: Whether a registry was asked.
        sm2: Verifies co-signatures; None where nothing on this machine can.
        bundle: A trust bundle in hand, for proof material; it decides only as `source`.
    """

    source: TrustSource | Unavailable
    trust: Trust | Unavailable
    receipts: tuple[Receipt, ...]
    registry: Receipt | Unavailable | None
    asked: bool
    sm2: Sm2Verify | None = None
    bundle: TrustBundle | None = None

    @property
    def from_bundle(self) -> bool:
        """Whether the bundle is what decides."""
        return self.bundle is not None and self.source is self.bundle

    def facts(self, document: Document, *, summary: Summary | None) -> Facts:
        """Fetch everything that the checks of a document need.

        Args:
            document: The parsed document.
            summary: The summary when it stands alone; its own proof leads to a subtree's head.
        """
        head = self._ask(lambda source: source.head())
        if isinstance(head, Head) and head.time > LAST_SECOND:
            head = Unavailable("chain_fault")
        token = self._token_facts(document.token, summary)
        release = document.view.release if document.view else None
        return Facts(
            trust=self.trust,
            head=head,
            token=token,
            release=self._token_facts(release.token) if release else None,
            statuses=self._statuses(document, token.signer),
            scope_documents=self._documents(document.token.body),
            registry=self._registry_report(),
            co_signatures=self._co_signatures(document),
            from_bundle=self.from_bundle,
        )

    def _co_signatures(self, document: Document) -> tuple[CoSignatureFacts, ...] | Unavailable:
        """Return the co-signatures in hand that name this certificate, if it says it has one."""
        if not document.claims.co_signed:
            return ()
        found = {
            receipt.co_signature
            for receipt in self.receipts
            if receipt.co_signature and receipt.co_signature.cosigns == document.token.leaf
        }
        if found and self.sm2 is None:
            return NO_SM2
        ordered = sorted(found, key=lambda each: each.text)
        return tuple(self._co_signature(each, document, self.sm2) for each in ordered if self.sm2)

    def _co_signature(
        self, co_signature: CoSignature, document: Document, sm2: Sm2Verify
    ) -> CoSignatureFacts:
        token = replace(
            document.token,
            thumbprint=co_signature.thumbprint,
            leaf=co_signature.leaf,
            signed_by=partial(co_signature.signed_by, sm2=sm2),
        )
        return CoSignatureFacts(
            token=token,
            facts=self._token_facts(token),
            same_payload=co_signature.payload == document.payload,
        )

    def _token_facts(self, token: SignedToken, summary: Summary | None = None) -> TokenFacts:
        signer, anchoring = self._signer(token), self._anchoring(token, summary)
        if self.from_bundle and isinstance(anchoring, Anchored):
            # Whoever is not registered at the bundle's block was not when the anchor was made.
            signer = replace(signer, body=_settled(signer.body), key=_settled(signer.key))
        return TokenFacts(signer=signer, anchoring=anchoring)

    def _ask(self, question: Callable[[TrustSource], Fact]) -> Fact | Unavailable:
        source = self.source
        if isinstance(source, Unavailable):
            return source
        return ask(lambda: question(source))

    def _signer(self, token: SignedToken) -> SignerFacts:
        named = (key for receipt in self.receipts for key in receipt.keys)
        return SignerFacts(
            body=self._ask(lambda source: source.find_body(token.body)),
            key=self._ask(lambda source: source.find_key(token.body, token.thumbprint)),
            named_key=next((key for key in named if key.thumbprint() == token.thumbprint), None),
        )

    def _statuses(
        self, document: Document, signer: SignerFacts
    ) -> tuple[StatusFacts | Unavailable, ...]:
        """Return the status of the certificate and of every other leaf that it rests on.

        Only inside the body of the registered key: a list of a body that did not sign says nothing.
        """
        if not isinstance(signer.body, BodyFacts) or not isinstance(signer.key, KeyFacts):
            return ()
        leaves = dict.fromkeys((document.claims.certificate_leaf, document.token.leaf))
        return tuple(self._status(document, leaf) for leaf in leaves)

    def _status(self, document: Document, leaf: bytes) -> StatusFacts | Unavailable:
        claims = document.claims
        status = self._ask(
            lambda source: source.status(
                document.token.body,
                list_number=claims.status_list,
                index=claims.status_index,
                leaf=leaf,
            )
        )
        if isinstance(status, StatusFacts) and any(e.time > LAST_SECOND for e in status.events):
            return Unavailable("chain_fault")
        return status

    def _anchoring(self, token: SignedToken, summary: Summary | None = None) -> Anchoring:
        """Return what is known about the anchoring of a leaf, from every proof in hand."""
        proofs = [
            proof
            for receipt in self.receipts
            for proof in receipt.proofs
            if proof.leaf == token.leaf
        ]
        heads = [head for receipt in self.receipts for head in receipt.heads]
        own_head = summary.head() if summary else None
        if self.bundle is not None and own_head is not None:
            heads.extend(self.bundle.find_heads(own_head))
        try:
            roots = _roots(proofs) if summary is None else _summary_roots(summary, proofs, heads)
        except MalformedEvidenceError as error:
            return WrongProof(error.reason)
        if isinstance(self.source, Unavailable):
            return self.source
        if not roots:
            lost = self.from_bundle and own_head is not None
            return Unavailable(NOT_IN_BUNDLE) if lost else self._without_proof(token)
        return _best([self._anchor(root) for root in roots])

    def _without_proof(self, token: SignedToken) -> Anchoring:
        """Return what follows from having no proof: a registry that was asked should have one.

        Release statements are left out: the public receipt of a certificate does not list them.
        """
        if token.purpose is KeyPurpose.STATEMENT:
            return NO_PROOF
        if isinstance(self.registry, Unavailable):
            return self.registry
        return NotAnchored() if isinstance(self.registry, Receipt) else NO_PROOF

    def _anchor(self, root: Root) -> Anchored | NotAnchored | Unavailable:
        found = self._ask(lambda source: source.find_anchor(root.root, root.size))
        if isinstance(found, AnchorFacts):
            return Unavailable("chain_fault") if found.time > LAST_SECOND else Anchored(found)
        return NotAnchored() if found is None else found

    def _documents(self, body: bytes) -> Mapping[bytes, bytes]:
        supplied = {
            digest: data for receipt in self.receipts for digest, data in receipt.documents.items()
        }
        return supplied if self.bundle is None else {**supplied, **self.bundle.documents_of(body)}

    def _registry_report(self) -> RegistryReport | Unavailable | None:
        if not self.asked:
            return None
        if isinstance(self.registry, Unavailable):
            return self.registry
        reported = self.registry.written_off if self.registry else None
        return RegistryReport(None if reported is None else (reported.value, reported.unit))


def _settled(fact: Fact | Unavailable | None) -> Fact | Unavailable | None:
    """Return None for what a bundle does not have and would have to."""
    return None if fact == Unavailable(NOT_IN_BUNDLE) else fact


def _roots(proofs: Iterable[LeafProof]) -> list[Root]:
    return list(dict.fromkeys(_root_of(proof) for proof in proofs))


def _summary_roots(
    summary: Summary, proofs: Sequence[LeafProof], heads: Iterable[HeadProof]
) -> list[Root]:
    """Return the roots that an offline code leads to.

    A code with a proof of its own leads through the head of its subtree; a full proof counts for it
    only if it goes the same way.

    Raises:
        MalformedEvidenceError: A proof leads nowhere, or none goes the way of the code.
    """
    own, head = summary.proof, summary.head()
    if own is None or head is None:
        return _roots(proofs)
    agreeing = [proof for proof in proofs if _goes_through(proof, own)]
    rest = [_root_of_head(each, leaves=own.leaves) for each in heads if each.head == head]
    if proofs and not agreeing and not rest:
        message = "leads to another head than the code"
        raise MalformedEvidenceError("subtree proof", message, reason="head")
    return list(dict.fromkeys([*_roots(agreeing), *rest]))


def _goes_through(proof: LeafProof, own: SubtreeProof) -> bool:
    """Tell whether a full proof begins with the proof to the head of its subtree."""
    inclusion = proof.inclusion
    subtree, index = divmod(inclusion.index, SUBTREE_LEAVES)
    return (
        index == own.index
        and subtree_leaves(subtree, size=inclusion.size) == own.leaves
        and inclusion.path[: len(own.path)] == own.path
    )


def _root_of(proof: LeafProof) -> Root:
    """Return the root that a proof leads to.

    Raises:
        MalformedEvidenceError: It leads nowhere, or not to the root that it names.
    """
    inclusion = proof.inclusion
    root = root_from_path(
        proof.leaf, index=inclusion.index, size=inclusion.size, path=inclusion.path
    )
    if proof.anchor is not None and proof.anchor.root != root:
        message = "leads to another root than it names"
        raise MalformedEvidenceError("inclusion proof", message, reason="root")
    return Root(root, inclusion.size)


def _root_of_head(rest: HeadProof, *, leaves: int) -> Root:
    """Return the root that the rest of an offline code's way leads to.

    Raises:
        MalformedEvidenceError: It leads nowhere, or the subtree has another number of leaves.
    """
    expected = subtree_leaves(rest.subtree, size=rest.size)
    if not rest.leaves == leaves == expected:
        message = f"has {leaves} leaves, {expected} belong to it"
        raise MalformedEvidenceError("subtree proof", message, reason="leaves")
    root = root_from_subtree(rest.head, subtree=rest.subtree, size=rest.size, path=rest.path)
    return Root(root, rest.size)


def _best(found: list[Anchored | NotAnchored | Unavailable]) -> Anchoring:
    """Return the earliest anchor; without one a silent source, else that there is none."""
    anchored = [each for each in found if isinstance(each, Anchored)]
    if anchored:
        return min(anchored, key=lambda each: each.facts.time)
    return next((each for each in found if isinstance(each, Unavailable)), NotAnchored())
