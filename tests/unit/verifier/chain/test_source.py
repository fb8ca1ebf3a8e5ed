"""Facts from the chain: what a quorum says is believed, and nothing else is."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.rpc_node import (
    LEDGER,
    NOW,
    OPERATOR,
    REGISTRY,
    Generation,
    RpcNodeDouble,
    block_hash,
    generation_document,
    profile_for,
    reply,
    time_of,
    transport,
)
from verifier.chain import rpc
from verifier.chain.source import RpcTrustSource
from verifier.checks.facts import BodyKind, BodyState, KeyPurpose, StatusEvent
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.ids import body_id, party_bytes32
from verifier.core.keys import Algorithm, PublicKey

DID = "did:web:lab.example"
BODY = body_id("CN", DID)
KEY = PublicKey(
    Algorithm.EDDSA,
    Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().public_bytes_raw(),
)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
ROOT = hashlib.sha256(b"root").digest()
LEAF = hashlib.sha256(b"leaf").digest()
INDEX = 1000  # word 3, bit 232
WORD, MASK = 3, 1 << 232


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once."""
    monkeypatch.setattr(rpc, "_PAUSE_SECONDS", 0)


def dossier(**body: Any) -> tuple[Any, ...]:
    """Return the on-chain dossier of a laboratory."""
    fields = {"party": party_bytes32("CN"), "kind": 1, "registered": 1000, "did": DID} | body
    return (
        (b"CN", OPERATOR, 900, 0, bytes(32)),
        (fields["party"], OPERATOR, fields["kind"], fields["registered"], fields["did"]),
        [(1, 1000, 1000), (2, 1500, 2000)],
        [(b"\x07" * 32, 500, 0, 1000)],
    )


def key_record(**changes: Any) -> tuple[Any, ...]:
    """Return the on-chain record of `KEY`."""
    fields: dict[str, Any] = {
        "algorithm": 2,
        "purpose": 1,
        "registered": 1000,
        "sign_until": 0,
        "anchor_until": 0,
        "revoked": 0,
        "recorded": 0,
        "compromised": 0,
        "raw": KEY.raw,
    }
    return tuple((fields | changes).values())


def stocked(**addresses: str) -> Generation:
    """Return contracts that know a body, a key and an anchor."""
    generation = Generation(**addresses)
    generation.bodies[BODY] = dossier()
    generation.keys[BODY, KEY.thumbprint()] = key_record()
    generation.anchors[ROOT, 7] = (OPERATOR, time_of(50), 50, 7, 1, ROOT)
    return generation


@contextmanager
def source(
    *nodes: RpcNodeDouble, quorum: int = 1, now: int = NOW, history: bool = False, **profile: Any
) -> Iterator[RpcTrustSource]:
    """Open a source over nodes, each with an operator of its own."""
    hosts = {f"node{number}.example": node for number, node in enumerate(nodes)}
    wanted = profile_for(list(hosts), quorum=quorum, **profile)
    with RpcTrustSource(wanted, now=now, history=history, transport=transport(hosts)) as opened:
        yield opened


def reason(question: Callable[[], object]) -> str:
    """Return why a fact is unavailable."""
    with pytest.raises(EvidenceUnavailableError) as caught:
        question()
    return caught.value.reason


class TestFacts:
    def test_head_is_the_final_block(self) -> None:
        with source(RpcNodeDouble()) as trust:
            head = trust.head()
        assert (head.chain_id, head.block, head.time) == (31337, 98, time_of(98))
        assert head.block_hash == block_hash(98)

    def test_body(self) -> None:
        with source(RpcNodeDouble([stocked()])) as trust:
            body = trust.find_body(BODY)
            unknown = trust.find_body(bytes(32))
        assert unknown is None
        assert body is not None
        assert (body.party, body.country, body.did) == ("CN", "CN", DID)
        assert body.kind is BodyKind.LABORATORY
        assert [status.state for status in body.statuses] == [BodyState.ACTIVE, BodyState.SUSPENDED]
        assert body.statuses[1].recorded_at == 2000
        assert body.scopes[0].effective_until is None

    def test_key(self) -> None:
        generation = stocked()
        with source(RpcNodeDouble([generation])) as trust:
            key = trust.find_key(BODY, KEY.thumbprint())
            foreign = trust.find_key(bytes(32), KEY.thumbprint())
        assert foreign is None
        assert key is not None
        assert key.public_key == KEY
        assert key.purpose is KeyPurpose.CERTIFICATE
        assert (key.sign_until, key.revoked_at, key.compromised_since) == (None, None, None)

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"raw": bytes(32)}, id="point of small order"),
            pytest.param({"raw": b"\x01" * 31}, id="too short"),
            pytest.param({"raw": OTHER_KEY}, id="another key than its name says"),
        ],
    )
    def test_a_record_that_is_no_usable_key_is_no_key(self, changes: dict[str, Any]) -> None:
        generation = Generation(keys={(BODY, KEY.thumbprint()): key_record(**changes)})
        with source(RpcNodeDouble([generation])) as trust:
            assert trust.find_key(BODY, KEY.thumbprint()) is None

    def test_a_key_of_a_newer_algorithm_is_not_called_unknown(self) -> None:
        generation = Generation(keys={(BODY, KEY.thumbprint()): key_record(algorithm=4)})
        with source(RpcNodeDouble([generation])) as trust:
            problem = reason(lambda: trust.find_key(BODY, KEY.thumbprint()))
        assert problem == "algorithm_unsupported"

    def test_anchor(self) -> None:
        with source(RpcNodeDouble([stocked()])) as trust:
            anchor = trust.find_anchor(ROOT, 7)
            other_size = trust.find_anchor(ROOT, 8)
        assert other_size is None
        assert anchor is not None
        assert (anchor.block, anchor.time, anchor.size) == (50, time_of(50), 7)
        assert (anchor.contract, anchor.operator) == (LEDGER, OPERATOR)

    def test_everything_is_read_at_one_block(self) -> None:
        node = RpcNodeDouble([stocked()])
        with source(node) as trust:
            trust.head()
            node.head = 5000
            assert trust.find_anchor(ROOT, 7) is not None
            assert trust.head().block == 98
        assert node.asked.count("eth_chainId") == 1


class TestStatus:
    @staticmethod
    def status(node: RpcNodeDouble, *, history: bool = False) -> Any:
        with source(node, history=history) as trust:
            return trust.status(BODY, list_number=4, index=INDEX, leaf=LEAF)

    def test_clear_without_asking_for_the_log(self) -> None:
        node = RpcNodeDouble()
        status = self.status(node)
        assert (status.revoked, status.suspended_by_body, status.events) == (False, False, ())
        assert "eth_getLogs" not in node.asked

    def test_revoked_with_time_and_reason(self) -> None:
        generation = Generation(statuses={(BODY, 4, INDEX): (True, False, False)})
        listed = [BODY, (4).to_bytes(32)]
        generation.add_log(60, "StatusRevoked", listed, [WORD, MASK | 1, 2])
        generation.add_log(61, "StatusRevoked", listed, [WORD, MASK >> 1, 4])  # a neighbour
        generation.add_log(62, "StatusRevoked", listed, [WORD + 1, MASK, 4])  # another word
        generation.add_log(63, "StatusRevoked", [BODY, (5).to_bytes(32)], [WORD, MASK, 4])
        generation.add_log(64, "StatusRevoked", [bytes(32), (4).to_bytes(32)], [WORD, MASK, 4])
        generation.add_log(99, "StatusRevoked", listed, [WORD, MASK, 4])  # not final yet

        status = self.status(RpcNodeDouble([generation]))

        assert status.revoked
        assert status.events == (
            StatusEvent(kind="revoked", reason=2, by_party=False, block=60, time=time_of(60)),
        )

    def test_suspensions_and_their_end_by_side(self) -> None:
        generation = Generation(statuses={(BODY, 4, INDEX): (False, False, True)})
        listed = [BODY, (4).to_bytes(32)]
        generation.add_log(10, "StatusSuspended", listed, [False, WORD, MASK, 3])
        generation.add_log(20, "StatusResumed", listed, [False, WORD, MASK, 3])
        generation.add_log(30, "StatusSuspended", listed, [True, WORD, MASK, 7])

        status = self.status(RpcNodeDouble([generation]))

        assert (status.suspended_by_body, status.suspended_by_party) == (False, True)
        assert [(e.kind, e.by_party, e.block) for e in status.events] == [
            ("suspended", False, 10),
            ("resumed", False, 20),
            ("suspended", True, 30),
        ]

    def test_revoked_by_leaf(self) -> None:
        generation = Generation(revoked_leaves={(BODY, LEAF)})
        generation.add_log(70, "LeafRevoked", [BODY, LEAF], [6])
        generation.add_log(71, "LeafRevoked", [BODY, bytes(32)], [4])

        status = self.status(RpcNodeDouble([generation]))

        assert status.revoked
        assert [(event.reason, event.block) for event in status.events] == [(6, 70)]

    def refuse(self, _: list[Any]) -> Any:
        raise KeyError("range too large")

    def test_bits_stand_without_a_log(self) -> None:
        generation = Generation(statuses={(BODY, 4, INDEX): (True, False, False)})
        status = self.status(RpcNodeDouble([generation], says={"eth_getLogs": self.refuse}))
        assert (status.revoked, status.events) == (True, ())

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            pytest.param("address", "0x" + "44" * 20, id="another contract"),
            pytest.param("blockHash", f"0x{bytes(32).hex()}", id="a block that is not there"),
            pytest.param("removed", True, id="given up"),
            pytest.param("data", "0x00", id="not the event's data"),
            pytest.param("topics", [], id="no topics"),
            pytest.param("topics", [f"0x{bytes(32).hex()}"], id="unknown event"),
        ],
    )
    def test_entries_that_were_not_asked_for_are_not_believed(
        self, member: str, value: Any
    ) -> None:
        generation = Generation(statuses={(BODY, 4, INDEX): (True, False, False)})
        generation.add_log(60, "StatusRevoked", [BODY, (4).to_bytes(32)], [WORD, MASK, 2])
        log = generation.logs[0] | {member: value}
        status = self.status(RpcNodeDouble([generation], says={"eth_getLogs": lambda _: [log]}))
        assert (status.revoked, status.events) == (True, ())

    def test_entries_of_blocks_that_are_not_final_are_not_believed(self) -> None:
        generation = Generation(statuses={(BODY, 4, INDEX): (True, False, False)})
        generation.add_log(99, "StatusRevoked", [BODY, (4).to_bytes(32)], [WORD, MASK, 2])
        node = RpcNodeDouble([generation], says={"eth_getLogs": lambda _: generation.logs})
        assert self.status(node).events == ()

    def test_history_is_read_on_demand_and_then_must_be_there(self) -> None:
        generation = Generation()
        listed = [BODY, (4).to_bytes(32)]
        generation.add_log(10, "StatusSuspended", listed, [True, WORD, MASK, 3])
        generation.add_log(20, "StatusResumed", listed, [True, WORD, MASK, 3])

        status = self.status(RpcNodeDouble([generation]), history=True)
        assert [event.kind for event in status.events] == ["suspended", "resumed"]

        silent = RpcNodeDouble([generation], says={"eth_getLogs": self.refuse})
        assert reason(lambda: self.status(silent, history=True)) == "chain_unreachable"

    def test_more_changes_than_one_can_follow(self) -> None:
        generation = Generation(statuses={(BODY, 4, INDEX): (True, False, False)})
        for _ in range(65):
            generation.add_log(60, "StatusRevoked", [BODY, (4).to_bytes(32)], [WORD, MASK, 2])
        assert self.status(RpcNodeDouble([generation])).events == ()


class TestIdentity:
    @pytest.mark.parametrize(
        ("node", "problem"),
        [
            pytest.param(RpcNodeDouble(chain_id=1), "chain_mismatch", id="wrong chain id"),
            pytest.param(
                RpcNodeDouble(
                    says={
                        "eth_getBlockByNumber": lambda params: (
                            (RpcNodeDouble().get_block(params) or {})
                            | ({"hash": f"0x{bytes(32).hex()}"} if params[0] == "0x0" else {})
                        )
                    }
                ),
                "chain_mismatch",
                id="same id, other genesis block",
            ),
            pytest.param(
                RpcNodeDouble(says={"eth_getCode": lambda _: "0x6000"}),
                "chain_mismatch",
                id="other code",
            ),
            pytest.param(RpcNodeDouble([]), "chain_fault", id="no contract there"),
            pytest.param(
                RpcNodeDouble([stocked()], says={"eth_call": lambda _: "0x"}),
                "chain_fault",
                id="empty answer",
            ),
            pytest.param(
                RpcNodeDouble([stocked()], says={"eth_call": lambda _: "0x" + "00" * 31}),
                "chain_fault",
                id="answer of another shape",
            ),
            pytest.param(
                RpcNodeDouble(says={"eth_chainId": lambda _: 31337}), "chain_fault", id="no hex"
            ),
        ],
    )
    def test_another_chain_or_contract_says_nothing(
        self, node: RpcNodeDouble, problem: str
    ) -> None:
        with source(node) as trust:
            assert reason(lambda: trust.find_anchor(ROOT, 7)) == problem

    def test_answers_about_something_else(self) -> None:
        other = Generation(
            bodies={BODY: dossier(did="did:web:other.example")},
            anchors={(ROOT, 7): (OPERATOR, 1, 50, 8, 1, ROOT)},
        )
        with source(RpcNodeDouble([other])) as trust:
            assert reason(lambda: trust.find_body(BODY)) == "chain_fault"
            assert reason(lambda: trust.find_anchor(ROOT, 7)) == "chain_fault"

    def test_padding_that_hides_something_is_no_answer(self) -> None:
        honest = RpcNodeDouble([stocked()])
        node = RpcNodeDouble(
            [stocked()], says={"eth_call": lambda params: honest.call(params) + "00" * 32}
        )
        with source(node) as trust:
            assert reason(lambda: trust.find_anchor(ROOT, 7)) == "chain_fault"

    def test_contracts_for_today_must_be_named(self) -> None:
        ended = [generation_document(Generation(), 0, 90)]
        with source(RpcNodeDouble(), generations=ended) as trust:
            assert reason(trust.head) == "chain_mismatch"


class TestAge:
    @pytest.mark.parametrize(
        ("now", "problem"),
        [
            (time_of(98) + 600, None),
            (time_of(98) + 601, "head_too_old"),
            (time_of(98) - 900, None),
            (time_of(98) - 901, "head_in_future"),
        ],
    )
    def test_limits(self, now: int, problem: str | None) -> None:
        with source(RpcNodeDouble(), now=now) as trust:
            if problem is None:
                assert trust.head().block == 98
            else:
                assert reason(trust.head) == problem

    @pytest.mark.parametrize(
        ("finality", "block"),
        [
            ({"rule": "instant", "depth": None}, 100),
            ({"rule": "depth", "depth": 12}, 88),
            ({"rule": "depth", "depth": 1000}, 0),
        ],
    )
    def test_finality_rules(self, finality: dict[str, Any], block: int) -> None:
        node = RpcNodeDouble([stocked()])
        with source(node, finality=finality) as trust:
            assert trust.head().block == block

    def test_a_network_without_final_blocks_needs_another_rule(self) -> None:
        def no_tag(params: list[Any]) -> Any:
            return None if params[0] == "finalized" else RpcNodeDouble().get_block(params)

        with source(RpcNodeDouble(says={"eth_getBlockByNumber": no_tag})) as trust:
            assert reason(trust.head) == "chain_unreachable"


def liar() -> RpcNodeDouble:
    """Return a node that knows another anchor, another key and no revocation."""
    generation = stocked()
    generation.anchors[ROOT, 7] = (OPERATOR, 1, 1, 7, 1, ROOT)
    generation.anchors[LEAF, 1] = (OPERATOR, 1, 1, 1, 1, LEAF)
    generation.keys[BODY, KEY.thumbprint()] = key_record(revoked=5)
    generation.bodies[BODY] = dossier(kind=3)
    generation.statuses[BODY, 4, INDEX] = (True, True, True)
    return RpcNodeDouble([generation])


def honest() -> RpcNodeDouble:
    return RpcNodeDouble([stocked()])


def dead() -> RpcNodeDouble:
    def silence(_: list[Any]) -> Any:
        raise httpx.ConnectError("refused")

    return RpcNodeDouble(says=dict.fromkeys(["eth_chainId", "eth_getBlockByNumber"], silence))


QUESTIONS: dict[str, Callable[[RpcTrustSource], object]] = {
    "anchor": lambda trust: trust.find_anchor(ROOT, 7),
    "invented anchor": lambda trust: trust.find_anchor(LEAF, 1),
    "key": lambda trust: trust.find_key(BODY, KEY.thumbprint()),
    "body": lambda trust: trust.find_body(BODY),
    "status": lambda trust: trust.status(BODY, list_number=4, index=INDEX, leaf=LEAF),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
class TestQuorum:
    def test_a_liar_beside_one_honest_node_makes_it_unknown(
        self, question: Callable[[RpcTrustSource], object]
    ) -> None:
        for nodes in ([honest(), liar()], [liar(), honest()]):
            with source(*nodes, quorum=2) as trust:
                assert reason(lambda: question(trust)) == "chain_disagrees"

    def test_a_liar_beside_two_honest_nodes_changes_nothing(
        self, question: Callable[[RpcTrustSource], object]
    ) -> None:
        with source(honest()) as trust:
            expected = question(trust)
        for place in range(3):
            nodes = [honest(), honest()]
            nodes.insert(place, liar())
            with source(*nodes, quorum=2) as trust:
                assert question(trust) == expected

    def test_two_truths_are_none(self, question: Callable[[RpcTrustSource], object]) -> None:
        with source(honest(), honest(), liar(), liar(), quorum=2) as trust:
            assert reason(lambda: question(trust)) == "chain_disagrees"

    def test_dead_is_not_forged(self, question: Callable[[RpcTrustSource], object]) -> None:
        with source(honest(), dead(), quorum=2) as trust:
            assert reason(lambda: question(trust)) == "chain_unreachable"
        with source(honest(), dead(), honest(), quorum=2) as trust:
            question(trust)

    def test_one_operator_is_one_witness(
        self, question: Callable[[RpcTrustSource], object]
    ) -> None:
        endpoints = [
            {"url": "https://node0.example/", "operator": "Same"},
            {"url": "https://node1.example/", "operator": "same"},
            {"url": "https://node2.example/", "operator": "Other"},
        ]
        with source(liar(), liar(), honest(), quorum=2, endpoints=endpoints) as trust:
            assert reason(lambda: question(trust)) == "chain_disagrees"


class TestAgreementOnTheBlock:
    def test_the_highest_block_that_a_quorum_calls_final(self) -> None:
        nodes = [RpcNodeDouble(head=head) for head in (102, 101, 60)]
        with source(*nodes, quorum=2) as trust:
            assert trust.head().block == 99
        with source(*nodes, quorum=3) as trust:
            assert trust.head().block == 58

    def test_a_node_that_runs_ahead_is_ignored(self) -> None:
        ahead = RpcNodeDouble(head=5000, fork=b"fork")
        with source(ahead, RpcNodeDouble(), RpcNodeDouble(), quorum=2) as trust:
            assert trust.head().block_hash == block_hash(98)

    def test_a_fork_is_a_disagreement(self) -> None:
        with source(RpcNodeDouble(), RpcNodeDouble(fork=b"fork"), quorum=2) as trust:
            assert reason(trust.head) == "chain_disagrees"

    def test_two_stale_nodes_are_too_old_and_one_is_outvoted(self) -> None:
        stale, fresh = RpcNodeDouble(head=50), RpcNodeDouble()
        limits = {"max_head_age_seconds": 20}
        with source(stale, fresh, quorum=2, **limits) as trust:
            assert reason(trust.head) == "head_too_old"
        with source(stale, fresh, RpcNodeDouble(), quorum=2, **limits) as trust:
            assert trust.head().block == 98

    def test_what_made_the_first_fact_unavailable_is_not_tried_again(self) -> None:
        node = RpcNodeDouble(chain_id=5)
        with source(node) as trust:
            for _ in range(3):
                assert reason(lambda: trust.find_anchor(ROOT, 7)) == "chain_mismatch"
        assert node.asked.count("eth_chainId") == 1


class TestSuccession:
    OLD: dict[str, str] = {"registry": "0x" + "aa" * 20, "ledger": "0x" + "bb" * 20}  # noqa: RUF012

    def nodes(self, old: Generation, new: Generation) -> tuple[RpcNodeDouble, dict[str, Any]]:
        generations = [generation_document(old, 0, 60), generation_document(new, 60, None)]
        return RpcNodeDouble([old, new]), {"generations": generations}

    def test_anchor_of_the_old_generation_counts_in_its_blocks_only(self) -> None:
        for block, found in ((59, True), (60, False)):
            old = Generation(**self.OLD)
            old.anchors[ROOT, 7] = (OPERATOR, time_of(block), block, 7, 1, ROOT)
            node, profile = self.nodes(old, Generation())
            with source(node, **profile) as trust:
                anchor = trust.find_anchor(ROOT, 7)
            assert (anchor is not None) is found
            assert anchor is None or anchor.contract == self.OLD["ledger"]

    def test_the_earliest_of_two_anchors(self) -> None:
        old = Generation(**self.OLD)
        old.anchors[ROOT, 7] = (OPERATOR, time_of(10), 10, 7, 1, ROOT)
        new = Generation()
        new.anchors[ROOT, 7] = (OPERATOR, time_of(70), 70, 7, 1, ROOT)
        node, profile = self.nodes(old, new)
        with source(node, **profile) as trust:
            anchor = trust.find_anchor(ROOT, 7)
        assert anchor is not None
        assert anchor.block == 10

    def test_a_retired_registry_can_add_no_key(self) -> None:
        for registered, found in ((time_of(60) - 1, True), (time_of(60), False)):
            old = Generation(
                keys={(BODY, KEY.thumbprint()): key_record(registered=registered)}, **self.OLD
            )
            node, profile = self.nodes(old, Generation())
            with source(node, **profile) as trust:
                assert (trust.find_key(BODY, KEY.thumbprint()) is not None) is found

    def test_a_revocation_counts_wherever_it_is_recorded(self) -> None:
        for revoked in ("old", "new"):
            records = {
                name: key_record(
                    registered=registered,
                    **({"revoked": 5, "recorded": 9} if name == revoked else {}),
                )
                for name, registered in (("old", time_of(10)), ("new", time_of(61)))
            }
            old = Generation(keys={(BODY, KEY.thumbprint()): records["old"]}, **self.OLD)
            new = Generation(keys={(BODY, KEY.thumbprint()): records["new"]})
            node, profile = self.nodes(old, new)
            with source(node, **profile) as trust:
                key = trust.find_key(BODY, KEY.thumbprint())
            assert key is not None
            assert (key.registered_at, key.revoked_at) == (time_of(10), 5)
            assert key.revocation_recorded_at == 9

    def test_status_bits_of_any_generation_count(self) -> None:
        old = Generation(statuses={(BODY, 4, INDEX): (True, False, False)}, **self.OLD)
        old.add_log(50, "StatusRevoked", [BODY, (4).to_bytes(32)], [WORD, MASK, 4])
        node, profile = self.nodes(old, Generation())
        with source(node, **profile) as trust:
            status = trust.status(BODY, list_number=4, index=INDEX, leaf=LEAF)
        assert status.revoked
        assert [event.reason for event in status.events] == [4]

    def test_a_generation_that_has_not_begun_is_not_asked(self) -> None:
        generations = [
            generation_document(Generation(), 0, 1000),
            generation_document(Generation(**self.OLD), 1000, None),
        ]
        with source(RpcNodeDouble([stocked()]), generations=generations) as trust:
            assert trust.find_anchor(ROOT, 7) is not None


def result(**changes: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x7a69"} | changes).encode()


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        pytest.param(500, b"", "chain_unreachable", id="500"),
        pytest.param(429, b"", "chain_unreachable", id="429"),
        pytest.param(302, b"", "chain_unreachable", id="redirect"),
        pytest.param(200, b" " * 2_000_000, "chain_unreachable", id="huge"),
        pytest.param(200, b"<html>", "chain_fault", id="a page"),
        pytest.param(200, result()[:-1], "chain_fault", id="cut off"),
        pytest.param(200, result(error={"code": -1}), "chain_unreachable", id="error and result"),
        pytest.param(200, b"[]", "chain_fault", id="a list"),
        pytest.param(200, b"[" * 100_000, "chain_fault", id="deep"),
    ],
)
def test_answers_that_are_none(status: int, body: bytes, problem: str) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        return reply(status, body, {"location": "https://elsewhere.example/"})

    profile = profile_for(["node.example"])
    with RpcTrustSource(profile, now=NOW, transport=httpx.MockTransport(handle)) as trust:
        assert reason(trust.head) == problem


@pytest.mark.parametrize("changes", [{"id": 77}, {"id": True}, {"jsonrpc": "1.0"}])
def test_true_answers_to_other_requests_are_not_taken(changes: dict[str, object]) -> None:
    node = RpcNodeDouble()

    def handle(request: httpx.Request) -> httpx.Response:
        return reply(200, json.dumps(node.answer(json.loads(request.content)) | changes).encode())

    profile = profile_for(["node.example"])
    with RpcTrustSource(profile, now=NOW, transport=httpx.MockTransport(handle)) as trust:
        assert reason(trust.head) == "chain_fault"


def test_another_block_than_the_one_asked_for_is_not_taken() -> None:
    def shifted(params: list[Any]) -> Any:
        honest_node = RpcNodeDouble()
        return honest_node.block(97) if params[0] == hex(98) else honest_node.get_block(params)

    with source(RpcNodeDouble(says={"eth_getBlockByNumber": shifted})) as trust:
        assert reason(trust.head) == "chain_fault"


def test_compressed_answers_are_refused() -> None:
    handler = httpx.MockTransport(
        lambda _: reply(200, gzip.compress(result()), {"content-encoding": "gzip"})
    )
    with RpcTrustSource(profile_for(["node.example"]), now=NOW, transport=handler) as trust:
        assert reason(trust.head) == "chain_unreachable"


def test_a_short_refusal_is_ridden_over() -> None:
    node, refused = RpcNodeDouble(), iter([True, False])

    def handle(request: httpx.Request) -> httpx.Response:
        if next(refused, False):
            return reply(429, b"")
        return reply(200, json.dumps(node.answer(json.loads(request.content))).encode())

    profile = profile_for(["node.example"])
    with RpcTrustSource(profile, now=NOW, transport=httpx.MockTransport(handle)) as trust:
        assert trust.head().block == 98


def test_the_secret_in_an_endpoint_is_not_in_messages() -> None:
    endpoints = [{"url": "https://node.example/v3/hunter2", "operator": "A"}]
    profile = profile_for(["node.example"], endpoints=endpoints)
    handler = httpx.MockTransport(lambda _: reply(500, b""))
    with (
        RpcTrustSource(profile, now=NOW, transport=handler) as trust,
        pytest.raises(EvidenceUnavailableError) as caught,
    ):
        trust.head()
    assert "hunter2" not in str(caught.value)
    assert "node.example" in str(caught.value)


def test_addresses_are_compared_without_case() -> None:
    generation = Generation(registry=REGISTRY, ledger="0x" + "ab" * 20)
    generation.anchors[ROOT, 7] = (OPERATOR, 1, 50, 7, 1, ROOT)
    document = generation_document(generation, 0, None)
    document["certificate_ledger"]["address"] = "0x" + "AB" * 20
    with source(RpcNodeDouble([generation]), generations=[document]) as trust:
        assert trust.find_anchor(ROOT, 7) is not None
