"""Many signatures are asked for in few messages, each of which fits."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from registry.signing.description import SigningContext, SigningRequest
from registry.signing.protocol import MAX_FRAME_BYTES, fitting_parts
from verifier.core.strict_json import JsonObject, canonical_json

PERSON = "\U0001f600" * 200


@given(st.lists(st.integers(1, 400_000), max_size=12))
def test_parts_keep_the_order_and_fit_a_message(sizes: list[int]) -> None:
    context = SigningContext(maker=PERSON, approver=PERSON)
    requests = [
        SigningRequest(bytes(32), bytes(size * 3 // 4), context).to_json() for size in sizes
    ]
    parts = list(fitting_parts(requests))
    assert [each for part in parts for each in part] == requests
    for part in parts:
        message: JsonObject = {"act": "sign_many", "requests": [*part]}
        assert len(canonical_json(message)) <= MAX_FRAME_BYTES
        assert part
    for first, second in pairwise(parts):
        together = sum(len(canonical_json(each)) + 3 * 1024 for each in (*first, second[0]))
        assert together > MAX_FRAME_BYTES  # no message more than needed
