"""Two hundred certificates of two laboratories, from one table to the verifier's verdict.

Everything that people do goes over HTTP to a server process with its signer process, its database
and a real chain; what they hold in the end is judged by `lancang-verify` in a process of its own.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from registry.certificates.tables.writing import rows_of, used_columns, write_table
from tests.support.registry_world import samples
from tests.support.served import PASSWORD, Person, Served, print_all, until
from verifier.core.field_policy import DocumentKind

pytestmark = [pytest.mark.chain, pytest.mark.slow]

EACH = 100  # certificates of a laboratory
AMENDED = 10
REVOKED = 12  # more than one person may
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
JSON = "application/json"


@dataclass
class Laboratory:
    """A laboratory with its people."""

    alias: str
    sample: int
    head: Person
    clerk: Person
    approver: Person
    ids: list[str] = field(default_factory=list)

    def documents(self) -> list[dict[str, Any]]:
        document = samples()["documents"][self.sample]
        return [
            copy.deepcopy(document) | {"number": f"E2E-{self.alias}-{at:03}"} for at in range(EACH)
        ]


def test_two_laboratories(registry: Served, tmp_path: Path) -> None:
    laboratories = staffed(registry)
    issue_from_one_table(laboratories)
    until(lambda: anchored(laboratories))
    dead = change(laboratories)
    until(lambda: anchored(laboratories) and known_to_be_dead(laboratories, dead))

    held = hold(registry, laboratories, tmp_path)
    assert len(held) == 2 * (EACH + AMENDED)
    tokens = registry.verify([each.token for each in held.values()], "--registry", registry.url)
    for identifier, report in zip(held, tokens, strict=True):
        assert words_of(report) == expected_words(dead.get(identifier)), held[identifier]
    # Reading a page does not depend on the database: beside one of them a sample is enough.
    beside = registry.environment["LANCANG_DATABASE_URL"].startswith("postgresql")
    printed = dict(islice(held.items(), 0, None, 10 if beside else 1))
    pages = registry.verify([each.page for each in printed.values()])
    for identifier, report in zip(printed, pages, strict=True):
        assert words_of(report) == expected_words(dead.get(identifier)), held[identifier]
    assert len(dead) == 2 * AMENDED + REVOKED + 1
    report = json.loads(registry.lancang("reconcile"))
    assert report["discrepancies"] == []
    assert "entries hold" in registry.lancang("audit", "verify")


def staffed(registry: Served) -> list[Laboratory]:
    """Let an accreditor appoint heads, and these the people of their laboratories."""
    registry.lancang(
        "people", "add", "accreditor", "--login", "accreditor", "--password-file", "-",
        typed=PASSWORD,
    )  # fmt: skip
    registry.lancang("people", "grant", "accreditor", "accreditor", "CN")
    accreditor = registry.sign_in("accreditor")
    found = []
    for sample, alias in enumerate(("demo-km", "demo-bm")):
        accreditor.appoint(f"{alias} head", "body_administrator", alias)
        head = registry.sign_in(f"{alias} head")
        for role in ("clerk", "approver"):
            head.appoint(f"{alias} {role}", role, alias)
        clerk, approver = (registry.sign_in(f"{alias} {role}") for role in ("clerk", "approver"))
        found.append(Laboratory(alias, sample, head, clerk, approver))
    # One desk types for both: that takes a role at each.
    registry.lancang("people", "grant", "demo-km clerk", "clerk", "demo-bm")
    return found


def issue_from_one_table(laboratories: Sequence[Laboratory]) -> None:
    """Import the certificates of both as one table; each is approved and signed at home."""
    content = table([document for each in laboratories for document in each.documents()])
    refused = laboratories[1].clerk.take_in(content, XLSX, expected=404)
    assert refused.json()["code"] == "body_not_found"
    ids = laboratories[0].clerk.take_in(content, XLSX).json()["ids"]
    assert len(ids) == 2 * EACH
    for at, each in enumerate(laboratories):
        each.ids += ids[at * EACH : (at + 1) * EACH]
        approval = f"/certificates/{each.ids[0]}/approval"
        tag = {"If-Match": '"x"'}
        each.clerk.ask("POST", approval, expected=403, headers=tag)
        laboratories[1 - at].approver.ask("POST", approval, expected=404, headers=tag)
        for identifier in each.ids:
            each.approver.issue(identifier)


def table(documents: Sequence[dict[str, Any]]) -> bytes:
    columns = used_columns(DocumentKind.TEST_CERTIFICATE, documents)
    rows = rows_of(documents, columns)
    return write_table(columns, rows, file_format="xlsx", language="zh")


def anchored(laboratories: Sequence[Laboratory]) -> bool:
    """Tell whether the last certificate of each laboratory stands in a final block."""
    receipts = [json.loads(each.approver.deliver(each.ids[-1])["receipt"]) for each in laboratories]
    return all(proof["anchor"] for receipt in receipts for proof in receipt["proofs"])


def change(laboratories: Sequence[Laboratory]) -> dict[str, str]:
    """Amend and revoke; return why which certificates are dead, by id."""
    dead = {}
    for each in laboratories:
        corrected = [amended(document) for document in each.documents()[:AMENDED]]
        new = each.clerk.take_in(json.dumps(corrected).encode(), JSON).json()["ids"]
        for identifier in new:
            each.approver.issue(identifier)
        dead |= dict.fromkeys(each.ids[:AMENDED], "superseded")
        each.ids += new
    first, second = laboratories
    many, one = first.ids[AMENDED : AMENDED + REVOKED], second.ids[AMENDED]
    order = {"act": "revoke", "reason": "error"}
    asked = {**order, "certificates": many}
    made = first.approver.ask("POST", "/status-requests", expected=201, json=asked).json()
    approval = f"/status-requests/{made['id']}/approval"
    first.approver.ask("POST", approval, expected=403)
    second.head.ask("POST", approval, expected=404)
    first.head.ask("POST", approval, expected=202)
    second.approver.ask("POST", f"/certificates/{one}/status-orders", expected=202, json=order)
    return dead | dict.fromkeys([*many, one], "revoked")


def amended(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document again, with another net mass."""
    consignment = document["consignment"] | {"net_mass": {"value": "18000", "unit": "kg"}}
    reason = {"en": "net mass corrected", "zh": "更正净重"}
    replaces = {"number": document["number"], "reason": reason}
    number = f"{document['number']}-A"
    return document | {
        "number": number, "revision": 2, "consignment": consignment, "replaces": replaces,
    }  # fmt: skip


def known_to_be_dead(laboratories: Sequence[Laboratory], dead: Collection[str]) -> bool:
    """Tell whether the chain shows the last order of each reason in a final block."""
    for each in laboratories:
        superseded, revoked = each.ids[AMENDED - 1], [i for i in each.ids if i in dead][-1]
        for identifier in (superseded, revoked):
            body = {"token": each.approver.deliver(identifier)["sdjwt"]}
            report = each.approver.ask("POST", "/verifications", expected=200, json=body).json()
            if report["overall"] != "not_valid":
                return False
    return True


@dataclass(frozen=True)
class Held:
    """The files that a holder has of one certificate."""

    stem: str
    token: Path
    page: Path


def hold(registry: Served, laboratories: Sequence[Laboratory], folder: Path) -> dict[str, Held]:
    """Print everything at the desks and fetch the tokens; return the files by id."""
    held = {}
    for each in laboratories:
        pages = print_all(registry, f"{each.alias} approver")
        assert len(pages) == len(each.ids)
        for identifier in each.ids:
            delivery = each.approver.deliver(identifier)
            stem = delivery["stem"]
            files = Held(stem, folder / f"{stem}.sdjwt", folder / f"{stem}.pdf")
            files.token.write_text(delivery["sdjwt"])
            files.page.write_bytes(pages[f"{stem}.pdf"])
            held[identifier] = files
    return held


def expected_words(dead: str | None) -> tuple[str, str]:
    return ("not_valid", dead) if dead else ("valid_with_notes", "ok")


def words_of(report: dict[str, Any]) -> tuple[str, str]:
    """Return the verdict and what was found of the status."""
    [status] = [line for line in report["lines"] if line["line"] == "not_revoked"]
    return report["overall"], status["code"]
