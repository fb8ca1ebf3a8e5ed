"""Rotation and compromise of keys, through commands, a real chain and the verifier."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from registry.anchoring.crew import crew, equip
from registry.certificates.contents import open_contents
from tests.support.installation import APPROVER, MAKER, Installed, installed
from tests.support.registry_world import samples

pytestmark = [pytest.mark.chain, pytest.mark.slow]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with (
        pytest.MonkeyPatch.context() as patch,
        installed(tmp_path_factory.mktemp("rotation") / "a home", patch) as installation,
    ):
        yield installation


def signed_by(report: dict[str, Any]) -> tuple[str, str]:
    line = report["lines"]["signed"]
    return line["status"], line["code"]


def anchored_at(report: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(report["anchor"]["time"])


def text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def body_of(installation: Installed) -> str:
    """Return the alias of the body of the first sample document."""
    issuer = samples()["documents"][0]["issuer"]
    return str(issuer["body"] if isinstance(issuer, dict) else issuer)


def test_a_rotation_with_overlap_and_then_a_compromise(  # noqa: PLR0915  (one story)
    installation: Installed,
) -> None:
    lab = body_of(installation)
    (first,) = installation.keys(lab)
    assert (first["state"], first["warnings"]) == ("in_use", [])
    before = installation.issue("ROT-1")
    installation.anchor()

    # Steps in the wrong order are refused and change nothing.
    assert "rotation_order" in installation.refused("keys", "rotate", lab)
    assert "rotation_order" in installation.refused("keys", "retire", first["thumbprint"])
    assert installation.keys(lab) == [first]

    # The next key is registered ahead, and not used yet.
    installation.run("keys", "register-next", lab)
    following, present = installation.keys(lab)
    assert (following["state"], present["state"]) == ("next", "in_use")
    assert following["on_chain_since"] is not None
    assert "rotation_order" in installation.refused("keys", "register-next", lab)
    waiting = installation.issue("ROT-2")

    # Both keys are valid through the overlap.
    installation.run("keys", "rotate", lab, "--overlap-days", 30)
    following, present = installation.keys(lab)
    assert (following["state"], present["state"]) == ("in_use", "overlap")
    after = installation.issue("ROT-3")
    installation.anchor()
    reports = [installation.verify(each) for each in (before, waiting, after)]
    assert [signed_by(report) for report in reports] == [("pass", "ok")] * 3
    assert {report["overall"] for report in reports} == {"valid_with_notes"}
    ends = datetime.fromisoformat(present["sign_until"])
    assert timedelta(days=29) < ends - datetime.now(tz=UTC) <= timedelta(days=30)
    assert datetime.fromisoformat(present["anchor_until"]) - ends == timedelta(days=1)

    # The earlier key ends; what it signed and anchored stays valid.
    assert "rotation_order" in installation.refused("keys", "retire", following["thumbprint"])
    installation.run("keys", "retire", present["thumbprint"][:12])
    assert [key["state"] for key in installation.keys(lab)] == ["in_use", "ended"]
    assert signed_by(installation.verify(before)) == ("pass", "ok")
    assert "0 acts on chain" in installation.run("keys", "apply")

    # Somebody else may have the new key since just after the last anchor.
    since = anchored_at(reports[2]) + timedelta(seconds=1)
    later = installation.issue("ROT-4")
    installation.anchor()
    assert signed_by(installation.verify(later)) == ("pass", "ok")
    report = installation.run(
        "keys", "compromised", following["thumbprint"], "--since", text(since), "--by", MAKER,
        "--remark", "laptop lost",
    )  # fmt: skip
    identifier = report.split("--confirm ")[1].split()[0]
    assert installation.keys(lab)[0]["state"] == "stopped"
    waits = installation.document("ROT-5")
    people = ("--maker", MAKER, "--approver", APPROVER)
    assert "no_signing_key" in installation.refused("issue", waits, *people)
    for same in (MAKER, MAKER.upper()):
        assert "reporter_decides" in installation.refused(
            "keys", "compromised", "--confirm", identifier, "--by", same
        )
    assert signed_by(installation.verify(later)) == ("pass", "ok")  # nothing is on chain yet
    installation.run("keys", "compromised", "--confirm", identifier, "--by", APPROVER)
    assert "key_report_decided" in installation.refused(
        "keys", "compromised", "--decline", identifier, "--by", APPROVER
    )

    # Earlier anchors stay valid with a note, later ones are not valid, other keys are untouched.
    assert installation.keys(lab)[0]["state"] == "compromised"
    earlier, late = installation.verify(after), installation.verify(later)
    assert signed_by(earlier) == ("note", "key_compromised_later")
    assert earlier["overall"] == "valid_with_notes"
    assert signed_by(late) == ("fail", "key_revoked")
    assert late["overall"] == "not_valid"
    assert signed_by(installation.verify(before)) == ("pass", "ok")

    # The way back to work: a next key, put to use at once.
    installation.run("keys", "register-next", lab)
    installation.run("keys", "rotate", lab)
    again = installation.issue("ROT-5")
    installation.anchor()
    assert signed_by(installation.verify(again)) == ("pass", "ok")

    # The moment can be moved further back, never forward.
    assert "unusable_key_report" in installation.refused(
        "keys", "compromised", following["thumbprint"], "--since",
        text(since + timedelta(seconds=1)), "--by", MAKER,
    )  # fmt: skip
    start = anchored_at(reports[0])
    report = installation.run(
        "keys", "compromised", following["thumbprint"], "--since", text(start), "--by", MAKER
    )
    identifier = report.split("--confirm ")[1].split()[0]
    installation.run("keys", "compromised", "--confirm", identifier, "--by", APPROVER)
    assert signed_by(installation.verify(after)) == ("fail", "key_revoked")


def test_a_declined_report_lets_the_key_sign_again(installation: Installed) -> None:
    lab = body_of(installation)
    key = next(each for each in installation.keys(lab, "statement") if each["state"] == "in_use")
    report = installation.run(
        "keys", "compromised", key["thumbprint"], "--since", "2026-01-01", "--by", MAKER
    )
    identifier = report.split("--confirm ")[1].split()[0]
    assert installation.keys(lab, "statement")[0]["warnings"] == ["report_waits", "nothing_in_use"]
    assert identifier in installation.attempt("keys", "list").stderr
    installation.run("keys", "compromised", "--decline", identifier, "--by", APPROVER)
    assert installation.keys(lab, "statement")[0] == key


def test_operators_follow_one_another(installation: Installed) -> None:
    roles = installation.keystore().roles()
    first = installation.issue("OPS-1")
    assert "unfinished writes" not in installation.run("anchor", "--wait")
    assert "the only operator" in installation.refused("keys", "retire-operator", "operator-1")

    # The next one is authorised ahead, and both anchor.
    said = installation.run("keys", "add-operator")
    assert "operator-2 may anchor" in said
    second = installation.issue("OPS-2")
    installation.anchor()
    installation.run("keys", "retire-operator", "operator-1")
    assert set(installation.keystore().roles()) == set(roles) - {"operator-1"} | {
        "operator-2",
        "retired-operator-1",
    }
    third = installation.issue("OPS-3")
    installation.anchor()

    # What the withdrawn account anchored keeps counting.
    for each in (first, second, third):
        assert installation.verify(each)["lines"]["time_stamped"]["status"] == "note"
        assert installation.verify(each)["overall"] == "valid_with_notes"
    # A repeated ceremony does not bring it back.
    installation.run("init")
    assert "operator-1" not in installation.keystore().roles()
    assert "no operator" in installation.refused("keys", "retire-operator", "operator-1")


def test_an_operator_is_lost_in_the_middle_of_a_batch(installation: Installed) -> None:
    (role,) = [name for name in installation.keystore().roles() if name.startswith("operator-")]
    before = installation.issue("LOST-1")
    installation.anchor()
    caught = installation.issue("LOST-2")
    seal_with(installation)

    # Withdrawn at once, though it is the only one; its batch waits for a person.
    installation.run("keys", "retire-operator", role, "--compromised")
    waiting = json.loads(installation.attempt("quarantine", "list", "--json").stdout)
    assert installation.verify(before)["overall"] == "valid_with_notes"

    # The leaves go back, and the next operator anchors them.
    assert "may anchor" in installation.run("keys", "add-operator")
    installation.run(
        "quarantine", "decide", waiting["id"], "abandon", "--by", APPROVER, "--reason", "withdrawn"
    )
    installation.anchor()
    for each in (before, caught):
        report = installation.verify(each)
        assert report["lines"]["time_stamped"]["status"] == "note"
        assert report["overall"] == "valid_with_notes"


def seal_with(installation: Installed) -> None:
    """Close what waits into a batch, and die before sending it."""
    database = installation.database
    contents = open_contents(installation.settings, database)
    equipment = equip(installation.settings, database, contents=contents)
    with crew(equipment, observer=lambda _event: None) as workers:
        for worker in workers:
            worker._seal(flush=True)
    database.dispose()
