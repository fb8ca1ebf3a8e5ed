"""Published status lists: what they hold, how often they are made, and what happens without."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from registry.kit import problems
from registry.status_lists.errors import StatusListNotFoundError, StatusListUnavailableError
from registry.status_lists.router import MEDIA_TYPE, router
from registry.status_lists.service import REFRESH, VALIDITY, StatusLists
from tests.support.registry_world import World, samples
from verifier.chain.source import StatusWords
from verifier.checks.facts import Head, KeyPurpose
from verifier.core.certificate import parse_certificate
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.status_list import StatusPurpose, list_urn, parse_status_list

REVOCATION, SUSPENSION = StatusPurpose.REVOCATION, StatusPurpose.SUSPENSION


@dataclass
class Ledger:
    """What the chain says, with a count of how often its words were read."""

    head_block: Head
    revoked: dict[int, int] = field(default_factory=dict)
    suspended: dict[int, int] = field(default_factory=dict)
    events: int = 0
    readings: int = 0
    alive: bool = True

    @contextmanager
    def open(self) -> Iterator[Ledger]:
        yield self

    def head(self) -> Head:
        if not self.alive:
            raise EvidenceUnavailableError("chain_unreachable", "no answer")
        return self.head_block

    def status_event_count(self, body_id: bytes) -> int:
        assert len(body_id) == 32
        return self.events

    def status_words(self, body_id: bytes, *, list_number: int, words: int) -> StatusWords:
        assert (len(body_id), list_number, words) == (32, 0, 512)
        self.readings += 1
        return StatusWords(revoked=dict(self.revoked), suspended=dict(self.suspended))

    def revoke(self, index: int) -> None:
        self.revoked[index // 256] = self.revoked.get(index // 256, 0) | 1 << index % 256
        self.events += 1


@dataclass
class Issued:
    """One certificate of the laboratory, by what its token says about its status."""

    world: World
    ledger: Ledger
    body: bytes
    index: int
    urn: str

    def lists(self, **parts: Any) -> StatusLists:
        given: dict[str, Any] = {
            "database": self.world.database,
            "open_ledger": self.ledger.open,
            "signer": self.world.signer,
            "clock": self.world.clock,
        }
        return StatusLists(**given | parts)

    def advance(self, step: timedelta) -> None:
        """Let time pass, and blocks with it."""
        self.world.clock.now += step
        head = self.ledger.head_block
        self.ledger.head_block = Head(
            chain_id=head.chain_id,
            block=head.block + 1,
            block_hash=bytes([head.block % 256]) * 32,
            time=int(self.world.clock().timestamp()),
        )


@pytest.fixture
def issued(world: World) -> Issued:
    [item] = world.issue(samples()["documents"][0])
    delivery = world.deliver(item.certificate_id)
    credential = parse_certificate(delivery.compact).credential
    now = int(world.clock().timestamp())
    return Issued(
        world=world,
        ledger=Ledger(Head(chain_id=31337, block=7, block_hash=bytes(32), time=now)),
        body=credential.body,
        index=credential.status.index,
        urn=list_urn(credential.body, credential.status.list_number, REVOCATION),
    )


def test_says_what_the_ledger_says_signed_by_the_body(issued: Issued) -> None:
    issued.ledger.revoke(issued.index)
    issued.ledger.suspended = {1: 1}

    lists = issued.lists()
    revoked = parse_status_list(lists.find(issued.body, 0, REVOCATION).token)
    suspended = parse_status_list(lists.find(issued.body, 0, SUSPENSION).token)

    [key] = [
        key.public_key
        for key in issued.world.signer.descriptions()
        if (key.body, key.purpose) == (issued.body, KeyPurpose.STATEMENT)
    ]
    assert revoked.jws.signed_by(key)
    assert suspended.jws.signed_by(key)
    assert revoked.content.urn == issued.urn
    assert revoked.content.find(issued.index)
    assert sum(octet.bit_count() for octet in revoked.content.bits) == 1
    assert suspended.content.find(256)
    assert (revoked.content.block, revoked.content.chain_id) == (7, 31337)


def test_the_chain_is_asked_once_for_many_readers(issued: Issued) -> None:
    lists = issued.lists()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: lists.find(issued.body, 0, REVOCATION).token, range(32)))

    assert len(set(found)) == 1
    assert issued.ledger.readings == 1


def test_a_list_without_changes_is_dated_anew_without_reading_it_again(issued: Issued) -> None:
    lists = issued.lists()
    first = lists.find(issued.body, 0, REVOCATION)
    issued.advance(REFRESH)
    second = lists.find(issued.body, 0, REVOCATION)

    assert (first.content.block, second.content.block) == (7, 8)
    assert first.content.bits == second.content.bits
    assert issued.ledger.readings == 1


def test_a_revocation_shows_when_the_list_is_made_again(issued: Issued) -> None:
    lists = issued.lists()
    assert lists.find(issued.body, 0, REVOCATION).content.find(issued.index) is False
    issued.ledger.revoke(issued.index)
    issued.advance(REFRESH - timedelta(seconds=1))
    assert lists.find(issued.body, 0, REVOCATION).content.find(issued.index) is False
    issued.advance(timedelta(seconds=1))
    assert lists.find(issued.body, 0, REVOCATION).content.find(issued.index) is True


def test_without_a_chain_the_last_list_serves_until_it_ends(issued: Issued) -> None:
    lists = issued.lists()
    first = lists.find(issued.body, 0, REVOCATION)
    issued.ledger.alive = False
    issued.world.clock.now += VALIDITY - timedelta(seconds=1)
    assert lists.find(issued.body, 0, REVOCATION) == first
    issued.world.clock.now += timedelta(seconds=1)
    with pytest.raises(StatusListUnavailableError, match="evidence_unavailable"):
        lists.find(issued.body, 0, REVOCATION)


@pytest.mark.parametrize("missing", ["open_ledger", "signer"])
def test_nothing_is_made_up_without_chain_or_signer(issued: Issued, missing: str) -> None:
    with pytest.raises(StatusListUnavailableError):
        issued.lists(**{missing: None}).find(issued.body, 0, REVOCATION)


def test_lists_that_do_not_exist(issued: Issued) -> None:
    lists = issued.lists()
    for body, number in ((bytes(32), 0), (issued.body, 1)):
        with pytest.raises(StatusListNotFoundError):
            lists.find(body, number, REVOCATION)


class TestHttp:
    def ask(self, issued: Issued, path: str, **headers: str) -> httpx.Response:
        app = FastAPI()
        app.state.status_lists = issued.lists()
        problems.install(app)
        app.include_router(router)

        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get(f"/v1/status-lists/{path}", headers=headers)

        return asyncio.run(call())

    def test_a_list_may_be_kept_and_asked_for_again(self, issued: Issued) -> None:
        path = f"{issued.body.hex()}/0"
        response = self.ask(issued, path)
        assert response.status_code == 200
        assert response.headers["content-type"] == MEDIA_TYPE
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["cache-control"] == "public, max-age=300"
        assert parse_status_list(response.text).content.purpose is REVOCATION

    def test_the_purpose_chooses(self, issued: Issued) -> None:
        response = self.ask(issued, f"{issued.body.hex()}/0?purpose=suspension")
        assert parse_status_list(response.text).content.purpose is SUSPENSION

    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("0" * 64 + "/0", 404, "status_list_not_found"),
            ("0" * 63 + "/0", 422, "malformed_request"),
            ("0" * 64 + "/4294967296", 422, "malformed_request"),
            ("0" * 64 + "/0?purpose=message", 422, "malformed_request"),
        ],
    )
    def test_problems(self, issued: Issued, path: str, status: int, code: str) -> None:
        response = self.ask(issued, path)
        assert (response.status_code, response.json()["code"]) == (status, code)

    def test_a_dead_chain_is_not_an_empty_list(self, issued: Issued) -> None:
        issued.ledger.alive = False
        response = self.ask(issued, f"{issued.body.hex()}/0")
        assert (response.status_code, response.json()["code"]) == (503, "status_list_unavailable")
