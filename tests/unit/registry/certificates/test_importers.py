"""Import files: every error with its place, nothing half-read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.bodies.domain import Body
from registry.bodies.importers import body_of
from registry.certificates.domain import Draft, Replacement
from registry.certificates.importers import Item, drafts_of, read_file
from registry.kit.import_problems import FileProblem
from tests.support.registry_world import samples
from verifier.core.document import parse_document
from verifier.core.strict_json import canonical_json, parse_json

BODIES: Mapping[str, Body] = {value["id"]: body_of(value) for value in samples()["bodies"]}


def read(text: str | bytes) -> tuple[list[Draft], list[FileProblem]]:
    data = text.encode() if isinstance(text, str) else text
    content = read_file(data, source="in.json")
    drafts, problems = drafts_of(content.documents, BODIES)
    return drafts, [*content.problems, *problems]


def codes(problems: list[FileProblem]) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in problems]


def document(position: int = 0, **changes: Any) -> dict[str, Any]:
    return samples()["documents"][position] | changes


@pytest.mark.parametrize("position", range(4))
def test_a_single_document(position: int) -> None:
    [draft], problems = read(json.dumps(document(position)))
    assert problems == []
    assert draft.pointer == ""
    assert draft.number == document(position)["number"]
    assert draft.body == BODIES[document(position)["issuer"]["body"]].id
    assert parse_json(draft.document, what="draft") == parse_document(document(position)).value


def test_an_array_and_the_sample_file_give_the_same_drafts() -> None:
    alone, _ = read(json.dumps(samples()["documents"]))
    in_file, problems = read(json.dumps(samples()))
    assert problems == []
    assert [draft.document for draft in alone] == [draft.document for draft in in_file]
    assert [draft.pointer for draft in in_file] == [f"/documents/{at}" for at in range(4)]


def test_parties_and_bodies_are_handed_on_unread() -> None:
    content = read_file(json.dumps(samples()).encode(), source="in.json")
    assert [item.value for item in content.parties] == samples()["parties"]
    assert [item.pointer for item in content.bodies] == [f"/bodies/{at}" for at in range(4)]


def test_drafts_are_canonical_whatever_the_spelling() -> None:
    spelled = json.dumps(document(), indent=4, ensure_ascii=True, sort_keys=True)
    [one], _ = read(spelled)
    [other], _ = read(json.dumps(document(), ensure_ascii=False))
    assert one.document == other.document
    assert canonical_json(parse_json(one.document, what="draft")) == one.document


def test_every_error_is_reported_at_once() -> None:
    wrong = samples()["documents"]
    wrong[0]["consignment"]["net_mass"] = {"value": 18240.5, "unit": "kg"}
    wrong[1]["issuer"]["body"] = "nobody"
    wrong[1]["dates"]["issued"] = "2026-13-01"
    wrong[2]["results"][0]["conclusion"] = "maybe"
    wrong[3]["demonstration"] = False
    wrong.append({"kind": "Invoice"})
    wrong.append(7)
    drafts, problems = read(json.dumps(wrong))
    assert drafts == []
    assert codes(problems) == [
        ("/0/consignment/net_mass/value", "float"),
        ("/1/dates/issued", "date"),
        ("/1/issuer/body", "unknown_body"),
        ("/2/results/0/conclusion", "not_allowed"),
        ("/3/demonstration", "demonstration_differs"),
        ("/4/kind", "not_allowed"),
        ("/5", "type"),
    ]
    assert problems[0].number == wrong[0]["number"]
    assert problems[5].number is None


@pytest.mark.parametrize(
    ("text", "pointer", "code"),
    [
        (b"", "", "json"),
        (b"{", "", "json"),
        (b'{"a": 1} x', "", "json"),
        (b"\xef\xbb\xbf{}", "", "json"),
        (b"\xff\xfe{\x00}\x00", "", "utf8"),
        (b'{"kind": "\xb1\xea"}', "", "utf8"),  # GBK
        (b"[" * 100_000, "", "too_deep"),
        (b"9" * 5000, "", "json"),
        (b"[" * 40 + b"]" * 40, "/0" * 33, "too_deep"),
        (b'[{"kind": 1, "kind": 2}]', "/0", "duplicate_key"),
        (b'{"import": 1, "documents": [{"a": {"b~/": {"c": 1, "c": 2}}}]}',
         "/documents/0/a/b~0~1", "duplicate_key"),
        (b'{"import": 2, "documents": []}', "/import", "version"),
        (b'{"import": true, "documents": []}', "/import", "version"),
        (b'{"import": 1, "documents": {}}', "/documents", "type"),
        (b'{"import": 1, "dokuments": []}', "/dokuments", "unknown_member"),
    ],
)  # fmt: skip
def test_unreadable_files_say_where_and_what(text: bytes, pointer: str, code: str) -> None:
    drafts, problems = read(text)
    assert drafts == []
    assert codes(problems) == [(pointer, code)]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "0.1"])
def test_fractions_and_non_numbers_are_refused_in_their_place(number: str) -> None:
    text = json.dumps(document()).replace('"loq": "0.005"', f'"loq": {number}')
    _, problems = read(text)
    assert ("/results/0/loq", "float") in codes(problems)


def test_a_number_twice_in_one_import_is_refused() -> None:
    _, problems = read(json.dumps([document(), document(), document(revision=2)]))
    assert ("/1/number", "number_repeated") in codes(problems)
    assert ("/2/replaces", "replaces_missing") in codes(problems)


def test_the_same_number_of_two_bodies_is_two_certificates() -> None:
    number = document()["number"]
    drafts, problems = read(json.dumps([document(), document(1, number=number)]))
    assert problems == []
    assert len(drafts) == 2


def test_a_document_that_no_token_could_hold_is_refused() -> None:
    large = document()
    result = large["results"][0]
    result["conditions"] = "x" * 390
    large["results"] = [deepcopy(result) for _ in range(400)]
    _, problems = read(json.dumps(large))
    assert codes(problems) == [("", "too_large")]


def test_an_amendment_names_what_it_replaces() -> None:
    [draft], _ = read(json.dumps(document(2)))
    assert draft.replaces == Replacement(
        number="DEMO-YN-2026-8001100-000008", revision=None, leaf=None
    )


def test_hostile_text_is_refused_and_can_be_shown() -> None:
    hostile = document(**{"x\u202e<script>": 1, "title": {"en": "a\u202eb"}})
    _, problems = read(json.dumps(hostile))
    assert {code for _, code in codes(problems)} == {"unknown_member", "control_character"}


def test_progress_counts_every_document() -> None:
    seen: list[int] = []
    items = [Item(source="x", pointer=f"/{at}", value={}) for at in range(5)]
    drafts_of(items, BODIES, progress=seen.append)
    assert seen == [1] * 5


@given(st.binary(max_size=200))
def test_any_bytes_give_problems_or_drafts(data: bytes) -> None:
    drafts, problems = read(data)
    assert drafts or problems or data.strip() == b"[]"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


@given(st.data())
def test_a_document_with_any_member_replaced_never_crashes(data: st.DataObject) -> None:
    changed: Any = document(data.draw(st.integers(0, 3)))
    node, key = changed, data.draw(st.sampled_from(sorted(changed)))
    while isinstance(node[key], dict) and node[key] and data.draw(st.booleans()):
        node = node[key]
        key = data.draw(st.sampled_from(sorted(node)))
    node[key] = data.draw(json_values)
    drafts, problems = drafts_of([Item(source="x", pointer="", value=changed)], BODIES)
    assert bool(drafts) != bool(problems)
