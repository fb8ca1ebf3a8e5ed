from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.bodies.domain import BodyKey, scope_content, scope_interval
from registry.bodies.importers import BODY, body_of, scope_rows_of
from registry.parties.importers import PARTY, party_of
from registry.signing.software import SoftwareKey
from tests.support.registry_world import samples
from verifier.checks.facts import BodyKind, KeyPurpose
from verifier.core.ids import body_id
from verifier.core.keys import Algorithm

NOW = datetime(2026, 11, 21, tzinfo=UTC)
KEY = SoftwareKey.generate(Algorithm.ES256).public


def body(position: int = 0, **changes: Any) -> dict[str, Any]:
    return samples()["bodies"][position] | changes


def test_every_sample_is_right() -> None:
    for value in samples()["parties"]:
        assert list(PARTY.problems(value, "")) == []
        assert party_of(value).id == value["id"]
    for value in samples()["bodies"]:
        assert list(BODY.problems(value, "")) == []
        assert len(scope_rows_of(value)) == len(value["scope"])


def test_kinds_and_ids() -> None:
    assert body_of(body(0)).kind is BodyKind.LABORATORY
    assert body_of(body(3)).kind is BodyKind.INSPECTION_OFFICE
    assert body_of(body(0)).id == body_id("CN", "did:web:demo-km.lancang.example")


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"kind": "hospital"}, "/kind", "not_allowed"),
        ({"did": "did:key:z6Mk"}, "/did", "did"),
        ({"country": "China"}, "/country", "too_long"),
        ({"party": "cn"}, "/party", "party"),
        ({"name": {}}, "/name", "empty"),
        ({"identifiers": {"CNAS": "1"}}, "/identifiers/CNAS", "scheme"),
        ({"demonstration": "yes"}, "/demonstration", "type"),
        ({"id": "Demo KM"}, "/id", "alias"),
        ({"scope": [{}]}, "/scope/0/product", "required"),
        ({"logo": "http://x"}, "/logo", "unknown_member"),
    ],
)
def test_malformed_bodies_are_refused(change: dict[str, Any], pointer: str, code: str) -> None:
    found = [(problem.pointer, problem.code) for problem in BODY.problems(body(**change), "")]
    assert (pointer, code) in found


def test_a_day_that_does_not_exist_is_refused() -> None:
    value = body()
    value["scope"][0]["until"] = "2030-02-30"
    assert [problem.code for problem in BODY.problems(value, "")] == ["date"]


def test_the_scope_document_is_canonical_and_complete() -> None:
    content = scope_content(body_of(body()), scope_rows_of(body()))
    parsed = json.loads(content)
    assert parsed["rows"] == body()["scope"]
    assert (parsed["scope"], parsed["party"], parsed["kind"]) == (1, "CN", "laboratory")
    assert parsed["body"] == body_of(body()).id.hex()
    assert json.dumps(
        parsed, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    ).encode() == (content)
    other = scope_content(replace(body_of(body()), demonstration=False), scope_rows_of(body()))
    assert hashlib.sha256(other).digest() != hashlib.sha256(content).digest()


def test_a_scope_speaks_from_its_first_to_its_last_day() -> None:
    rows = scope_rows_of(body())
    later = replace(rows[0], valid_until=rows[0].valid_until + timedelta(days=9))
    start, end = scope_interval([*rows, later], otherwise=NOW)
    assert start == datetime(2024, 1, 1, tzinfo=UTC)
    assert end == datetime(2030, 1, 10, tzinfo=UTC)
    assert scope_interval([], otherwise=NOW) == (NOW, None)


def key(**changes: Any) -> BodyKey:
    values: dict[str, Any] = {
        "body": bytes(32),
        "purpose": KeyPurpose.CERTIFICATE,
        "public_key": KEY,
        "on_chain_since": NOW,
        "sign_until": None,
        "revoked_at": None,
        "use_from": NOW - timedelta(seconds=3),
    }
    return BodyKey(**values | changes)


def test_a_key_unknown_to_the_chain_signs_nothing() -> None:
    assert not key(on_chain_since=None).may_sign(NOW)


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({}, True),
        ({"use_from": None}, False),
        ({"use_from": NOW + timedelta(seconds=1)}, False),
        ({"stopped_at": NOW + timedelta(days=1)}, False),
    ],
)
def test_a_key_signs_between_its_rotation_and_a_report_of_its_loss(
    changes: dict[str, Any], *, may: bool
) -> None:
    assert key(**changes).may_sign(NOW) is may


@given(
    st.integers(-3, 3),
    st.none() | st.integers(-3, 3),
    st.none() | st.integers(-3, 3),
    st.integers(-3, 3),
)
def test_use_of_a_key_is_half_open(
    since: int, until: int | None, revoked: int | None, at: int
) -> None:
    def moment(offset: int | None) -> datetime | None:
        return None if offset is None else NOW + timedelta(seconds=offset)

    described = key(
        on_chain_since=moment(since), sign_until=moment(until), revoked_at=moment(revoked)
    )
    expected = since <= at and (until is None or at < until) and (revoked is None or at < revoked)
    assert described.may_sign(NOW + timedelta(seconds=at)) == expected
