"""The ceremony on a real chain: repeated, broken off anywhere, adopted, and read by a verifier."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from registry.anchoring import ceremony as ceremony_module
from registry.anchoring.ceremony import Entry, Journal
from registry.anchoring.connect import open_chain
from registry.anchoring.domain import SendOutcome
from registry.anchoring.errors import (
    ActsForOthersError,
    CeremonyConflictError,
    ChainMismatchError,
    ChainUnavailableError,
    KeystoreError,
    NotDeployedError,
)
from registry.anchoring.registration import PartyEntry
from registry.anchoring.setup import _make_keys
from registry.anchoring.web3_chain import Web3Chain
from registry.settings import ChainSettings, Environment, Settings
from tests.support.live_anchoring import KEY, LABORATORY, WANTED, LiveChain
from verifier.chain.profile import load_profile
from verifier.chain.source import RpcTrustSource
from verifier.checks.facts import BodyState, KeyPurpose

pytestmark = pytest.mark.chain


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveChain]:
    chain = LiveChain(tmp_path / "a home")
    yield chain
    chain.stop()


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveChain]:
    """A chain with the ceremony done, for tests that only look at it."""
    chain = LiveChain(tmp_path_factory.mktemp("founded"))
    chain.found()
    yield chain
    chain.stop()


class Interrupted(BaseException):
    """The end of the process."""


def test_a_verifier_finds_what_the_ceremony_registered(live: LiveChain) -> None:
    setup = live.found()

    profile = load_profile(live.settings.trust_profile)
    with RpcTrustSource(profile, now=int(time.time())) as trust:
        body = trust.find_body(LABORATORY.id)
        key = trust.find_key(LABORATORY.id, KEY.thumbprint())
    assert body is not None
    assert (body.party, body.did, body.country) == ("CN", "did:web:lab.example", "CN")
    assert [status.state for status in body.statuses] == [BodyState.ACTIVE]
    assert [scope.document_hash for scope in body.scopes] == [b"\x07" * 32]
    assert key is not None
    assert (key.public_key, key.purpose) == (KEY, KeyPurpose.CERTIFICATE)
    assert key.registered_at == int(setup.registered.keys[KEY.thumbprint()].timestamp())
    assert setup.registered.parties.keys() == {"CN", "LA"}


def test_repeating_it_acts_no_more(live: LiveChain) -> None:
    first = live.found()
    acts = list(live.told)
    profile = live.settings.trust_profile.read_bytes()

    second = live.found()

    assert acts[:2] == ["deploy TrustRegistry", "deploy CertificateLedger"]
    assert live.told == []
    assert second.deployment == first.deployment
    assert second.registered == first.registered
    assert live.settings.trust_profile.read_bytes() == profile


def test_the_record_names_every_act_with_its_transaction(live: LiveChain) -> None:
    setup = live.found()
    record = json.loads(setup.record_path.read_text("utf-8"))
    assert [act["act"] for act in record["acts"]] == live.told
    assert all(act["block"] is not None for act in record["acts"])
    assert (
        record["profile"]["fingerprint"] == load_profile(live.settings.trust_profile).fingerprint()
    )
    proposer = next(act["by"] for act in record["acts"] if act["act"] == "propose: add party CN")
    approver = next(act["by"] for act in record["acts"] if act["act"] == "approve: add party CN")
    assert proposer != approver


def test_what_is_added_later_is_registered_by_a_repetition(live: LiveChain) -> None:
    live.found()
    more = replace(WANTED, parties=(*WANTED.parties, PartyEntry(id="TH", country="TH")))
    live.found(more)
    assert live.told == ["propose: add party TH", "approve: add party TH", "add party TH"]


@pytest.mark.parametrize("moment", ["before sending", "after sending"])
def test_broken_off_at_every_act(
    live: LiveChain, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    send = Web3Chain.send
    left = 0

    def send_or_die(chain: Web3Chain, raw: bytes) -> SendOutcome:
        nonlocal left
        left -= 1
        if left == 0 and moment == "before sending":
            raise Interrupted
        outcome = send(chain, raw)
        if left == 0:
            raise Interrupted
        return outcome

    monkeypatch.setattr(Web3Chain, "send", send_or_die)
    # Every run sends again what was written down last, and dies at the next act.
    for _ in range(40):
        left = 2
        try:
            live.found()
        except Interrupted:
            continue
        break
    else:
        pytest.fail("the ceremony never ended")

    titles = [entry.title for entry in Journal(live.home / "ceremony.journal").entries()]
    assert len(titles) == len(set(titles)) == 15
    live.found()
    assert live.told == []


def test_a_line_that_a_crash_cut_off_is_written_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    entry = Entry(title="act", genesis="00", account="0x1", nonce=1, to=None, hash="aa", raw="bb")
    journal.append(entry)
    with (tmp_path / "journal").open("a") as file:
        file.write('{"title": "cut o')

    assert journal.entries() == [entry]
    journal.append(replace(entry, nonce=2))
    assert [known.nonce for known in journal.entries()] == [1, 2]


def test_a_journal_of_another_chain_is_refused(live: LiveChain) -> None:
    live.home.mkdir(exist_ok=True)
    Journal(live.home / "ceremony.journal").append(
        Entry(title="act", genesis="00" * 32, account="0x" + "1" * 40, nonce=0, to=None, hash="aa",
              raw="bb")
    )  # fmt: skip
    with pytest.raises(CeremonyConflictError, match="another chain"):
        live.found()


def test_contracts_of_somebody_else_are_adopted_if_they_are_ours(live: LiveChain) -> None:
    deployment = live.found().deployment
    named = ChainSettings(
        trust_registry=deployment.trust_registry.address,
        certificate_ledger=deployment.certificate_ledger.address,
    )
    live.settings = live.settings.model_copy(update={"chain": named})
    assert live.found().deployment.trust_registry.address == deployment.trust_registry.address
    assert live.told == []

    swapped = ChainSettings(
        trust_registry=deployment.certificate_ledger.address,
        certificate_ledger=deployment.trust_registry.address,
    )
    live.settings = live.settings.model_copy(update={"chain": swapped})
    with pytest.raises(CeremonyConflictError, match="another contract"):
        live.found()


def test_acts_whose_keys_are_elsewhere_are_described(live: LiveChain) -> None:
    keys = live.settings.transaction_keystore
    party = replace(WANTED, bodies=(), scopes=(), keys=(), operators=())
    live.found(party)
    address = live.keystore_roles()["party-cn"]
    (keys / "party-cn.json").unlink()
    (keys / "party-cn.address").write_text(address)

    with pytest.raises(ActsForOthersError) as caught:
        live.found()
    assert len(caught.value.acts) == 1
    assert caught.value.acts[0].startswith("register body lab of CN: party-cn calls 0x")


def test_a_contradiction_is_refused(founded: LiveChain) -> None:
    other = replace(WANTED, parties=(PartyEntry(id="CN", country="XX"),))
    with pytest.raises(CeremonyConflictError, match="another country"):
        founded.found(other)


def test_production_makes_no_keys() -> None:
    settings = Settings.model_construct(
        environment=Environment.PRODUCTION, home=Path("nowhere"), chain=ChainSettings()
    )
    with pytest.raises(KeystoreError, match="no passphrase is configured"):
        _make_keys(settings, WANTED)


class TestIdentity:
    def test_without_a_profile_nothing_is_opened(self, live: LiveChain) -> None:
        with pytest.raises(NotDeployedError, match="lancang init"):
            live.open()

    def test_settings_that_contradict_the_profile(self, founded: LiveChain) -> None:
        settings = founded.settings.model_copy(update={"chain": ChainSettings(chain_id=5)})
        with pytest.raises(ChainMismatchError, match="chain_id"):
            open_chain(settings)

    @pytest.mark.parametrize(
        ("member", "value", "message"),
        [
            pytest.param("chain_id", 5, "serves chain 31337", id="another chain id"),
            pytest.param("genesis", "0x" + "11" * 32, "another genesis", id="another genesis"),
            pytest.param("code_hash", "0x" + "22" * 32, "another contract", id="another code"),
            pytest.param("address", "0x" + "33" * 20, "no contract", id="nothing there"),
        ],
    )
    def test_a_node_that_serves_something_else(
        self, founded: LiveChain, tmp_path: Path, member: str, value: object, message: str
    ) -> None:
        document = json.loads(founded.settings.trust_profile.read_text("utf-8"))
        chain = document["chains"][0]
        place = chain if member in chain else chain["generations"][0]["certificate_ledger"]
        place[member] = value
        changed = tmp_path / "profile.json"
        changed.write_text(json.dumps(document))
        settings = founded.settings.model_copy(update={"profile": changed})
        with pytest.raises(ChainMismatchError, match=message):
            open_chain(settings).head()


def test_the_ceremony_gives_up_on_a_chain_that_makes_no_blocks(
    live: LiveChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceremony_module, "_MOST_PAUSES", 3)
    monkeypatch.setattr(LiveChain, "pause", lambda _self, _seconds: None)
    with pytest.raises(ChainUnavailableError, match="not mined"):
        live.found()
