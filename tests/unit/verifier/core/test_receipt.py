"""Receipts: one spelling, nothing unknown, every change noticed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.core.encoding import b64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.hashing import leaf_digest
from verifier.core.ids import StatusEntry
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.merkle import Tree
from verifier.core.receipt import (
    AnchorRecord,
    HeadProof,
    LeafProof,
    Receipt,
    StatusRecord,
    WrittenOff,
    build_receipt,
    parse_receipt,
)
from verifier.core.strict_json import canonical_json

TREE = Tree.build([leaf_digest(bytes([number])) for number in range(5)])
DOCUMENT = '{"name":{"zh":"示例"},"scope":1}'.encode()
# RFC 8037, appendix A.2.
KEY = PublicKey(
    Algorithm.EDDSA,
    bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
)
ANCHOR = AnchorRecord(
    chain_id=31337,
    contract="0x" + "ab" * 20,
    root=TREE.root,
    block=12,
    transaction="0x" + "cd" * 32,
    time=1_770_800_000,
)
PUBLIC_VIEW = "eyJh.eyJi.c2ln~"
VIEW = PUBLIC_VIEW + "WyJz~"
FULL = Receipt(
    token=VIEW,
    release="eyJj.eyJk.c2ln",
    proofs=(
        LeafProof(leaf=TREE.leaf(3), inclusion=TREE.proof(3), anchor=ANCHOR),
        LeafProof(leaf=TREE.leaf(4), inclusion=TREE.proof(4), anchor=None),
    ),
    heads=(HeadProof(head=TREE.root, leaves=5, subtree=0, size=5, path=()),),
    keys=(KEY,),
    status=StatusRecord(
        body=bytes(range(32)),
        entry=StatusEntry(list_number=0, index=77),
        block=13,
        time=1_770_800_100,
        revoked=False,
        suspended=False,
    ),
    documents={sha256(DOCUMENT).digest(): DOCUMENT},
    written_off=WrittenOff(value="120.5", unit="kg"),
)


def reseal(value: dict[str, Any]) -> bytes:
    """Do what a forger does: change the content and put the right checksum on it."""
    unsealed = {name: member for name, member in value.items() if name != "checksum"}
    checksum = b64u(sha256(canonical_json(unsealed)).digest())
    return canonical_json({**unsealed, "checksum": checksum})


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    value = json.loads(build_receipt(FULL))
    change(value)
    return reseal(value)


class TestRoundTrip:
    def test_everything_comes_back(self) -> None:
        assert parse_receipt(build_receipt(FULL)) == FULL

    def test_the_least_receipt(self) -> None:
        public = Receipt(token=PUBLIC_VIEW)

        assert parse_receipt(build_receipt(public)) == public

    def test_of_a_leaf_without_a_token(self) -> None:
        receipt = Receipt(token=None, heads=FULL.heads)

        assert parse_receipt(build_receipt(receipt)) == receipt

    def test_anchored_by_a_transaction_that_is_not_known(self) -> None:
        proof = replace(FULL.proofs[0], anchor=replace(ANCHOR, transaction=None))
        receipt = replace(FULL, proofs=(proof,))

        assert parse_receipt(build_receipt(receipt)) == receipt

    def test_members_are_those_of_the_format(self) -> None:
        value = json.loads(build_receipt(FULL))

        assert value["receipt"] == 1
        assert value["proofs"][0] | {"path": [], "leaf": ""} == {
            "anchor": {
                "block": 12,
                "chain_id": 31337,
                "contract": "0x" + "ab" * 20,
                "root": b64u(TREE.root),
                "time": 1_770_800_000,
                "transaction": "0x" + "cd" * 32,
            },
            "index": 3,
            "leaf": "",
            "path": [],
            "scheme": "RFC9162_SHA256",
            "size": 5,
        }
        assert value["key"][0]["alg"] == "EdDSA"
        assert value["registry"] == {"written_off": {"value": "120.5", "unit": "kg"}}


class TestDamage:
    def test_no_changed_byte_is_accepted(self) -> None:
        data = build_receipt(FULL)
        accepted = []
        for at in range(len(data)):
            for mask in (1 << at % 8, 0x20):
                spoilt = data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
                try:
                    parse_receipt(spoilt)
                except MalformedEvidenceError:
                    continue
                accepted.append((at, mask))

        assert accepted == []

    @given(st.data())
    @settings(deadline=None)
    def test_no_cut_is_accepted(self, data: st.DataObject) -> None:
        receipt = build_receipt(FULL)
        length = data.draw(st.integers(0, len(receipt) - 1))

        with pytest.raises(MalformedEvidenceError):
            parse_receipt(receipt[:length])

    @given(st.binary(max_size=300))
    @settings(deadline=None)
    def test_noise_is_refused(self, noise: bytes) -> None:
        with pytest.raises(MalformedEvidenceError):
            parse_receipt(noise)

    def test_wrong_checksum(self) -> None:
        data = build_receipt(FULL).replace(b'"block":12', b'"block":11')

        with pytest.raises(MalformedEvidenceError) as caught:
            parse_receipt(data)
        assert caught.value.reason == "checksum"

    @pytest.mark.parametrize(
        "rewrite",
        [
            pytest.param(lambda data: data + b"\n", id="line end added"),
            pytest.param(lambda data: json.dumps(json.loads(data)).encode(), id="spaces"),
            pytest.param(
                lambda data: json.dumps(
                    dict(reversed(json.loads(data).items())), separators=(",", ":")
                ).encode(),
                id="another order",
            ),
            pytest.param(lambda data: data.replace(b'"kg"', rb'"\u006bg"'), id="escape"),
        ],
    )
    def test_another_spelling(self, rewrite: Callable[[bytes], bytes]) -> None:
        with pytest.raises(MalformedEvidenceError) as caught:
            parse_receipt(rewrite(build_receipt(FULL)))
        assert caught.value.reason == "not_canonical"


class TestForgedContent:
    def test_other_json_is_not_ours(self) -> None:
        with pytest.raises(NotOursError):
            parse_receipt(b'{"report":1}')

    @pytest.mark.parametrize("version", [2, 0, True, "1", None])
    def test_unknown_version(self, version: object) -> None:
        with pytest.raises(MalformedEvidenceError) as caught:
            parse_receipt(changed(lambda value: value.update(receipt=version)))
        assert caught.value.reason == "version"

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            pytest.param(lambda v: v.update(trusted=True), "members", id="unknown member"),
            pytest.param(lambda v: v.pop("status"), "members", id="missing member"),
            pytest.param(lambda v: v["proofs"][0].update(tree=1), "members", id="inner unknown"),
            pytest.param(lambda v: v["registry"].pop("written_off"), "members", id="inner missing"),
            pytest.param(lambda v: v.update({"token": "a b"}), "value", id="space in a token"),
            pytest.param(lambda v: v.update(token=""), "value", id="empty token"),
            pytest.param(lambda v: v.update(token=7), "type", id="token is a number"),
            pytest.param(lambda v: v.update(proofs={}), "type", id="proofs is an object"),
            pytest.param(lambda v: v.update(proofs=[[]]), "type", id="a proof is a list"),
            pytest.param(lambda v: v["proofs"][0].update(scheme="X"), "scheme", id="scheme"),
            pytest.param(lambda v: v["proofs"][0].update(index=5), "value", id="index is size"),
            pytest.param(lambda v: v["proofs"][0].update(index=-1), "value", id="index below 0"),
            pytest.param(lambda v: v["proofs"][0].update(index=True), "type", id="index is true"),
            pytest.param(lambda v: v["proofs"][0].update(size=0), "value", id="empty tree"),
            pytest.param(lambda v: v["proofs"][0].update(size=2**20 + 1), "value", id="big tree"),
            pytest.param(lambda v: v["proofs"][0].update(leaf="AA"), "length", id="short leaf"),
            pytest.param(lambda v: v["proofs"][0].update(path=["="]), "base64url", id="padding"),
            pytest.param(lambda v: v["proofs"][0].update(path=[1]), "type", id="node is a number"),
            pytest.param(
                lambda v: v["proofs"][0]["anchor"].update(contract="0x" + "AB" * 20),
                "value",
                id="upper-case address",
            ),
            pytest.param(
                lambda v: v["proofs"][0]["anchor"].update(transaction="0x12"), "value", id="short"
            ),
            pytest.param(lambda v: v["proofs"][0]["anchor"].update(time=-1), "value", id="time"),
            pytest.param(
                lambda v: v["proofs"][0]["anchor"].update(chain_id=0), "value", id="no chain"
            ),
            pytest.param(lambda v: v["subtree"][0].update(subtree=1), "value", id="no subtree"),
            pytest.param(lambda v: v["subtree"][0].update(leaves=1025), "value", id="leaves"),
            pytest.param(lambda v: v["key"][0].update(alg="ES256"), "algorithm", id="algorithm"),
            pytest.param(
                lambda v: v["key"][0].update(thumbprint=b64u(bytes(32))), "thumbprint", id="name"
            ),
            pytest.param(lambda v: v["key"][0]["jwk"].update(d="AA"), "public_key", id="private"),
            pytest.param(lambda v: v["status"].update(body="AB" * 32), "body", id="body id"),
            pytest.param(lambda v: v["status"].update(index=2**32), "status", id="status index"),
            pytest.param(lambda v: v["status"].update(revoked=0), "type", id="revoked is 0"),
            pytest.param(
                lambda v: v["documents"].update({b64u(bytes(32)): "{}"}), "document_hash", id="hash"
            ),
            pytest.param(lambda v: v["documents"].update(AA="{}"), "length", id="document name"),
            pytest.param(
                lambda v: v["registry"]["written_off"].update(value="1e3"), "value", id="exponent"
            ),
            pytest.param(
                lambda v: v["registry"]["written_off"].update(value="01"), "value", id="zero first"
            ),
        ],
    )
    def test_is_refused(self, change: Callable[[dict[str, Any]], object], reason: str) -> None:
        with pytest.raises(MalformedEvidenceError) as caught:
            parse_receipt(changed(change))
        assert caught.value.reason == reason

    def test_member_twice(self) -> None:
        data = build_receipt(FULL)
        twice = data[:-1] + b',"token":"eyJh.eyJi.c2ln~"}'

        with pytest.raises(MalformedEvidenceError) as caught:
            parse_receipt(twice)
        assert caught.value.reason == "duplicate_key"

    @pytest.mark.parametrize("name", ["proofs", "subtree", "key"])
    def test_too_many_entries(self, name: str) -> None:
        with pytest.raises(LimitExceededError):
            parse_receipt(changed(lambda value: value.update({name: value[name] * 40})))

    def test_too_many_documents(self) -> None:
        texts = [str(number).encode() for number in range(40)]
        documents = {b64u(sha256(text).digest()): text.decode() for text in texts}

        with pytest.raises(LimitExceededError):
            parse_receipt(changed(lambda value: value.update(documents=documents)))

    def test_path_too_long(self) -> None:
        path = [b64u(bytes(32))] * 41

        with pytest.raises(LimitExceededError):
            parse_receipt(changed(lambda value: value["proofs"][0].update(path=path)))


def test_a_receipt_that_nobody_could_read_is_not_built() -> None:
    anchor = AnchorRecord(
        chain_id=1, contract="0xABC", root=bytes(32), block=1, transaction="", time=1
    )
    proof = LeafProof(leaf=TREE.leaf(0), inclusion=TREE.proof(0), anchor=anchor)

    with pytest.raises(MalformedEvidenceError):
        build_receipt(Receipt(token=None, proofs=(proof,)))
