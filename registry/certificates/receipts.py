"""Receipts: proof material for holders and for whoever asks by leaf. Never a source of trust."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.anchoring.domain import LeafKind
from registry.anchoring.models import LeafRow
from registry.anchoring.proofs import AnchoredProof, find_proof
from registry.anchoring.trees import TreeShelf
from registry.bodies.service import find_key, scopes
from registry.certificates.errors import ReceiptNotFoundError
from registry.certificates.models import (
    CertificateRow,
    CoSignatureRow,
    IssuedTokenRow,
    ReleaseStatementRow,
    SummaryRow,
)
from registry.certificates.signed_contents import StoredContent, read_content, token_of
from verifier.core.certificate import join_compact
from verifier.core.cosignature import parse_cosignature
from verifier.core.hashing import leaf_digest
from verifier.core.merkle import InclusionProof
from verifier.core.receipt import AnchorRecord, HeadProof, LeafProof, Receipt

MAX_SCOPE_BYTES: Final = 96 * 1024  # of all scope documents in one receipt; its limit is 256 KiB

_NO_TRANSACTION: Final = bytes(32)  # the root was anchored by a transaction that is not ours


def public_receipt(session: Session, leaf: bytes, *, trees: TreeShelf) -> Receipt:
    """Return what anybody may know about a leaf: proofs, keys and scopes, no disclosures.

    Args:
        session: A reading transaction.
        leaf: Leaf of a token, a co-signature, a release statement or a summary, 32 bytes.
        trees: The stored trees.

    Raises:
        ReceiptNotFoundError: Nothing that was issued here has this leaf.
    """
    proof = find_proof(session, leaf, trees=trees)
    proofs = [] if proof is None else [proof]
    token = session.scalar(select(IssuedTokenRow).where(IssuedTokenRow.leaf == leaf))
    if token is not None:
        co_signature = co_signature_of(session, token.certificate_id)
        own = None if co_signature is None else find_proof(session, co_signature.leaf, trees=trees)
        return assemble(
            session,
            token,
            proofs=[*proofs, *([] if own is None else [own])],
            token=join_compact(token_of(session, token), ()),
            co_signature=co_signature,
        )
    co_signature = session.scalar(select(CoSignatureRow).where(CoSignatureRow.leaf == leaf))
    if co_signature is not None:
        token = session.get_one(IssuedTokenRow, co_signature.certificate_id)
        return assemble(session, token, proofs=proofs, token=None, co_signature=co_signature)
    derived = session.get(SummaryRow, leaf) or session.get(ReleaseStatementRow, leaf)
    if derived is not None:
        token = session.get_one(IssuedTokenRow, derived.certificate_id)
        return assemble(session, token, proofs=proofs, keys=[derived.key_thumbprint], token=None)
    content = _packed_summary(session, leaf)
    if content is None:
        raise ReceiptNotFoundError("nothing that was issued here has this leaf")
    token = session.get_one(IssuedTokenRow, content.certificate_id)
    return assemble(session, token, proofs=proofs, keys=[content.summary_key], token=None)


def _packed_summary(session: Session, leaf: bytes) -> StoredContent | None:
    """Return the certificate to whose packed summary a leaf belongs."""
    owner = session.scalar(
        select(LeafRow.certificate_id).where(LeafRow.leaf == leaf, LeafRow.kind == LeafKind.SUMMARY)
    )
    content = None if owner is None else read_content(session, owner)
    return content if content is not None and leaf_digest(content.summary) == leaf else None


def co_signature_of(session: Session, certificate_id: str) -> CoSignatureRow | None:
    """Return the co-signature of a certificate, None when it has none."""
    return session.get(CoSignatureRow, certificate_id)


def assemble(
    session: Session,
    issued: IssuedTokenRow,
    *,
    proofs: Sequence[AnchoredProof],
    token: str | None,
    keys: Iterable[bytes] = (),
    co_signature: CoSignatureRow | None = None,
    release: str | None = None,
) -> Receipt:
    """Put a receipt together.

    Args:
        session: A reading transaction.
        issued: The certificate.
        proofs: Proofs of the leaves that the receipt is about, as far as they are sealed.
        token: The view that is handed out, None for none.
        keys: Thumbprints of keys beside those of the certificate and its co-signature.
        co_signature: The co-signature that is handed out, None for none.
        release: The release statement of the view.
    """
    body = session.get_one(CertificateRow, issued.certificate_id).body_id
    second = () if co_signature is None else (co_signature.key_thumbprint,)
    thumbprints = dict.fromkeys((issued.key_thumbprint, *second, *keys))
    found = [find_key(session, thumbprint) for thumbprint in thumbprints]
    return Receipt(
        token=token,
        co_signature=None if co_signature is None else parse_cosignature(co_signature.token),
        release=release,
        proofs=tuple(_leaf_proof(proof) for proof in proofs),
        heads=_heads(proofs),
        keys=tuple(key.public_key for key in found if key is not None),
        documents=_scope_documents(session, body),
    )


def _leaf_proof(proof: AnchoredProof) -> LeafProof:
    anchor = proof.anchor
    return LeafProof(
        leaf=proof.leaf,
        inclusion=InclusionProof(index=proof.index, size=proof.size, path=proof.path),
        anchor=None
        if anchor is None
        else AnchorRecord(
            chain_id=anchor.chain_id,
            contract=anchor.contract.lower(),
            root=proof.root,
            block=anchor.block,
            transaction=f"0x{(anchor.transaction or _NO_TRANSACTION).hex()}",
            time=anchor.time,
        ),
    )


def _heads(proofs: Iterable[AnchoredProof]) -> tuple[HeadProof, ...]:
    """Return the rest of the way for offline codes, each subtree once."""
    heads = {
        proof.subtree.head: HeadProof(
            head=proof.subtree.head,
            leaves=proof.subtree.leaves,
            subtree=proof.subtree.subtree,
            size=proof.size,
            path=proof.subtree.head_path,
        )
        for proof in proofs
    }
    return tuple(heads.values())


def _scope_documents(session: Session, body: bytes) -> dict[bytes, bytes]:
    """Return the published scope documents of a body, the newest first, as many as fit."""
    documents: dict[bytes, bytes] = {}
    size = 0
    for scope in reversed(scopes(session, body)):
        size += len(scope.content)
        if scope.on_chain_since is not None and size <= MAX_SCOPE_BYTES:
            documents[scope.sha256] = scope.content
    return documents
