from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.audit.domain import EMPTY, Entry, Head, Link, Outcome, bind, first_break, head_entry

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)


def entry(number: int, **changes: object) -> Entry:
    fields: dict[str, object] = {
        "at": AT + timedelta(seconds=number),
        "actor": "Li Na",
        "person": "p",
        "action": "certificate.approve",
        "object": f"certificate:{number}",
        "tenant": "installation",
    }
    return Entry(**(fields | changes))  # type: ignore[arg-type]


def chain(length: int) -> list[Link]:
    return bind(EMPTY, [entry(number) for number in range(length)])


def head_of(links: list[Link]) -> Head:
    return Head(sequence=links[-1].sequence, hash=links[-1].hash) if links else EMPTY


def test_the_hash_is_the_documented_one() -> None:
    [link] = chain(1)
    # Recomputed by hand: sha256(b"lancang/audit/1\0" + bytes(32) + canonical JSON).
    assert link.entry.canonical(1) == (
        b'{"action":"certificate.approve","actor":"Li Na","at":"2026-11-21T08:00:00.000000+00:00",'
        b'"details":{},"object":"certificate:0","outcome":"done","person":"p","request_id":null,'
        b'"sequence":1,"tenant":"installation"}'
    )
    assert link.hash.hex() == "01beb874d47620a048873a46788770ffcd667f0bab3ae593e4d23129d95dd584"


@given(st.integers(0, 12), st.integers(0, 12))
def test_a_chain_holds_however_it_was_appended(first: int, second: int) -> None:
    links = chain(first)
    links += bind(head_of(links), [entry(first + number) for number in range(second)])
    assert links == chain(first + second)
    assert first_break(links, head=head_of(links), anchored={}) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"at": AT},
        {"actor": "Wang"},
        {"person": "q"},
        {"action": "certificate.sign"},
        {"object": "certificate:9"},
        {"tenant": "party:CN"},
        {"outcome": Outcome.REFUSED},
        {"request_id": "r"},
        {"details": {"leaf": "00"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_member_of_an_entry_is_bound(changes: dict[str, object]) -> None:
    links = chain(5)
    links[2] = replace(links[2], entry=replace(links[2].entry, **changes))  # type: ignore[arg-type]
    found = first_break(links, head=head_of(links), anchored={})
    assert found is not None
    assert (found.sequence, found.code) == (3, "hash")


@given(st.integers(2, 10), st.data())
def test_whatever_is_removed_or_swapped_is_named(length: int, data: st.DataObject) -> None:
    links = chain(length)
    at = data.draw(st.integers(0, length - 1))
    cut = links[:at] + links[at + 1 :]
    found = first_break(cut, head=head_of(links), anchored={})
    assert found is not None
    assert found.sequence == at + 1
    assert found.code == ("head" if at == length - 1 else "gap")


def test_an_inserted_entry_is_named() -> None:
    links = chain(3)
    forged = bind(Head(sequence=1, hash=bytes(32)), [entry(7)])
    found = first_break([links[0], *forged, links[2]], head=head_of(links), anchored={})
    assert found is not None
    assert (found.sequence, found.code) == (2, "previous")


def test_a_chain_hashed_anew_contradicts_what_was_anchored() -> None:
    anchored = {3: chain(5)[2].hash}
    rewritten = bind(EMPTY, [entry(number, actor="Nobody") for number in range(5)])
    found = first_break(rewritten, head=head_of(rewritten), anchored=anchored)
    assert found is not None
    assert (found.sequence, found.code) == (3, "anchored")
    short = bind(EMPTY, [entry(0)])
    found = first_break(short, head=head_of(short), anchored=anchored)
    assert found is not None
    assert (found.sequence, found.code) == (2, "anchored")


def test_the_anchored_entry_looks_like_nothing_signed() -> None:
    assert head_entry(Head(sequence=3, hash=bytes(32)), at=AT) == (
        b'{"at":"2026-11-21T08:00:00+00:00","audit_head":1,"hash":"' + b"0" * 64
        + b'","sequence":3}'
    )  # fmt: skip
