"""The published examples of the format, read back, and their schemas."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from verifier.core.codes import OfflineCode, parse_code
from verifier.core.conclusions import Conclusion
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import leaf_digest
from verifier.core.keys import PublicKey
from verifier.core.link_code import LinkCode
from verifier.core.merkle import root_from_path, root_from_subtree
from verifier.core.offline_code import Summary, parse_offline_code
from verifier.core.receipt import Receipt, build_receipt, parse_receipt

ROOT = Path(__file__).parents[4]
VECTORS = ROOT / "tests" / "vectors" / "evidence-tree"
EXAMPLES = json.loads((VECTORS / "examples.json").read_text("utf-8"))
REFUSED = json.loads((VECTORS / "refused.json").read_text("utf-8"))
SUMMARY_KEY = PublicKey.from_jwk(EXAMPLES["summary"]["key"])


def schema(name: str) -> Any:
    draft = pytest.importorskip("jsonschema").Draft202012Validator
    text = (ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text("utf-8")
    draft.check_schema(json.loads(text))
    return draft(json.loads(text))


def read_offline(form: str) -> Summary:
    return parse_offline_code(EXAMPLES["offline_code"][form])


def read_receipt() -> Receipt:
    return parse_receipt(EXAMPLES["receipt"].encode())


def read(case: dict[str, str]) -> object:
    if case["kind"] == "code":
        return parse_code(case["text"])
    return parse_receipt(case["text"].encode())


class TestExamples:
    @pytest.mark.parametrize("tree", EXAMPLES["trees"], ids=lambda tree: str(tree["size"]))
    def test_tree(self, tree: dict[str, Any]) -> None:
        for proof in tree["proofs"]:
            index, size = proof["index"], tree["size"]
            leaf = leaf_digest(index.to_bytes(4, "big"))
            path = [bytes.fromhex(node) for node in proof["path"]]
            inner, outer = path[: proof["nodes_to_head"]], path[proof["nodes_to_head"] :]
            head = root_from_path(leaf, index=proof["within"], size=proof["leaves"], path=inner)

            assert root_from_path(leaf, index=index, size=size, path=path).hex() == tree["root"]
            assert head.hex() == tree["heads"][index // 1024]
            root = root_from_subtree(head, subtree=index // 1024, size=size, path=outer)
            assert root.hex() == tree["root"]

    @pytest.mark.parametrize("form", ["pending", "sealed"])
    def test_offline_code(self, form: str) -> None:
        summary, expected = read_offline(form), EXAMPLES["summary"]

        assert summary.leaf().hex() == expected["leaf"]
        assert summary.entry().hex() == expected["entry"]
        assert summary.verify(SUMMARY_KEY)
        assert (
            summary.encode_offline_code("verify.lancang.example")
            == (EXAMPLES["offline_code"][form])
        )

    def test_head_of_the_offline_code(self) -> None:
        head = read_offline("sealed").head()

        assert head is not None
        assert head.hex() == EXAMPLES["offline_code"]["head"]
        assert read_offline("pending").head() is None

    def test_receipt_completes_the_way_of_the_offline_code(self) -> None:
        rest = read_receipt().heads[0]
        head = read_offline("sealed").head()

        assert rest.head == head
        root = root_from_subtree(rest.head, subtree=rest.subtree, size=rest.size, path=rest.path)
        assert root.hex() == EXAMPLES["offline_code"]["root"]

    def test_link_code(self) -> None:
        code = parse_code(EXAMPLES["link_code"]["text"])

        assert isinstance(code, LinkCode)
        assert code.leaf.hex() == EXAMPLES["link_code"]["leaf"]
        assert code.certificate_id == EXAMPLES["link_code"]["certificate_id"]

    def test_receipt(self) -> None:
        receipt = read_receipt()

        assert build_receipt(receipt) == EXAMPLES["receipt"].encode()
        for proof in receipt.proofs:
            inclusion = proof.inclusion
            root = root_from_path(
                proof.leaf, index=inclusion.index, size=inclusion.size, path=inclusion.path
            )
            assert proof.anchor is not None
            assert root == proof.anchor.root


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case['kind']} {case['name']}")
def test_refused(case: dict[str, str]) -> None:
    if case["code"] == "bad_signature":
        code = parse_code(case["text"])
        assert isinstance(code, OfflineCode)
        assert not code.summary.verify(SUMMARY_KEY)
        return
    with pytest.raises(MalformedEvidenceError) as caught:
        read(case)
    assert (caught.value.code, caught.value.reason) == (case["code"], case["reason"])


class TestSchemas:
    def test_of_receipts(self) -> None:
        schema("receipt").validate(json.loads(EXAMPLES["receipt"]))

    def test_of_summaries(self) -> None:
        schema("summary").validate(EXAMPLES["summary"]["claims"])

    def test_summary_schema_numbers_the_conclusions(self) -> None:
        numbered = schema("summary").schema["$defs"]["conclusion"]["enum"]

        assert numbered == [conclusion.value for conclusion in Conclusion]

    @pytest.mark.parametrize("name", ["receipt", "summary"])
    def test_every_object_is_closed_and_complete(self, name: str) -> None:
        objects = [
            part
            for part in _parts(schema(name).schema)
            if part.get("type") == "object" and "properties" in part
        ]

        assert objects
        for part in objects:
            assert part["additionalProperties"] is False
            assert set(part.get("required", part["properties"])) == set(part["properties"])

    @pytest.mark.parametrize("member", ["receipt", "token", "proofs", "subtree", "key", "status"])
    def test_receipt_schema_refuses_what_the_parser_refuses(self, member: str) -> None:
        validator = schema("receipt")
        value = json.loads(EXAMPLES["receipt"])
        for spoilt in ({**value, member: 7}, {**value, member: [7]}, {**value, member: {"x": 1}}):
            unsealed = {name: part for name, part in spoilt.items() if name != "checksum"}
            text = json.dumps(unsealed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            spoilt["checksum"] = b64u(sha256(text.encode()).digest())
            sealed = json.dumps(spoilt, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

            with pytest.raises(MalformedEvidenceError):
                parse_receipt(sealed.encode())
            assert not validator.is_valid(spoilt)


def test_keys_of_the_example_are_those_of_the_receipt() -> None:
    receipt = json.loads(EXAMPLES["receipt"])
    thumbprints = {key["thumbprint"] for key in receipt["key"]}

    assert b64u(SUMMARY_KEY.thumbprint()) in thumbprints
    assert all(len(unb64u(name, what="name")) == 32 for name in thumbprints)


def _parts(node: object) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [part for element in node for part in _parts(element)]
    if not isinstance(node, dict):
        return []
    return [node, *(part for element in node.values() for part in _parts(element))]
