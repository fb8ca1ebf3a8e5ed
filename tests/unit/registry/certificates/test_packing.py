"""Packed certificates come back byte for byte, or are not packed at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.certificates.packing import (
    SEED_BYTES,
    Dictionary,
    NotPackableError,
    PackDamagedError,
    expand_salts,
    frame_text,
    pack,
    unpack,
)
from registry.certificates.packing_dictionaries import dictionaries, newest
from scripts.train_dictionary import content_of
from tests.support.certificates import SIGNER, STATUS, sample_documents, sample_issuer
from tests.support.varied_documents import varied_documents
from verifier.core.certificate import issue_certificate
from verifier.core.document import parse_document

SEED = bytes(range(SEED_BYTES))
CONTENTS = [content_of(document) for document in sample_documents()]


@pytest.mark.parametrize(("content", "known"), CONTENTS)
def test_every_sample_comes_back(content: Any, known: Any) -> None:
    record = pack(content, known, dictionary=newest(), seed=None)
    assert unpack(record, known, dictionaries=dictionaries()) == content
    without = replace(content, summary=None)
    record = pack(without, known, dictionary=newest(), seed=None)
    assert unpack(record, known, dictionaries=dictionaries()) == without


@pytest.mark.parametrize("position", range(4))
def test_a_seed_takes_the_place_of_salts_and_decoys(position: int) -> None:
    document = sample_documents()[position]
    content, known = CONTENTS[position]
    checked = parse_document(document)
    seeded = issue_certificate(
        checked, issuer=sample_issuer(document), status=STATUS, issued_at=1_770_804_600,
        credential_id=f"urn:uuid:{known.certificate_id}", signer=SIGNER,
        salts=expand_salts(SEED, checked.template.salt_bytes),
    )  # fmt: skip
    content = replace(content, jwt=seeded.jwt, disclosures=seeded.disclosures, summary=None)
    short = pack(content, known, dictionary=newest(), seed=SEED)
    assert unpack(short, known, dictionaries=dictionaries()) == content
    salts = 16 * len(seeded.disclosures) + 32 * checked.template.decoys
    assert len(pack(content, known, dictionary=newest(), seed=None)) == len(short) - 32 + salts


def test_another_seed_is_not_packed() -> None:
    content, known = CONTENTS[0]
    with pytest.raises(NotPackableError):
        pack(content, known, dictionary=newest(), seed=SEED)


def test_salts_of_two_seeds_have_nothing_in_common() -> None:
    first, second = expand_salts(SEED, 1600), expand_salts(bytes(SEED_BYTES), 1600)
    salts = {data[at : at + 16] for data in (first, second) for at in range(0, 1600, 16)}
    assert len(salts) == 200
    assert expand_salts(SEED, 160) == first[:160]


@given(st.data())
def test_a_changed_record_is_an_error_or_another_certificate(data: st.DataObject) -> None:
    content, known = CONTENTS[data.draw(st.integers(0, 3))]
    record = bytearray(pack(content, known, dictionary=newest(), seed=None))
    at = data.draw(st.integers(0, len(record) - 1))
    record[at] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        del record[at:]
    try:
        found = unpack(bytes(record), known, dictionaries=dictionaries())
    except PackDamagedError:
        return
    # A digest, a salt or the signature: the leaf tells, which whoever reads compares.
    assert found != content


@given(st.sampled_from(["jwt", "disclosures", "both"]), st.text(max_size=8), st.data())
def test_what_is_written_otherwise_is_not_packed(part: str, text: str, data: st.DataObject) -> None:
    content, known = CONTENTS[0]
    if part != "disclosures":
        at = data.draw(st.integers(0, len(content.jwt)))
        content = replace(content, jwt=content.jwt[:at] + text + content.jwt[at:])
    if part != "jwt":
        content = replace(content, disclosures=(*content.disclosures[1:], text))
    try:
        record = pack(content, known, dictionary=newest(), seed=None)
    except NotPackableError:
        return
    assert unpack(record, known, dictionaries=dictionaries()) == content


def test_a_record_needs_the_dictionary_that_packed_it() -> None:
    content, known = CONTENTS[0]
    later = Dictionary(2, frame_text(content, known) * 4)
    record = pack(content, known, dictionary=later, seed=None)
    with pytest.raises(PackDamagedError):
        unpack(record, known, dictionaries=dictionaries())
    both = {**dictionaries(), 2: later}
    assert unpack(record, known, dictionaries=both) == content


def test_documents_that_the_dictionary_never_saw_stay_small() -> None:
    sizes = [
        len(pack(*content_of(document), dictionary=newest(), seed=None))
        - 32 * 15 - 16 * 41  # salts and decoys that a seed replaces
        for document in varied_documents(12, seed=77, prefix="UNSEEN")
    ]  # fmt: skip
    assert sum(sizes) / len(sizes) < 600
