"""Where keys stand, and the warnings that people act on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from registry.bodies.domain import BodyKey
from registry.bodies.key_states import ROTATE_AFTER, WARN_BEFORE, KeyState, KeyWarning, standing
from verifier.checks.facts import KeyPurpose
from verifier.core.keys import Algorithm, PublicKey

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
DAY = timedelta(days=1)
POINTS = [
    Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))
    .public_key()
    .public_bytes(Encoding.Raw, PublicFormat.Raw)
    for number in range(6)
]


def key(number: int, **changes: datetime | None) -> BodyKey:
    """A key in use since ten days, unless said otherwise."""
    plain = BodyKey(
        body=bytes(32),
        purpose=KeyPurpose.CERTIFICATE,
        public_key=PublicKey(Algorithm.EDDSA, POINTS[number]),
        on_chain_since=NOW - 10 * DAY,
        use_from=NOW - 10 * DAY,
        sign_until=None,
        revoked_at=None,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def states(*keys: BodyKey) -> list[KeyState]:
    return [each.state for each in standing(keys, at=NOW)]


def warnings(*keys: BodyKey) -> list[tuple[KeyWarning, ...]]:
    return [each.warnings for each in standing(keys, at=NOW)]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, KeyState.IN_USE),
        ({"on_chain_since": None}, KeyState.MADE),
        ({"on_chain_since": NOW + DAY}, KeyState.MADE),
        ({"use_from": None}, KeyState.NEXT),
        ({"use_from": NOW + DAY}, KeyState.NEXT),
        ({"use_from": NOW}, KeyState.IN_USE),
        ({"sign_until": NOW}, KeyState.ENDED),
        ({"sign_until": NOW + DAY}, KeyState.IN_USE),
        ({"stopped_at": NOW - DAY}, KeyState.STOPPED),
        ({"revoked_at": NOW}, KeyState.REVOKED),
        ({"revoked_at": NOW, "compromised_since": NOW - DAY}, KeyState.COMPROMISED),
    ],
)
def test_where_a_key_stands(changes: dict[str, datetime | None], state: KeyState) -> None:
    assert states(key(1, **changes)) == [state]


def test_the_one_that_was_put_to_use_last_is_in_use() -> None:
    older, newer = key(1), key(2, use_from=NOW - DAY)
    assert states(older, newer) == [KeyState.OVERLAP, KeyState.IN_USE]
    stopped = replace(newer, stopped_at=NOW)
    assert states(older, stopped) == [KeyState.IN_USE, KeyState.STOPPED]


def test_duties_do_not_mix() -> None:
    other = replace(key(2, use_from=NOW - DAY), purpose=KeyPurpose.SUMMARY)
    co_signing = replace(key(3, use_from=NOW - DAY), public_key=PublicKey(Algorithm.SM2, SM2_POINT))
    assert states(key(1), other, co_signing) == [KeyState.IN_USE] * 3


SM2_POINT = bytes.fromhex(  # GB/T 32918.5, the generator
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)


def test_warnings() -> None:
    soon = NOW + WARN_BEFORE
    assert warnings(key(1)) == [()]
    assert warnings(key(1, sign_until=soon)) == [(KeyWarning.ENDS_WITHOUT_NEXT,)]
    assert warnings(key(1, sign_until=soon + DAY)) == [()]
    assert warnings(key(1, sign_until=soon), key(2, use_from=None)) == [(), ()]
    assert warnings(key(1, use_from=NOW - ROTATE_AFTER)) == [(KeyWarning.ROTATION_DUE,)]
    assert warnings(key(1, sign_until=NOW)) == [(KeyWarning.NOTHING_IN_USE,)]
    assert warnings(key(1, on_chain_since=None)) == [(KeyWarning.NOT_ON_CHAIN,)]
    assert warnings(key(1, stopped_at=NOW)) == [
        (KeyWarning.REPORT_WAITS, KeyWarning.NOTHING_IN_USE)
    ]


WINDOWS = ("on_chain_since", "use_from", "sign_until", "revoked_at", "stopped_at")
MOMENTS = st.one_of(st.none(), st.integers(-40, 40).map(lambda days: NOW + days * DAY))


@given(
    st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(WINDOWS, MOMENTS)
        ),
        min_size=1,
        max_size=5,
    )
)  # fmt: skip
def test_at_most_one_is_in_use_and_only_if_it_may_sign(
    described: list[dict[str, datetime | None]],
) -> None:
    keys = [key(number, **changes) for number, changes in enumerate(described)]
    found = standing(keys, at=NOW)
    in_use = [each.key for each in found if each.state is KeyState.IN_USE]
    signing = {KeyState.IN_USE, KeyState.OVERLAP}
    assert len(in_use) == min(1, sum(each.may_sign(NOW) for each in keys))
    for each in found:
        assert (each.state in signing) == each.key.may_sign(NOW)
