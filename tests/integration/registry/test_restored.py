"""After a restore to an earlier time no place in a status list is given twice."""

from __future__ import annotations

import json
import secrets

from sqlalchemy import select

from registry.bodies.service import bodies
from registry.certificates.models import StatusEntryRow
from registry.certificates.positions import pass_over_open_lists
from tests.support.registry_world import World, samples


def places(world: World) -> set[tuple[bytes, int, int]]:
    with world.database.read() as session:
        rows = session.execute(
            select(StatusEntryRow.body_id, StatusEntryRow.list_number, StatusEntryRow.position)
        )
        return {(body, number, position) for body, number, position in rows}


def issue(world: World, first: int, count: int) -> None:
    documents = [json.loads(json.dumps(samples()["documents"][0])) for _ in range(count)]
    for number, document in enumerate(documents, start=first):
        document["number"] = f"RESTORED-{number}"
    world.issue(*documents)


def test_bodies_go_on_with_lists_that_nothing_was_drawn_from(world: World) -> None:
    issue(world, 0, 3)
    before = places(world)
    with world.database.begin() as session:
        known = [entry.body.id for entry in bodies(session)]
        pass_over_open_lists(session, known, choose=secrets.randbelow)
    issue(world, 3, 40)
    later = places(world) - before
    assert len(later) == 40
    begun = {(body, number) for body, number, _ in before}
    assert not begun & {(body, number) for body, number, _ in later}
    # The list after the newest may have been begun in the time that was lost.
    assert not {(body, number + 1) for body, number in begun} & {(b, n) for b, n, _ in later}
