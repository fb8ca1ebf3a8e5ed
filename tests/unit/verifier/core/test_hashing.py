"""What becomes a leaf."""

from __future__ import annotations

from hashlib import sha256

import pytest

from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import leaf_digest, token_leaf


def test_leaf_of_the_empty_entry_is_that_of_rfc_9162() -> None:
    expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"

    assert leaf_digest(b"").hex() == expected


def test_leaf_of_a_token_covers_its_three_segments() -> None:
    assert token_leaf("eyJ.eyJ.c2ln") == sha256(b"\x00eyJ.eyJ.c2ln").digest()


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("eyJ.eyJ.c2ln~", id="compact form with its separator"),
        pytest.param("eyJ.eyJ.c2ln~WyJ4Il0~", id="disclosures left on it"),
        pytest.param("eyJ.eyJ", id="signature missing"),
        pytest.param("eyJ.eyJ.c2ln.c2ln", id="fourth segment"),
        pytest.param("eyJ.eyJ.c2ln\u0131", id="not ASCII"),
    ],
)
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(MalformedEvidenceError):
        token_leaf(token)
