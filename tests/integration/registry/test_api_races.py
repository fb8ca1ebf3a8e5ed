"""Races over HTTP: one approval, one effect of a repeated request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from registry.access.domain import Role
from registry.certificates.domain import StatusAct
from registry.certificates.models import ApprovalRow, CertificateRow, StatusOrderRow
from registry.idempotency.models import AnsweredRequestRow
from registry.kit.actor import Actor
from registry.safeguards.domain import ALONE
from registry.safeguards.errors import SecondApproverNeededError
from registry.safeguards.models import BulkRevocationApprovalRow
from registry.safeguards.orders import order_few
from tests.support.desk import add_person, bearer, call, tenant
from tests.support.registry_world import LI, WANG, World, samples
from tests.support.web import make_app
from verifier.checks.facts import RevocationReason

_T = TypeVar("_T")


@pytest.fixture
def app(world: World) -> FastAPI:
    home = tenant(world, "demo-km")
    add_person(world, "li", [(Role.CLERK, home)])
    for name in ("wang", "chen"):
        add_person(world, name, [(Role.APPROVER, home)])
    return make_app(world, signer=world.signer)


def together(*works: Callable[[], _T]) -> list[_T]:
    """Run works at the same moment."""
    barrier = threading.Barrier(len(works))

    def begin(work: Callable[[], _T]) -> _T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))


def count(world: World, model: type[Any]) -> int:
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_two_approvers_race_for_one_draft(world: World, app: FastAPI) -> None:
    [identifier] = world.draft(samples()["documents"][0])
    path = f"/v1/certificates/{identifier}"
    tag = call(app, "GET", path, headers=bearer(app, "wang")).headers["etag"]

    def approval(who: str) -> Callable[[], int]:
        headers = {**bearer(app, who), "If-Match": tag}
        return lambda: call(app, "POST", f"{path}/approval", headers=headers).status_code

    codes = together(approval("wang"), approval("chen"))
    assert sorted(codes)[0] == 204
    assert sorted(codes)[1] in (409, 412)
    assert count(world, ApprovalRow) == 1


def test_copies_of_one_request_have_one_effect(world: World, app: FastAPI) -> None:
    headers = {**bearer(app, "li"), "Idempotency-Key": "import-0001"}
    body = {"import": 1, "documents": [samples()["documents"][0]]}

    def send() -> tuple[int, bytes]:
        answer = call(app, "POST", "/v1/certificates/imports", headers=headers, json=body)
        return answer.status_code, answer.content

    answers = together(*[send] * 4)
    assert {status for status, _ in answers} == {201}
    assert len({content for _, content in answers}) == 1
    assert count(world, CertificateRow) == 1
    assert count(world, AnsweredRequestRow) == 1


def test_lists_and_the_life_of_a_draft(world: World, app: FastAPI) -> None:
    world.draft(*(samples()["documents"][0] | {"number": f"N-{at}"} for at in range(3)))
    headers = bearer(app, "wang")
    first = call(app, "GET", "/v1/certificates?limit=2", headers=headers).json()
    query = {"limit": "2", "after": first["next"]}
    second = call(app, "GET", "/v1/certificates", headers=headers, params=query).json()
    numbers = [item["number"] for item in first["items"] + second["items"]]
    assert sorted(numbers) == ["N-0", "N-1", "N-2"]
    identifier = first["items"][0]["id"]
    path = f"/v1/certificates/{identifier}"
    tag = call(app, "GET", path, headers=headers).headers["etag"]
    match = {**headers, "If-Match": tag}
    sent = {"remarks": "check result 1"}
    assert call(app, "POST", f"{path}/return", headers=match, json=sent).status_code == 204
    assert call(app, "POST", f"{path}/approval", headers=match).status_code == 409
    desk = call(app, "GET", "/metrics")
    assert "lancang_queue_leaves 0" in desk.text


def issued(world: World, count: int) -> list[str]:
    document = samples()["documents"][0]
    made = world.issue(*({**document, "number": f"N-{at}"} for at in range(count)))
    return [each.certificate_id for each in made]


def test_two_approvers_race_for_one_request(world: World, app: FastAPI) -> None:
    add_person(world, "zhao", [(Role.APPROVER, tenant(world, "demo-km"))])
    body = {"act": "revoke", "reason": "error", "certificates": issued(world, 3)}
    path = "/v1/status-requests"
    made = call(app, "POST", path, headers=bearer(app, "zhao"), json=body).json()

    def approval(who: str) -> Callable[[], int]:
        headers = bearer(app, who)
        return lambda: (
            call(app, "POST", f"{path}/{made['id']}/approval", headers=headers).status_code
        )

    assert sorted(together(approval("wang"), approval("chen"))) == [202, 409]
    assert count(world, StatusOrderRow) == 3
    assert count(world, BulkRevocationApprovalRow) == 1


def test_two_people_at_once_do_not_get_past_the_limit(world: World) -> None:
    identifiers = issued(world, ALONE + 1)

    def revoke(session: Session, chosen: list[str], actor: Actor) -> None:
        order_few(
            session, chosen, StatusAct.REVOKE,
            reason=RevocationReason.ERROR, actor=actor, at=world.clock(),
        )  # fmt: skip

    def revoke_one_more() -> None:
        with world.database.begin() as session:
            revoke(session, identifiers[ALONE:], WANG)

    with ThreadPoolExecutor(1) as pool:
        with world.database.begin() as session:
            revoke(session, identifiers[:ALONE], LI)
            later = pool.submit(revoke_one_more)
            wait_until_blocked(world)
        with pytest.raises(SecondApproverNeededError):
            later.result()
    assert count(world, StatusOrderRow) == ALONE


def wait_until_blocked(world: World) -> None:
    """Return once a transaction waits for another one; on SQLite none even begins beside one."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    if world.database.engine.dialect.name == "sqlite":
        return
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with world.database.read() as session:
            if session.scalar(waiting):
                return
        time.sleep(0.01)
    pytest.fail("nobody waits")
