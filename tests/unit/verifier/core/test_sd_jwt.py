from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.disclosures import DisclosureError, decode, decoys, digest_of, disclose
from verifier.core.encoding import b64u
from verifier.core.errors import LimitExceededError
from verifier.core.limits import MAX_DISCLOSURES
from verifier.core.sd_jwt import Disclosable, issue, resolve


def salts(count: int) -> bytes:
    return hashlib.shake_128(b"salts").digest(16 * count)


def disclosure(*parts: object) -> str:
    return b64u(json.dumps(parts, ensure_ascii=False).encode())


def member(name: object, value: object, salt: str = "salt") -> str:
    return disclosure(salt, name, value)


NAMES = st.text(alphabet="abcd_.", min_size=1, max_size=3).filter(lambda name: name != "...")
SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | st.text(alphabet='xy…\\"', max_size=3)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner | inner.map(Disclosable), max_size=4)
        | st.dictionaries(NAMES, inner | inner.map(Disclosable), max_size=4)
    ),
    max_leaves=12,
)
CLAIMS = st.dictionaries(NAMES, TREES | TREES.map(Disclosable), max_size=5)


def plain(value: object, keep: Any = lambda _mark: True) -> Any:
    """Return a marked tree as it must come out when `keep` decides what is disclosed."""
    if isinstance(value, Disclosable):
        return plain(value.value, keep)
    if isinstance(value, dict):
        return {
            name: plain(inner, keep)
            for name, inner in value.items()
            if not isinstance(inner, Disclosable) or keep(inner)
        }
    if isinstance(value, list):
        return [
            plain(inner, keep)
            for inner in value
            if not isinstance(inner, Disclosable) or keep(inner)
        ]
    return value


def count_marks(value: object) -> int:
    if isinstance(value, Disclosable):
        return 1 + count_marks(value.value)
    if isinstance(value, dict):
        return sum(map(count_marks, value.values()))
    return sum(map(count_marks, value)) if isinstance(value, list) else 0


@given(CLAIMS, st.integers(0, 3))
def test_everything_disclosed_gives_the_claims_back(claims: dict[str, Any], more: int) -> None:
    marks = count_marks(claims)
    issued = issue(claims, salts=salts(marks + more), decoy_counts={(): more})

    resolved = resolve(issued.payload, issued.disclosures)

    assert resolved.claims == plain(claims)
    assert len(resolved.disclosed) == len(issued.disclosures) == marks
    assert sum(map(len, resolved.undisclosed.values())) == more


@given(CLAIMS, st.data())
def test_a_view_shows_what_it_discloses_and_nothing_else(
    claims: dict[str, Any], data: st.DataObject
) -> None:
    issued = issue(claims, salts=salts(count_marks(claims)))
    dropped = (
        data.draw(st.sets(st.sampled_from(issued.disclosures))) if issued.disclosures else set()
    )
    kept = [each for each in issued.disclosures if each not in dropped]

    try:
        resolved = resolve(issued.payload, kept)
    except DisclosureError as error:
        # An inner disclosure came without the outer one that holds its digest.
        assert error.reason == "disclosure_unmatched"  # noqa: PT017
        return
    shown = {digest for digest, _ in resolved.disclosed.values()}
    assert shown == {digest_of(each) for each in kept}
    if not kept:
        assert resolved.claims == plain(claims, keep=lambda _mark: False)


@given(CLAIMS.filter(count_marks), st.data())
def test_a_changed_disclosure_never_passes(claims: dict[str, Any], data: st.DataObject) -> None:
    issued = issue(claims, salts=salts(count_marks(claims)))
    at = data.draw(st.integers(0, len(issued.disclosures) - 1))
    text = issued.disclosures[at]
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABab01-_").filter(lambda each: each != text[place]))
    changed = text[:place] + letter + text[place + 1 :]

    with pytest.raises(DisclosureError) as caught:
        resolve(issued.payload, [changed if each == text else each for each in issued.disclosures])
    assert caught.value.finding in {"altered", "undisclosed_digest"}


@given(CLAIMS)
def test_issuing_depends_on_its_arguments_alone(claims: dict[str, Any]) -> None:
    count = count_marks(claims)

    assert issue(claims, salts=salts(count)) == issue(claims, salts=salts(count))


def test_digests_are_sorted_and_decoys_among_them() -> None:
    claims = {f"m{at}": Disclosable(at) for at in range(9)}
    issued = issue(claims, salts=salts(12), decoy_counts={(): 3})

    digests = issued.payload["_sd"]

    assert isinstance(digests, list)
    assert len(digests) == 12
    assert digests == sorted(digests, key=str)
    assert set(decoys(salts(12)[9 * 16 :])) < set(digests)


def test_many_disclosures_are_encoded_as_one_by_one() -> None:
    tails = [b'"a",1]', '"é","…"]'.encode(), b'{"x":[]}]']

    together = disclose(tails, salts(3))
    one_by_one = [
        disclose([tail], salts(3)[16 * at : 16 * at + 16]) for at, tail in enumerate(tails)
    ]

    assert together[0] == [each[0][0] for each in one_by_one]
    assert together[1] == [digest_of(text) for text in together[0]]
    with pytest.raises(ValueError, match="need 48 bytes"):
        disclose(tails, salts(2))


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"_sd": 1}, id="reserved name"),
        pytest.param({"a": {"...": 1}}, id="reserved name inside"),
        pytest.param({"a": 1.5}, id="a binary fraction"),
        pytest.param({"a": [object()]}, id="no JSON"),
    ],
)
def test_claims_that_cannot_be_issued(claims: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (each has its own message)
        issue(claims, salts=b"")


def test_salts_must_be_exactly_enough() -> None:
    for count in (0, 2):
        with pytest.raises(ValueError, match="salt"):
            issue({"a": Disclosable(1)}, salts=salts(count))
    with pytest.raises(ValueError, match="no object at"):
        issue({"a": 1}, salts=salts(1), decoy_counts={("b",): 1})


GOOD = member("a", 1)
DIGEST = digest_of(GOOD)
ELEMENT = disclosure("salt", "value")
NESTING = disclosure("salt", "outer", {"_sd": [DIGEST]})


@pytest.mark.parametrize(
    ("payload", "disclosures", "reason"),
    [
        pytest.param({"_sd": []}, [GOOD], "disclosure_unmatched", id="belongs to no digest"),
        pytest.param({"_sd": [DIGEST]}, [GOOD, GOOD], "disclosure_duplicate", id="given twice"),
        pytest.param({"_sd": [DIGEST, DIGEST]}, [GOOD], "digest_duplicate", id="digest twice"),
        pytest.param({"_sd": [DIGEST, DIGEST]}, [], "digest_duplicate", id="undisclosed twice"),
        pytest.param(
            {"_sd": [DIGEST], "b": {"_sd": [DIGEST]}}, [GOOD], "digest_duplicate",
            id="digest in two places",
        ),
        pytest.param(
            {"_sd": [DIGEST, digest_of(NESTING)]}, [GOOD, NESTING], "digest_duplicate",
            id="digest again inside a disclosure",
        ),
        pytest.param({"_sd": [DIGEST], "a": 2}, [GOOD], "claim_collision", id="name exists"),
        pytest.param(
            {"_sd": [DIGEST, digest_of(member("a", 2))]}, [GOOD, member("a", 2)],
            "claim_collision", id="two disclosures of one name",
        ),
        pytest.param(
            {"_sd": [digest_of(member("_sd", 1))]}, [member("_sd", 1)], "reserved_name", id="_sd"
        ),
        pytest.param(
            {"_sd": [digest_of(member("...", 1))]}, [member("...", 1)], "reserved_name", id="dots"
        ),
        pytest.param(
            {"_sd": [digest_of(ELEMENT)]}, [ELEMENT], "disclosure_malformed",
            id="an element among members",
        ),
        pytest.param(
            {"a": [{"...": DIGEST}]}, [GOOD], "disclosure_malformed", id="a member in an array"
        ),
        pytest.param({"_sd": DIGEST}, [], "sd_malformed", id="_sd is text"),
        pytest.param({"_sd": {"a": DIGEST}}, [], "sd_malformed", id="_sd is an object"),
        pytest.param({"_sd": None}, [], "sd_malformed", id="_sd is null"),
        pytest.param({"_sd": [1]}, [], "sd_malformed", id="a digest is a number"),
        pytest.param({"_sd": [[DIGEST]]}, [], "sd_malformed", id="a digest is a list"),
        pytest.param({"a": {"...": DIGEST}}, [], "sd_malformed", id="dots in an object"),
        pytest.param({"...": DIGEST}, [], "sd_malformed", id="dots at the top"),
        pytest.param({"a": [{"...": DIGEST, "b": 1}]}, [], "sd_malformed", id="dots not alone"),
        pytest.param({"a": [{"...": [DIGEST]}]}, [], "sd_malformed", id="dots hold a list"),
        pytest.param({"_sd_alg": "sha-512"}, [], "sd_alg", id="another hash function"),
        pytest.param({"_sd_alg": None}, [], "sd_alg", id="no hash function"),
    ],
)  # fmt: skip
def test_misfits_have_a_stable_reason(payload: Any, disclosures: list[str], reason: str) -> None:
    with pytest.raises(DisclosureError) as caught:
        resolve(payload, disclosures)

    assert caught.value.reason == reason
    unmatched = reason == "disclosure_unmatched"
    assert caught.value.finding == ("undisclosed_digest" if unmatched else "altered")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("AA==", id="padded"),
        pytest.param("é", id="not ASCII"),
        pytest.param(b64u(b"{}"), id="an object"),
        pytest.param(b64u(b"[]"), id="an empty array"),
        pytest.param(b64u(b'[1,"a",1]'), id="salt is a number"),
        pytest.param(b64u(b'["s","a",1.5]'), id="a binary fraction"),
        pytest.param(b64u(b'["s","a",1]x'), id="something behind"),
        pytest.param(b64u(b'["s","a",{"b":1,"b":2}]'), id="a name twice"),
        pytest.param(b64u(b"\xff"), id="not UTF-8"),
        pytest.param(disclosure("s", "a", 1, 2), id="four parts"),
        pytest.param(disclosure("s"), id="one part"),
        pytest.param(disclosure("s", 1, 1), id="name is a number"),
    ],
)
def test_malformed_disclosures_have_one_reason(text: str) -> None:
    digest = b64u(hashlib.sha256(text.encode()).digest())
    with pytest.raises(DisclosureError) as caught:
        resolve({"_sd": [digest]}, [text])
    assert caught.value.reason == "disclosure_malformed"


def test_a_name_hidden_by_an_escape_is_still_found() -> None:
    hidden = b64u(('["s","outer",{"\\u005fsd":["' + DIGEST + '"]}]').encode())

    resolved = resolve({"_sd": [digest_of(hidden)]}, [hidden, GOOD])

    assert resolved.claims == {"outer": {"a": 1}}


def test_a_chain_of_nested_disclosures_is_bounded() -> None:
    inner = GOOD
    chain = [inner]
    for _ in range(40):
        inner = disclosure("salt", "a", {"_sd": [digest_of(inner)]})
        chain.append(inner)

    with pytest.raises(LimitExceededError):
        resolve({"_sd": [digest_of(inner)]}, chain)


def test_the_number_of_disclosures_is_bounded() -> None:
    with pytest.raises(LimitExceededError):
        decode(["AAAA"] * (MAX_DISCLOSURES + 1))
    assert decode([]) == {}
