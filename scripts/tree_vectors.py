"""The example summary, codes and receipt, and inputs that every implementation must refuse.

Everything follows from fixed keys and the sample documents; `gen_tree_examples.py` writes it down.
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from tests.support.summaries import (
    CERTIFICATE_ID,
    FixedSigner,
    make_certificate,
    make_claims,
)
from verifier.core.encoding import b64u
from verifier.core.hashing import leaf_digest
from verifier.core.ids import StatusEntry
from verifier.core.keys import P256_ORDER
from verifier.core.link_code import encode_link_code
from verifier.core.merkle import Tree, subtree_leaves
from verifier.core.offline_code import Summary, issue_summary
from verifier.core.receipt import (
    AnchorRecord,
    HeadProof,
    LeafProof,
    Receipt,
    StatusRecord,
    build_receipt,
)
from verifier.core.strict_cbor import dump_cbor
from verifier.core.strict_json import canonical_json
from verifier.core.summary import SummaryClaims

HOST: Final = "verify.lancang.example"
SIZE: Final = 1500  # of the example's batch: one full subtree and a partial one
POSITION: Final = 1400  # of the summary in it

Json = dict[str, Any]


def example_summary() -> tuple[Summary, Tree]:
    """Return a summary with its proof, and the tree of its batch."""
    summary = issue_summary(make_claims("LA"), FixedSigner(number=3))
    leaves = [numbered_leaf(number) for number in range(SIZE)]
    leaves[POSITION] = summary.leaf()
    leaves[0] = make_certificate().parsed.leaf
    tree = Tree.build(leaves)
    proof = tree.subtree_proof(POSITION)
    return summary.with_proof(proof.index, proof.leaves, proof.path), tree


def numbered_leaf(number: int) -> bytes:
    """Return the leaf over a 32-bit integer in network order."""
    return leaf_digest(number.to_bytes(4, "big"))


def example_receipt(summary: Summary, tree: Tree) -> bytes:
    """Return the public receipt of the example certificate with the rest of the summary's way."""
    certificate = make_certificate().parsed
    anchor = AnchorRecord(
        chain_id=31337,
        contract="0x5fbdb2315678afecb367f032d93f642f64180aa3",
        root=tree.root,
        block=12,
        transaction=f"0x{sha256(b'transaction').hexdigest()}",
        time=1_770_805_000,
    )
    head = HeadProof(
        head=tree.subtree_heads()[1],
        leaves=subtree_leaves(1, size=SIZE),
        subtree=1,
        size=SIZE,
        path=tree.head_proof(1),
    )
    scope = canonical_json({"scope": 1, "demonstration": True, "rows": []})
    return build_receipt(
        Receipt(
            token=f"{certificate.jws.text}~",
            proofs=(
                LeafProof(leaf=certificate.leaf, inclusion=tree.proof(0), anchor=anchor),
                LeafProof(leaf=summary.leaf(), inclusion=tree.proof(POSITION), anchor=anchor),
            ),
            heads=(head,),
            keys=(FixedSigner(number=2).public_key, FixedSigner(number=3).public_key),
            status=StatusRecord(
                body=summary.claims.body,
                entry=StatusEntry(list_number=0, index=48213),
                block=14,
                time=1_770_805_100,
                revoked=False,
                suspended=False,
            ),
            documents={sha256(scope).digest(): scope},
        )
    )


def link_code() -> str:
    """Return the link code of the example certificate."""
    leaf = make_certificate().parsed.leaf
    return encode_link_code(HOST, certificate_id=CERTIFICATE_ID, leaf=leaf)


def examples(summary: Summary, tree: Tree, receipt: bytes) -> Json:
    """Return what every implementation must read as the same."""
    sizes = (1, 2, 3, 7, 8, 1023, 1024, 1025, SIZE, 2048, 2100)
    return {
        "note": "DEMONSTRATION. The private keys are the numbers 2 (certificate) and 3 (summary).",
        "trees": [tree_vector(size) for size in sizes],
        "summary": {
            "claims": claims_as_json(summary.claims),
            "payload": summary.message.payload.hex(),
            "entry": summary.entry().hex(),
            "leaf": summary.leaf().hex(),
            "key": dict(FixedSigner(number=3).public_key.jwk()),
        },
        "offline_code": {
            "pending": replace(summary, proof=None).encode_offline_code(HOST),
            "sealed": summary.encode_offline_code(HOST),
            "head": tree.subtree_heads()[1].hex(),
            "root": tree.root.hex(),
        },
        "link_code": {
            "text": link_code(),
            "certificate_id": CERTIFICATE_ID,
            "leaf": make_certificate().parsed.leaf.hex(),
        },
        "receipt": receipt.decode(),
    }


def tree_vector(size: int) -> Json:
    """Return root, heads and some paths of the tree over u32(0) to u32(size - 1)."""
    tree = Tree.build([numbered_leaf(number) for number in range(size)])
    indexes = sorted({0, size // 2, size - 1, min(size - 1, 1023), min(size - 1, 1024)})
    return {
        "size": size,
        "root": tree.root.hex(),
        "heads": [head.hex() for head in tree.subtree_heads()],
        "proofs": [
            {
                "index": index,
                "path": [node.hex() for node in tree.proof(index).path],
                "within": tree.subtree_proof(index).index,
                "leaves": tree.subtree_proof(index).leaves,
                "nodes_to_head": len(tree.subtree_proof(index).path),
            }
            for index in indexes
        ],
    }


def claims_as_json(claims: SummaryClaims) -> Json:
    """Return the content of a summary by docs/schemas/summary.schema.json."""
    return {
        "issued_at": claims.issued_at,
        "kind": claims.kind.value,
        "number": claims.number,
        "party": claims.party,
        "body": claims.body.hex(),
        "certificate": b64u(claims.certificate),
        "certificate_issued_at": claims.certificate_issued_at,
        "status": {"list": claims.status.list_number, "index": claims.status.index},
        "conclusion": claims.conclusion.value,
        "valid_until": claims.valid_until,
        "claimed_issue": claims.claimed_issue,
        "destination": claims.destination,
        "goods": dict(claims.goods),
        "results": [
            {
                "ordinal": stub.ordinal,
                "conclusion": stub.conclusion.value,
                "accredited": stub.accredited,
            }
            for stub in claims.results
        ],
        "demonstration": claims.demonstration,
    }


def refused(summary: Summary, receipt: bytes) -> list[Json]:
    """Return inputs that every implementation must refuse, each with error code and reason."""
    return [*refused_codes(summary), *refused_receipts(receipt)]


def refused_codes(summary: Summary) -> list[Json]:
    """Return codes to refuse, and one to read whose signature must not verify."""
    text, link = summary.encode_offline_code(HOST), link_code()
    message = summary.message
    r, s = message.signature[:32], int.from_bytes(message.signature[32:])
    high = replace(summary, message=replace(message, signature=r + (P256_ORDER - s).to_bytes(32)))
    index = replace(message, unprotected={-65538: [0, 1025, bytes(320)]})
    typ = replace(message, typ="lancang-other+cwt")
    extra = replace(message, unprotected={4: b"x"})
    long = dump_cbor([0, 0, 0, 0], tag=18) + bytes(4096)

    def offline(data: bytes) -> str:
        return f"https://{HOST}/o#{b64u(data)}"

    cases = [
        ("padding", f"{text}==", "malformed_evidence", "base64url"),
        ("stray bits", _stray(link), "malformed_evidence", "base64url"),
        ("cut", text[:-4], "malformed_evidence", "cbor"),
        ("bytes behind the end", offline(summary.entry() + b"\x00"), "malformed_evidence", "cbor"),
        ("more than a subtree", offline(index.encode()), "malformed_evidence", "proof"),
        ("another unprotected header", offline(extra.encode()), "malformed_evidence", "proof"),
        ("another type", offline(typ.encode()), "not_ours", "not_ours"),
        ("no tag", offline(summary.entry()[1:]), "not_ours", "not_ours"),
        ("too long", offline(long), "limit_exceeded", "limit_exceeded"),
        ("somebody else's page", "https://shop.example/o#promotion", "not_ours", "not_ours"),
        ("not https", text.replace("https", "http"), "not_ours", "not_ours"),
        ("high s", high.encode_offline_code(HOST), "bad_signature", "bad_signature"),
    ]
    return [_case("code", *case) for case in cases]


def refused_receipts(receipt: bytes) -> list[Json]:
    """Return receipts to refuse."""
    text = receipt.decode()
    unknown = json.loads(text) | {"trusted": True}
    cases = [
        ("line end behind it", text + "\n", "malformed_evidence", "not_canonical"),
        ("spaces", text.replace(":", ": ", 1), "malformed_evidence", "not_canonical"),
        (
            "member twice",
            text.replace('"receipt":1', '"receipt":1,"receipt":1'),
            "malformed_evidence",
            "duplicate_key",
        ),
        ("unknown member", _sealed(unknown), "malformed_evidence", "members"),
        (
            "changed block",
            text.replace('"block":14', '"block":15'),
            "malformed_evidence",
            "checksum",
        ),
        (
            "another version",
            _sealed(json.loads(text) | {"receipt": 2}),
            "malformed_evidence",
            "version",
        ),
        ("no receipt", '{"report":1}', "not_ours", "not_ours"),
    ]
    return [_case("receipt", *case) for case in cases]


def _case(kind: str, name: str, text: str, code: str, reason: str) -> Json:
    return {"kind": kind, "name": name, "text": text, "code": code, "reason": reason}


def _stray(link: str) -> str:
    """Set the two bits of the last character that stand for no byte."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return link[:-1] + alphabet[alphabet.index(link[-1]) | 1]


def _sealed(receipt: Json) -> str:
    unsealed = {name: member for name, member in receipt.items() if name != "checksum"}
    checksum = b64u(sha256(canonical_json(unsealed)).digest())
    return canonical_json({**unsealed, "checksum": checksum}).decode()
