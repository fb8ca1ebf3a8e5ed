"""Every act on a certificate leaves an entry in the audit trail."""

from __future__ import annotations

from registry.audit.domain import Entry
from registry.audit.repository import Filter
from registry.audit.service import entries, verify
from registry.certificates.delivery import note_delivery
from registry.certificates.domain import StatusAct
from registry.certificates.status_orders import order_status
from registry.kit.actor import Actor
from tests.support.registry_world import LI, WANG, World, samples
from verifier.checks.facts import RevocationReason


def acts_on(world: World, certificate_id: str) -> list[Entry]:
    asked = Filter(object=f"certificate:{certificate_id}")
    with world.database.read() as session:
        verify(session)
        return [link.entry for link in entries(session, asked)][::-1]


def test_the_life_of_a_certificate_is_attributable(world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    leaf = world.release(item.certificate_id, "customer")
    zhao = Actor("Zhao Liu")
    with world.database.begin() as session:
        order_status(
            session,
            item.certificate_id,
            StatusAct.REVOKE,
            reason=RevocationReason.FRAUD,
            actor=zhao,
            at=world.clock(),
        )
    delivery = world.deliver(item.certificate_id)
    with world.database.begin() as session:
        note_delivery(session, delivery, actor=zhao, at=world.clock())
    found = acts_on(world, item.certificate_id)
    assert [(entry.action, entry.actor) for entry in found] == [
        ("certificate.import", LI.name),
        ("certificate.approve", WANG.name),
        ("certificate.sign", WANG.name),
        ("certificate.release", WANG.name),
        ("status.revoke", zhao.name),
        ("certificate.deliver", zhao.name),
    ]
    body = delivery.certificate.parsed.credential.body
    assert {entry.tenant for entry in found} == {f"body:{body.hex()}"}
    by_action = {entry.action: entry.details for entry in found}
    assert by_action["certificate.import"] == by_action["certificate.approve"]
    assert by_action["certificate.sign"]["leaf"] == item.leaf.hex()
    assert by_action["certificate.release"]["leaf"] == leaf.hex()
    assert by_action["status.revoke"] == {"reason": "fraud"}


def test_what_is_repeated_or_refused_leaves_no_second_entry(world: World) -> None:
    document = samples()["documents"][0]
    [first] = world.draft(document)
    assert world.draft(document) == [first]
    assert [entry.action for entry in acts_on(world, first)] == ["certificate.import"]


def test_a_successor_revokes_in_the_name_of_its_approver(world: World) -> None:
    amended = samples()["documents"][2]
    original = amended | {"number": amended["replaces"]["number"], "revision": 1, "replaces": None}
    [old] = world.issue(original)
    world.issue(amended)
    assert [(entry.action, entry.actor) for entry in acts_on(world, old.certificate_id)][-1] == (
        "status.revoke",
        WANG.name,
    )


def test_founding_is_recorded(world: World) -> None:
    with world.database.read() as session:
        acts = {link.entry.action for link in entries(session, Filter())}
    assert acts == {"party.register", "body.register", "scope.publish", "key.register"}
