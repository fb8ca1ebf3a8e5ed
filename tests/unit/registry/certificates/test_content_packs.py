"""Packs: what goes in comes out for its key alone, at its place alone, and in one piece."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.anchoring.domain import LeafKind
from registry.certificates.content_packs import Content, Pack, PackPlace, dump_pack
from registry.kit.objects import DamagedObjectError
from verifier.core.hashing import leaf_digest

PLACE = PackPlace(root=b"\x11" * 32, size=1030, subtree=1)  # leaves 1024 to 1029
OWNER, OTHER = str(uuid.UUID(int=7)), str(uuid.UUID(int=8))
KEYS = {OWNER: b"\x01" * 32, OTHER: b"\x02" * 32}


def certificate(owner: str = OWNER, **fields: str) -> Content:
    more = {"disclosures": "WyJhIl0~WyJiIl0", "document": '{"number":"ກ-1"}'} | fields
    return Content(certificate_id=owner, kind=LeafKind.CERTIFICATE, entry=b"a.b.c", **more)


def packed(place: PackPlace = PLACE) -> bytes:
    summary = Content(certificate_id=OTHER, kind=LeafKind.SUMMARY, entry=b"\xd2\x84")
    return dump_pack(place, {place.first: certificate(), place.first + 3: summary}, KEYS)


entries = st.binary(max_size=40)
kinds = st.sampled_from(sorted(set(LeafKind) - {LeafKind.WRITE_OFF, LeafKind.AUDIT_HEAD}))


@given(
    st.dictionaries(
        st.integers(1024, 1029),
        st.builds(
            Content,
            certificate_id=st.sampled_from([OWNER, OTHER]),
            kind=kinds,
            entry=entries,
            disclosures=st.text(max_size=20),
            document=st.text(max_size=20),
        ),
    )
)
def test_every_content_comes_back_at_its_place(contents: dict[int, Content]) -> None:
    pack = Pack(dump_pack(PLACE, contents, KEYS))
    assert pack.place == PLACE
    assert [parcel.position for parcel in pack.parcels()] == sorted(contents)
    for parcel in pack.parcels():
        opened = pack.open(parcel, KEYS[parcel.certificate_id])
        assert opened == contents[parcel.position]
        assert opened.leaf == leaf_digest(opened.entry)


def test_a_certificate_is_the_token_of_its_holder() -> None:
    assert certificate().compact == "a.b.c~WyJhIl0~WyJiIl0~"


def test_nothing_is_readable_without_the_key() -> None:
    data = packed()
    assert b"WyJhIl0" not in data
    assert b"number" not in data
    pack = Pack(data)
    parcel = pack.parcel(1024)
    assert parcel is not None
    with pytest.raises(DamagedObjectError):
        pack.open(parcel, KEYS[OTHER])


def test_two_packs_of_the_same_content_differ() -> None:
    assert packed() != packed()


@pytest.mark.parametrize(
    "claim", [{"position": 1025}, {"kind": LeafKind.RECORD}, {"certificate_id": OTHER}]
)
def test_a_parcel_is_nothing_but_what_it_was(claim: dict[str, Any]) -> None:
    pack = Pack(packed())
    parcel = pack.parcel(1024)
    assert parcel is not None
    assert pack.open(parcel, KEYS[OWNER]) == certificate()
    with pytest.raises(DamagedObjectError):
        pack.open(replace(parcel, **claim), KEYS[OWNER])


def test_a_parcel_belongs_to_one_tree() -> None:
    parcel = Pack(packed()).parcel(1024)
    assert parcel is not None
    elsewhere = PackPlace(root=b"\x12" * 32, size=1030, subtree=1)
    with pytest.raises(DamagedObjectError):
        Pack(packed(elsewhere)).open(parcel, KEYS[OWNER])


@given(st.integers(0, len(packed()) - 1), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(at: int, change: int) -> None:
    data = bytearray(packed())
    data[at] ^= change
    try:
        pack = Pack(bytes(data))
        opened = {p.position: pack.open(p, KEYS[p.certificate_id]) for p in pack.parcels()}
    except (DamagedObjectError, KeyError):  # KeyError: another certificate id
        return
    raise AssertionError(f"byte {at} was changed and {opened} came out")


@given(st.integers(0, len(packed()) - 1))
def test_a_part_of_a_pack_is_no_pack(length: int) -> None:
    with pytest.raises(DamagedObjectError):
        Pack(packed()[:length])


@given(st.binary(max_size=200))
def test_other_bytes_are_no_pack(data: bytes) -> None:
    with pytest.raises(DamagedObjectError):
        Pack(data)


def test_leaves_of_other_packs_are_not_here() -> None:
    for position in (0, 1023, 1030):
        with pytest.raises(IndexError):
            Pack(packed()).parcel(position)
    assert Pack(packed()).parcel(1025) is None
