"""Every byte of a token, a code and a receipt changed in turn: never genuine again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.evidence_builders import (
    Evidence,
    World,
    durian,
    smallest_record,
    trust_profile,
)
from verifier.checks.verdict import Overall
from verifier.report import Report
from verifier.service import Submission, verify

GENUINE = {Overall.VALID, Overall.VALID_WITH_NOTES}
PROFILE = trust_profile()


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def evidence(world: World) -> Evidence:
    return world.issue(smallest_record())


@pytest.fixture(scope="module")
def full(world: World) -> Evidence:
    return world.issue(durian())


def check(world: World, submission: Submission, *, online: bool = False) -> Report:
    return verify(
        submission,
        world.question(),
        profile=PROFILE,
        source=world.source,
        registry=world.registry if online else None,
    )


# Every position takes seconds; the quick selection takes every seventh.
STEPS = [pytest.param(7, id="every seventh"), pytest.param(1, id="every", marks=pytest.mark.slow)]


def flipped(text: str, *, start: int = 0, step: int = 1) -> Iterator[tuple[int, str]]:
    """Yield the text with one bit of one character changed, another bit at every position."""
    for at in range(start, len(text), step):
        yield at, f"{text[:at]}{chr(ord(text[at]) ^ (1 << at % 6))}{text[at + 1 :]}"


def test_untouched_they_are_valid(world: World, evidence: Evidence) -> None:
    assert check(world, evidence.submission()).overall is Overall.VALID
    assert check(world, Submission(receipts=(evidence.receipt_bytes(),))).overall is Overall.VALID
    for text in (evidence.offline_code, evidence.link_code):
        report = check(world, Submission(codes=(text,)), online=True)
        assert report.overall is Overall.VALID_WITH_NOTES


@pytest.mark.parametrize("step", STEPS)
def test_every_byte_of_a_token(world: World, evidence: Evidence, step: int) -> None:
    for at, forged in flipped(evidence.sdjwt, step=step):
        report = check(world, Submission(token=forged), online=True)

        assert report.overall in (Overall.NOT_VALID, Overall.NOT_OURS), at
        assert report.as_json()["document"] is None


@pytest.mark.parametrize("kind", ["offline_code", "link_code"])
def test_every_byte_of_the_payload_of_a_code(world: World, evidence: Evidence, kind: str) -> None:
    text: str = getattr(evidence, kind)

    for at, forged in flipped(text, start=text.index("#")):
        report = check(world, Submission(codes=(forged,)), online=True)

        assert report.overall not in GENUINE, at


@pytest.mark.parametrize("kind", ["offline_code", "link_code"])
def test_every_byte_of_the_address_before_it(world: World, evidence: Evidence, kind: str) -> None:
    """The address decides nothing: another host is named in a warning, anything else is foreign."""
    text: str = getattr(evidence, kind)
    genuine = check(world, Submission(codes=(text,)), online=True)

    for _, forged in flipped(text[: text.index("#")]):
        report = check(world, Submission(codes=(forged + text[text.index("#") :],)), online=True)

        if report.overall in GENUINE:
            assert report.canonical() == genuine.canonical()
            assert report.warnings != genuine.warnings


@pytest.mark.parametrize("step", STEPS)
def test_every_byte_of_a_receipt(world: World, evidence: Evidence, step: int) -> None:
    data = evidence.receipt_bytes()

    for at in range(0, len(data), step):
        forged = data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]
        report = check(world, Submission(receipts=(forged,)))

        assert report.overall in (Overall.NOT_VALID, Overall.NOT_OURS), at


def test_every_length_of_a_token(world: World, evidence: Evidence) -> None:
    """Cut at a "~" it is a view; cut anywhere else it is nothing."""
    for length in range(len(evidence.sdjwt)):
        report = check(world, Submission(token=evidence.sdjwt[:length]), online=True)

        assert report.overall is not Overall.VALID, length


@given(data=st.data())
def test_any_byte_of_a_full_certificate(data: st.DataObject, world: World, full: Evidence) -> None:
    at = data.draw(st.integers(0, len(full.sdjwt) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda char: char != full.sdjwt[at]))
    forged = full.sdjwt[:at] + other + full.sdjwt[at + 1 :]

    assert check(world, replace(full.submission(), token=forged)).overall not in GENUINE


@given(
    token=st.none() | st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_.~-]*"),
    receipts=st.lists(st.binary(max_size=60), max_size=2),
    codes=st.lists(
        st.text(max_size=60) | st.from_regex(r"https://[a-z.]{1,9}/[co]#[A-Za-z0-9_&=-]{0,60}"),
        max_size=2,
    ),
)
def test_nothing_that_is_handed_over_raises(
    world: World, token: str | None, receipts: list[bytes], codes: list[str]
) -> None:
    submission = Submission(token=token, receipts=tuple(receipts), codes=tuple(codes))

    report = check(world, submission, online=True)

    assert report.overall not in GENUINE
    assert report.canonical()
