"""The embedded chain with the real contracts: started, read, restarted, stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.live_contracts import LiveContracts
from verifier.chain.anvil import block_number, call
from verifier.chain.contracts import CERTIFICATE_LEDGER, TRUST_REGISTRY
from verifier.chain.embedded import EmbeddedChain
from verifier.chain.profile import parse_profile
from verifier.chain.source import RpcTrustSource
from verifier.checks.facts import BodyKind, BodyState, KeyPurpose, RevocationReason
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.ids import body_id, party_bytes32
from verifier.core.keys import Algorithm, PublicKey

pytestmark = pytest.mark.chain

PARTY = party_bytes32("CN")
DID = "did:web:lab.example"
BODY = body_id("CN", DID)
KEY = PublicKey(
    Algorithm.EDDSA,
    Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().public_bytes_raw(),
)
ROOT, LEAF, OTHER_LEAF = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveContracts]:
    chain = EmbeddedChain(tmp_path_factory.mktemp("a chain"))
    contracts = LiveContracts(chain.ensure_running().url)
    party, body, operator = contracts.accounts[1:4]
    contracts.govern("addParty", PARTY, b"CN", party, bytes(32))
    contracts.govern("authoriseOperator", operator)
    contracts.write(1, TRUST_REGISTRY, "registerBody", PARTY, DID, 1, body)
    contracts.write(1, TRUST_REGISTRY, "recordBodyStatus", BODY, 1, 0)
    contracts.write(1, TRUST_REGISTRY, "recordScope", BODY, b"\x07" * 32, 1_000_000, 0)
    contracts.write(1, TRUST_REGISTRY, "registerKey", BODY, KEY.thumbprint(), 2, 1, KEY.raw, 2**40)
    contracts.write(3, CERTIFICATE_LEDGER, "anchor", 1, ROOT, 7)
    contracts.write(2, CERTIFICATE_LEDGER, "revoke", BODY, 4, [3], [1 << 232], 2)
    contracts.write(1, CERTIFICATE_LEDGER, "suspend", BODY, 4, [0], [1], 7)
    contracts.write(2, CERTIFICATE_LEDGER, "suspend", BODY, 4, [0], [2], 3)
    contracts.write(2, CERTIFICATE_LEDGER, "resume", BODY, 4, [0], [2], 3)
    contracts.write(2, CERTIFICATE_LEDGER, "revokeLeaf", BODY, OTHER_LEAF, 6)
    contracts.mine(3)
    yield contracts
    chain.stop()


@pytest.fixture
def trust(live: LiveContracts) -> Iterator[RpcTrustSource]:
    profile = parse_profile(json.dumps(live.profile_document({"we": live.url})).encode())
    with RpcTrustSource(profile, now=int(time.time())) as source:
        yield source


class TestStatusWords:
    """Whole words of a list, as published status lists copy them."""

    def test_words_and_count(self, trust: RpcTrustSource) -> None:
        words = trust.status_words(BODY, list_number=4, words=5)
        assert dict(words.revoked) == {0: 0, 1: 0, 2: 0, 3: 1 << 232, 4: 0}
        assert dict(words.suspended) == {0: 1, 1: 0, 2: 0, 3: 0, 4: 0}
        assert trust.status_event_count(BODY) == 5

    def test_a_body_without_changes(self, trust: RpcTrustSource) -> None:
        assert trust.status_event_count(bytes(32)) == 0
        assert not any(trust.status_words(bytes(32), list_number=4, words=64).revoked.values())


class TestFacts:
    def test_head(self, live: LiveContracts, trust: RpcTrustSource) -> None:
        head = trust.head()
        assert head.block_hash.hex() == live.block(hex(head.block))["hash"][2:]

    def test_body(self, trust: RpcTrustSource) -> None:
        body = trust.find_body(BODY)
        assert body is not None
        assert (body.party, body.country, body.kind) == ("CN", "CN", BodyKind.LABORATORY)
        assert body.statuses[-1].state is BodyState.ACTIVE
        assert body.scopes[0].document_hash == b"\x07" * 32
        assert body.scopes[0].effective_from == 1_000_000
        assert body.scopes[0].recorded_at >= body.registered_at
        assert trust.find_body(bytes(32)) is None

    def test_key(self, trust: RpcTrustSource) -> None:
        key = trust.find_key(BODY, KEY.thumbprint())
        assert key is not None
        assert (key.public_key, key.purpose) == (KEY, KeyPurpose.CERTIFICATE)
        assert (key.sign_until, key.anchor_until, key.revoked_at) == (2**40, None, None)
        assert trust.find_key(BODY, bytes(32)) is None

    def test_anchor(self, live: LiveContracts, trust: RpcTrustSource) -> None:
        anchor = trust.find_anchor(ROOT, 7)
        assert anchor is not None
        assert anchor.operator == live.accounts[3]
        assert anchor.time == int(live.block(hex(anchor.block))["timestamp"], 16)
        assert trust.find_anchor(ROOT, 8) is None

    def test_status(self, trust: RpcTrustSource) -> None:
        revoked = trust.status(BODY, list_number=4, index=1000, leaf=LEAF)
        assert revoked.revoked
        assert [event.reason for event in revoked.events] == [RevocationReason.SUPERSEDED]

        suspended = trust.status(BODY, list_number=4, index=0, leaf=LEAF)
        assert (suspended.suspended_by_body, suspended.suspended_by_party) == (False, True)
        assert [(event.kind, event.by_party) for event in suspended.events] == [("suspended", True)]

        resumed = trust.status(BODY, list_number=4, index=1, leaf=LEAF)
        assert (resumed.revoked, resumed.suspended_by_body, resumed.events) == (False, False, ())

        by_leaf = trust.status(BODY, list_number=9, index=9, leaf=OTHER_LEAF)
        assert by_leaf.revoked
        assert [event.reason for event in by_leaf.events] == [
            RevocationReason.WITHDRAWN_BY_CUSTOMER
        ]

    def test_history_of_what_is_over(self, live: LiveContracts) -> None:
        profile = parse_profile(json.dumps(live.profile_document({"we": live.url})).encode())
        with RpcTrustSource(profile, now=int(time.time()), history=True) as source:
            status = source.status(BODY, list_number=4, index=1, leaf=LEAF)
        assert [event.kind for event in status.events] == ["suspended", "resumed"]


def test_other_contracts_on_the_same_chain_are_not_those_of_the_profile(
    live: LiveContracts,
) -> None:
    document = live.profile_document({"we": live.url})
    generation = document["chains"][0]["generations"][0]
    generation["certificate_ledger"]["code_hash"] = generation["trust_registry"]["code_hash"]
    with (
        RpcTrustSource(
            parse_profile(json.dumps(document).encode()), now=int(time.time())
        ) as source,
        pytest.raises(EvidenceUnavailableError) as caught,
    ):
        source.find_anchor(ROOT, 7)
    assert caught.value.reason == "chain_mismatch"


class TestLifeOfTheChain:
    def test_outlives_its_starter_and_keeps_its_state(self, tmp_path: Path) -> None:
        state = tmp_path / "päth with spaces"
        script = (
            "import sys; from pathlib import Path; from verifier.chain.embedded import "
            "EmbeddedChain as E; print(E(Path(sys.argv[1])).ensure_running().url)"
        )
        command = [sys.executable, "-c", script, str(state)]
        started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        urls = {process.communicate()[0] for process in started}
        assert len(urls) == 1, "three starters at once, one chain"

        chain = EmbeddedChain(state)
        first = chain.find()
        assert first is not None
        assert f"{first.url}\n" in urls
        contracts = LiveContracts(first.url)
        contracts.govern("authoriseOperator", contracts.accounts[3])
        contracts.write(3, CERTIFICATE_LEDGER, "anchor", 1, ROOT, 7)
        head = block_number(first.url, "latest")

        assert chain.stop()
        assert chain.find() is None
        assert not chain.stop()
        second = chain.ensure_running()
        try:
            assert second.pid != first.pid
            assert second.url == first.url, "the port is kept while it is free"
            assert block_number(second.url, "finalized") >= head
            profile = parse_profile(
                json.dumps(contracts.profile_document({"we": second.url})).encode()
            )
            with RpcTrustSource(profile, now=int(time.time())) as source:
                assert source.find_anchor(ROOT, 7) is not None
        finally:
            chain.stop()

    def test_a_killed_chain_is_started_again(self, tmp_path: Path) -> None:
        chain = EmbeddedChain(tmp_path)
        first = chain.ensure_running()
        call(first.url, "evm_mine")
        saved = tmp_path / "chain.json"
        deadline = time.monotonic() + 20
        while not saved.exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(first.pid, 9)
        os.waitpid(first.pid, 0)

        second = chain.ensure_running()
        try:
            assert second.pid != first.pid
            assert chain.ensure_running() == second
        finally:
            chain.stop()

    def test_has_one_first_block_however_often_it_is_started(self, tmp_path: Path) -> None:
        chain = EmbeddedChain(tmp_path)
        first: set[str] = set()
        try:
            for _ in range(4):
                url = chain.ensure_running().url
                call(url, "evm_mine")
                genesis, latest = (
                    call(url, "eth_getBlockByNumber", tag, False) for tag in ("0x0", "latest")
                )
                assert isinstance(genesis, dict)
                assert isinstance(latest, dict)
                first.add(genesis["hash"])
                assert abs(int(latest["timestamp"], 16) - time.time()) < 60
                chain.stop()
        finally:
            chain.stop()
        saved = json.loads((tmp_path / "chain.json").read_text("utf-8"))
        numbers = [block["header"]["number"] for block in saved["blocks"]]
        assert len(first) == 1
        assert len(numbers) == len(set(numbers))

    def test_a_taken_port_is_given_up(self, tmp_path: Path) -> None:
        one, two = EmbeddedChain(tmp_path / "one"), EmbeddedChain(tmp_path / "two")
        first = one.ensure_running()
        two.ensure_running()
        try:
            two.stop()
            record = {"pid": first.pid, "port": int(first.url.rpartition(":")[2])}
            (tmp_path / "two" / "process.json").write_text(json.dumps(record))
            assert two.ensure_running().url != first.url
        finally:
            one.stop()
            two.stop()

    def test_pace(self, tmp_path: Path) -> None:
        chain = EmbeddedChain(tmp_path)
        endpoint = chain.ensure_running()
        try:
            chain.set_block_interval(12)
            assert call(endpoint.url, "anvil_getIntervalMining") == 12
        finally:
            chain.stop()

    def test_a_lost_state_is_not_replaced_in_silence(self, tmp_path: Path) -> None:
        chain = EmbeddedChain(tmp_path)
        chain.ensure_running()
        chain.stop()
        (tmp_path / "chain.json").unlink()
        with pytest.raises(EvidenceUnavailableError, match="is gone"):
            chain.ensure_running()

    def test_another_chain_in_the_same_place_is_noticed(self, tmp_path: Path) -> None:
        chain = EmbeddedChain(tmp_path)
        chain.ensure_running()
        chain.stop()
        identity = {"chain_id": "0x7a69", "genesis": f"0x{bytes(32).hex()}"}
        (tmp_path / "identity.json").write_text(json.dumps(identity))
        with pytest.raises(EvidenceUnavailableError) as caught:
            chain.ensure_running()
        assert caught.value.reason == "chain_mismatch"
        assert not chain.stop(), "it does not go on running"

    def test_a_broken_state_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "chain.json").write_text("{broken")
        with pytest.raises(EvidenceUnavailableError, match="failed to parse json file"):
            EmbeddedChain(tmp_path).ensure_running()

    def test_an_unknown_process_is_not_killed(self, tmp_path: Path) -> None:
        chain = EmbeddedChain(tmp_path)
        endpoint = chain.ensure_running()
        (tmp_path / "process.json").write_text(json.dumps({"pid": os.getpid(), "port": 1}))
        try:
            for action in (chain.stop, chain.ensure_running):
                with pytest.raises(EvidenceUnavailableError, match="unknown process"):
                    action()
        finally:
            record = {"pid": endpoint.pid, "port": None}
            (tmp_path / "process.json").write_text(json.dumps(record))
            assert chain.find() == endpoint, "the port stands in the log"
            chain.stop()


class TestMissingProgram:
    def test_named_but_not_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ANVIL", str(tmp_path / "nothing"))
        with pytest.raises(EvidenceUnavailableError, match="ANVIL"):
            EmbeddedChain(tmp_path).ensure_running()

    def test_nowhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ANVIL", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr("platform.system", lambda: "Plan9")
        with pytest.raises(EvidenceUnavailableError, match="npm ci"):
            EmbeddedChain(tmp_path).ensure_running()

    def test_not_a_program(self, tmp_path: Path) -> None:
        program = tmp_path / "anvil"
        program.write_bytes(b"\x7fELF nonsense")
        program.chmod(0o755)
        with pytest.raises(EvidenceUnavailableError, match="cannot be run"):
            EmbeddedChain(tmp_path / "state", anvil=program).ensure_running()

    def test_a_place_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(EvidenceUnavailableError, match="cannot be made"):
            EmbeddedChain(tmp_path / "file" / "state").ensure_running()
