"""Bundles of a real chain with the real contracts: built twice, outdated, verified off line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.evidence_builders import STATUS, Evidence, World, body_of, cement
from tests.support.live_contracts import LiveContracts
from verifier.bundle.building import build_bundle
from verifier.bundle.content import decode_content, encode_content
from verifier.bundle.file import BundleFile, parse_bundle_file
from verifier.bundle.library import BundleIncompleteError, FolderLibrary
from verifier.bundle.opening import accept_bundle
from verifier.bundle.records import Bundle
from verifier.bundle.source import BundleTrustSource
from verifier.chain.contracts import CERTIFICATE_LEDGER, TRUST_REGISTRY
from verifier.chain.embedded import EmbeddedChain
from verifier.chain.profile import Profile, parse_profile
from verifier.chain.source import RpcTrustSource
from verifier.checks.facts import BodyFacts
from verifier.core.errors import EvidenceUnavailableError, UntrustedBundleError
from verifier.core.hashing import leaf_digest
from verifier.core.ids import party_bytes32
from verifier.core.merkle import Tree

pytestmark = pytest.mark.chain

ROOT = Path(__file__).parents[3]
PARTY = party_bytes32("CN")
BODY = body_of(cement())


@dataclass
class Country:
    """A party, its laboratory and one certificate in a batch of 2500 leaves, on a real chain."""

    folder: Path
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.chain = EmbeddedChain(self.folder / "chain")
        self.contracts = LiveContracts(self.chain.ensure_running().url)
        self.library = self.folder / "a library"
        self.library.mkdir()
        self.laboratory: BodyFacts = self.world.source.bodies[BODY]
        self._register()
        self.evidence, self.tree = self._issue()
        self.contracts.mine(3)
        self.profile_file = self.folder / "profile.json"
        self.profile_file.write_text(json.dumps(self.document()))

    def document(self) -> dict[str, Any]:
        return self.contracts.profile_document({"we": self.contracts.url})

    @property
    def profile(self) -> Profile:
        return parse_profile(json.dumps(self.document()).encode())

    def trust(self, function: str, *arguments: object) -> None:
        self.contracts.write(1, TRUST_REGISTRY, function, *arguments)

    def ledger(self, account: int, function: str, *arguments: object) -> None:
        self.contracts.write(account, CERTIFICATE_LEDGER, function, *arguments)

    def _register(self) -> None:
        party, body, operator = self.contracts.accounts[1:4]
        self.contracts.govern("addParty", PARTY, b"CN", party, bytes(32))
        self.contracts.govern("authoriseOperator", operator)
        self.trust("registerBody", PARTY, self.laboratory.did, 1, body)
        self.trust("recordBodyStatus", BODY, 1, 0)
        for scope in self.laboratory.scopes:
            digest = scope.document_hash
            self.trust("recordScope", BODY, digest, scope.effective_from, 0)
            (self.library / f"{digest.hex()}.json").write_bytes(self.world.documents[digest])
        for (owner, thumbprint), key in self.world.source.keys.items():
            if owner == BODY:
                code = key.public_key.algorithm.chain_code
                raw = key.public_key.raw
                self.trust("registerKey", BODY, thumbprint, code, key.purpose.value, raw, 2**63)

    def _issue(self) -> tuple[Evidence, Tree]:
        now = int(time.time())
        evidence = self.world.issue(cement(issued=now), signed=now, anchored=None)
        leaves = [leaf_digest(number.to_bytes(4)) for number in range(2500)]
        leaves[2400:2402] = [evidence.issued.leaf, evidence.summary.leaf()]
        tree = Tree.build(leaves)
        self.ledger(3, "anchor", 1, tree.root, tree.size)
        self.ledger(3, "anchor", 1, b"\x01" * 32, 7)
        (self.library / f"{tree.root.hex()}.heads").write_bytes(b"".join(tree.subtree_heads()))
        return evidence, tree

    def offline_code(self) -> str:
        own = self.tree.subtree_proof(2401)
        summary = self.evidence.summary.with_proof(own.index, own.leaves, own.path)
        return summary.encode_offline_code("verify.example")

    def build(self, **options: Any) -> Bundle:
        return build_bundle(
            self.profile, [FolderLibrary(self.library)], now=int(time.time()), **options
        )


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    made = Country(tmp_path_factory.mktemp("a country"))
    yield made
    made.chain.stop()


def run(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if "LANCANG" not in key}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=environment | {"LANCANG_HOME": str(home), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def lancang(*arguments: object, home: Path) -> str:
    script = "import sys; from registry.cli import main; main(sys.argv[1:])"
    done = run("-c", script, *arguments, home=home)
    assert done.returncode == 0, done.stderr
    return done.stdout


def verify(*arguments: object, home: Path) -> tuple[int, dict[str, Any]]:
    done = run("-m", "verifier.cli", *arguments, "--json", home=home)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_another_process_builds_the_same_bytes_while_the_chain_goes_on(
    country: Country, tmp_path: Path
) -> None:
    bundle = country.build()
    content = encode_content(bundle)
    country.contracts.mine(2)

    lancang(
        *("bundle", "build", "--profile", country.profile_file, "--documents", country.library),
        *("--block", bundle.home.block, "--out", tmp_path / "theirs.bundle"),
        home=tmp_path / "home",
    )

    assert parse_bundle_file((tmp_path / "theirs.bundle").read_bytes()).content == content
    assert decode_content(content) == bundle
    assert country.build().home.block > bundle.home.block


def test_answers_as_the_chain_does(country: Country) -> None:
    bundle = country.build()
    source = BundleTrustSource(bundle, now=int(time.time()))
    entries = [(STATUS.list_number, STATUS.index), (4, 1000), (4, 0), (4, 1), (9, 9)]
    with RpcTrustSource(country.profile, now=int(time.time()), history=True) as chain:
        assert source.find_body(BODY) == chain.find_body(BODY)
        for owner, thumbprint in country.world.source.keys:
            if owner == BODY:
                said = chain.find_key(BODY, thumbprint)
                found = source.find_key(BODY, thumbprint)
                assert said is not None
                # 2^63 does not fit a bundle; the largest time that does is as far away.
                assert (found.sign_until, said.sign_until) == (2**53 - 1, 2**63)
                assert found.public_key == said.public_key
        for root, size in ((country.tree.root, 2500), (b"\x01" * 32, 7)):
            assert source.find_anchor(root, size) == chain.find_anchor(root, size)
        for number, index in entries:
            ask = {"list_number": number, "index": index, "leaf": b"\x03" * 32}
            assert source.status(BODY, **ask) == chain.status(BODY, **ask)


def test_a_revocation_reaches_a_device_by_a_delta_without_a_network(
    country: Country, tmp_path: Path
) -> None:
    home, out = tmp_path / "home", tmp_path / "on the device"
    out.mkdir()
    common = ("--profile", country.profile_file, "--documents", country.library)
    lancang("bundle", "build", *common, "--out", out / "monday", home=home)
    issued = ("--profile", country.profile_file, "--bundle", out / "monday")
    code = country.offline_code()

    status, report = verify(code, *issued, home=out)
    assert (status, report["overall"]) == (0, "valid_with_notes")
    assert report["anchor"]["root"]

    place, bit = divmod(STATUS.index, 256)
    country.ledger(2, "revoke", BODY, STATUS.list_number, [place], [1 << bit], 4)
    country.ledger(1, "suspend", BODY, 4, [0, 3], [1, 1 << 232], 7)
    country.ledger(1, "resume", BODY, 4, [0], [1], 7)
    country.ledger(2, "revokeLeaf", BODY, b"\x03" * 32, 6)
    country.contracts.mine(3)
    lancang("bundle", "build", *common, "--out", out / "tuesday", home=home)
    told = lancang("bundle", "check", out / "tuesday", *common, home=home)
    assert "built again to the same bytes" in told
    lancang("bundle", "delta", out / "monday", out / "tuesday", "-o", out / "delta", home=home)
    lancang("bundle", "apply", out / "monday", out / "delta", "-o", out / "applied", home=home)
    applied, direct = ((out / name).read_bytes() for name in ("applied", "tuesday"))
    assert parse_bundle_file(applied) == parse_bundle_file(direct)

    status, report = verify(code, *issued, "--bundle", out / "delta", home=out)
    assert (status, report["overall"]) == (1, "not_valid")
    line = next(line for line in report["lines"] if line["line"] == "not_revoked")
    assert (line["code"], line["data"]["reason"]) == ("revoked", "fraud")

    refused = run("-m", "verifier.cli", code, *issued, home=out)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "was used before" in refused.stderr
    test_answers_as_the_chain_does(country)


def test_two_generations_of_contracts_are_both_there(country: Country) -> None:
    young = LiveContracts(country.contracts.url)
    boundary = int(young.block("latest")["number"], 16)
    young.govern("addParty", PARTY, b"CN", young.accounts[1], bytes(32))
    young.govern("authoriseOperator", young.accounts[4])
    young.write(
        *(1, TRUST_REGISTRY, "registerBody", PARTY, country.laboratory.did, 1, young.accounts[2])
    )
    young.write(4, CERTIFICATE_LEDGER, "anchor", 1, b"\x09" * 32, 3)
    country.ledger(
        3, "anchor", 1, b"\x0a" * 32, 3
    )  # the retired ledger goes on: it counts for none
    young.mine(3)
    document = country.document()
    old = document["chains"][0]["generations"][0]
    new = young.profile_document({"we": young.url})["chains"][0]["generations"][0]
    generations = [old | {"until_block": boundary}, new | {"from_block": boundary}]
    document["chains"][0]["generations"] = generations
    profile = parse_profile(json.dumps(document).encode())

    now = int(time.time())
    bundle = build_bundle(profile, [FolderLibrary(country.library)], now=now)
    source = BundleTrustSource(decode_content(encode_content(bundle)), now=now)

    assert [each.until_block for each in bundle.home.generations] == [boundary, None]
    file = BundleFile(encode_content(bundle))
    assert accept_bundle(file, profile).bundle == bundle
    with pytest.raises(UntrustedBundleError):
        accept_bundle(file, country.profile)
    with RpcTrustSource(profile, now=now, history=True) as chain:
        assert source.find_body(BODY) == chain.find_body(BODY)
        for root, size in ((country.tree.root, 2500), (b"\x09" * 32, 3)):
            assert source.find_anchor(root, size) == chain.find_anchor(root, size) is not None
        assert chain.find_anchor(b"\x0a" * 32, 3) is None
        with pytest.raises(EvidenceUnavailableError, match="not in the bundle"):
            source.find_anchor(b"\x0a" * 32, 3)
        ask = {"list_number": STATUS.list_number, "index": STATUS.index, "leaf": b"\x03" * 32}
        assert source.status(BODY, **ask) == chain.status(BODY, **ask)


class TestWhatIsMissing:
    def test_a_missing_document_is_named(self, country: Country, tmp_path: Path) -> None:
        with pytest.raises(BundleIncompleteError) as caught:
            build_bundle(country.profile, [FolderLibrary(tmp_path)], now=int(time.time()))

        digest = country.laboratory.scopes[0].document_hash.hex()
        heads = f"heads of the tree {country.tree.root.hex()} over 2500 leaves"
        assert caught.value.missing == (heads, f"document {digest}")

    def test_a_false_document_is_a_missing_one(self, country: Country, tmp_path: Path) -> None:
        for file in country.library.iterdir():
            content = file.read_bytes()
            (tmp_path / file.name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

        with pytest.raises(BundleIncompleteError) as caught:
            build_bundle(country.profile, [FolderLibrary(tmp_path)], now=int(time.time()))
        assert len(caught.value.missing) == 2
        libraries = [FolderLibrary(tmp_path), FolderLibrary(country.library)]
        build_bundle(country.profile, libraries, now=int(time.time()))

    def test_a_block_that_is_not_final_is_refused(self, country: Country) -> None:
        with pytest.raises(EvidenceUnavailableError, match="is not final"):
            country.build(blocks={31337: 10**6})


class Node(httpx.AsyncBaseTransport):
    """A node that changes some answers of the real one."""

    def __init__(self, change: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]) -> None:
        self._change = change
        self._real = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        answer = await self._real.handle_async_request(
            httpx.Request("POST", request.url, headers=request.headers, content=body)
        )
        content = json.loads(await answer.aread())
        changed = json.dumps(self._change(json.loads(body), content)).encode()
        return httpx.Response(200, stream=httpx.ByteStream(changed))

    async def aclose(self) -> None:
        await self._real.aclose()


def refused(request: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32005, "message": "too much"}}


class TestNodes:
    def test_one_that_answers_small_ranges_only_gives_the_same_bytes(
        self, country: Country
    ) -> None:
        asked: list[int] = []

        def change(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
            if request["method"] != "eth_getLogs":
                return answer
            where = request["params"][0]
            span = int(where["toBlock"], 16) - int(where["fromBlock"], 16)
            asked.append(span)
            return refused(request) if span > 4 else answer

        bundle = country.build()
        blocks = {31337: bundle.home.block}

        assert country.build(blocks=blocks, transport=Node(change)) == bundle
        assert min(asked) <= 4 < max(asked)

    @pytest.mark.parametrize("kept", [0, 1])
    def test_one_that_leaves_out_a_change_of_status_is_found_out(
        self, country: Country, kept: int
    ) -> None:
        country.ledger(2, "revoke", BODY, 7, [1], [1], 3)
        country.contracts.mine(3)

        def change(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
            if request["method"] == "eth_getLogs" and answer["result"]:
                return answer | {"result": answer["result"][:kept]}
            return answer

        with pytest.raises(EvidenceUnavailableError) as caught:
            country.build(transport=Node(change))
        assert caught.value.reason == "chain_fault"

    def test_one_that_changes_a_mask_is_found_out(self, country: Country) -> None:
        country.ledger(2, "revoke", BODY, 8, [1], [1], 3)
        country.contracts.mine(3)

        def change(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
            if request["method"] == "eth_getLogs":
                last = answer["result"][-1]
                last["data"] = last["data"].replace("1", "2", 1)
            return answer

        with pytest.raises(EvidenceUnavailableError, match="do not lead to what the ledger holds"):
            country.build(transport=Node(change))
