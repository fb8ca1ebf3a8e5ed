"""The published example is read back, its refusals are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.evidence_builders import trust_profile
from verifier.bundle.content import decode_content, encode_content
from verifier.bundle.delta import parse_delta
from verifier.bundle.file import parse_bundle_file
from verifier.bundle.library import are_heads
from verifier.bundle.rows import AnchorRow
from verifier.bundle.signatures import check_signatures, confirm
from verifier.bundle.source import BundleTrustSource
from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import leaf_digest
from verifier.core.ids import body_id

ROOT = Path(__file__).parents[4]
VECTORS = ROOT / "tests" / "vectors" / "trust-bundle"
EXAMPLE = json.loads((VECTORS / "examples.json").read_text("utf-8"))
REFUSED = json.loads((VECTORS / "refused.json").read_text("utf-8"))
CONTENT = bytes.fromhex(EXAMPLE["content"])
LATER = bytes.fromhex(EXAMPLE["later"]["content"])


def test_the_content_is_read_and_written() -> None:
    for content in (CONTENT, LATER):
        assert encode_content(decode_content(content)) == content


def test_the_file_is_signed_by_the_key_that_was_delegated_to() -> None:
    file = parse_bundle_file(bytes.fromhex(EXAMPLE["file"]))
    signers = [{"name": "Example", "jwk": EXAMPLE["signer"]}]
    chain = json.loads(trust_profile().document)["chains"][0]
    chain["genesis"] = f"0x{EXAMPLE['genesis']}"
    profile = trust_profile(chains=[chain], bundle_signers=signers, bundle_threshold=1)

    assert file.content == CONTENT
    assert file.digest.hex() == EXAMPLE["sha256"]
    assert file.signatures[0].delegation.hex() == EXAMPLE["delegation"]
    vouchers = check_signatures(file, profile)
    assert confirm(vouchers, file, decode_content(file.content), profile) == ("Example",)


def test_the_delta_leads_to_the_later_one() -> None:
    file = parse_bundle_file(bytes.fromhex(EXAMPLE["file"]))

    later = parse_delta(bytes.fromhex(EXAMPLE["delta"])).apply(file)

    assert later.content == LATER
    assert later.digest.hex() == EXAMPLE["later"]["sha256"]


def test_it_says_what_the_document_says_about_it() -> None:
    bundle = decode_content(CONTENT)
    ledger = bundle.home.generations[0].ledger
    anchors = [AnchorRow.unpack(row) for row in ledger.anchors]
    large = next(anchor for anchor in anchors if anchor.size == 1500)
    assert are_heads(ledger.heads, large.root, 1500)
    source = BundleTrustSource(bundle, now=bundle.home.time)
    body = body_id("CN", "did:web:lab.example")
    leaf = leaf_digest(b"")

    lifted = source.status(body, list_number=0, index=2 * 256 + 5, leaf=leaf)
    revoked = source.status(body, list_number=0, index=188 * 256 + 85, leaf=leaf)
    assert [event.kind for event in lifted.events] == ["suspended", "resumed"]
    assert not lifted.suspended_by_party
    assert revoked.revoked
    later = decode_content(LATER)
    assert (
        BundleTrustSource(later, now=later.home.time)
        .status(body, list_number=0, index=0, leaf=leaf)
        .revoked
    )


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["title"])
def test_what_must_be_refused_is_refused(case: dict[str, str]) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        decode_content(bytes.fromhex(case["content"]))
    assert caught.value.reason == case["reason"]


def test_the_document_and_the_vectors_are_current() -> None:
    generator = pytest.importorskip("scripts.gen_bundle_examples")
    for path, text in generator.generated().items():
        assert path.read_text("utf-8") == text, f"run scripts/gen_bundle_examples.py: {path.name}"
