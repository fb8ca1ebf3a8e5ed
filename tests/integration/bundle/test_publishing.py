"""Bundles signed by an offline root key's delegate, published, and fetched over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from fastapi import FastAPI

from registry.app import create_app
from registry.bundles.errors import OlderBundleError
from registry.bundles.service import BundleShelf, StoredLibrary
from registry.cli import main
from registry.settings import Settings
from tests.support.bundles import bundle_of
from tests.support.evidence_builders import World as Evidences
from tests.support.evidence_builders import trust_profile
from tests.support.registry_world import World, samples
from verifier.bundle.content import encode_content
from verifier.bundle.delta import parse_delta
from verifier.bundle.file import BundleFile, parse_bundle_file
from verifier.bundle.library import FolderLibrary, RegistryLibrary, Shelves, are_heads
from verifier.core.encoding import b64u
from verifier.core.receipt import parse_receipt

PASSPHRASE = "correct horse battery"


def bundle_file(block: int, *, at: int | None = None) -> BundleFile:
    changes = {"block": block} | ({} if at is None else {"time": at})
    return BundleFile(encode_content(bundle_of(Evidences(), **changes)))


@dataclass
class Api:
    """Calls the application without a network."""

    app: FastAPI

    def get(self, path: str, **headers: str) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://test")
            async with self.app.router.lifespan_context(self.app), client:
                return await client.get(path, headers=headers)

        return asyncio.run(call())


@pytest.fixture
def settings(world: World) -> Settings:
    return Settings(home=world.folder)


@pytest.fixture
def api(settings: Settings) -> Api:
    return Api(create_app(settings))


@pytest.fixture
def root(world: World) -> bytes:
    """The root of the only batch."""
    [item] = world.issue(samples()["documents"][0])
    world.anchor()
    receipt = parse_receipt(world.deliver(item.certificate_id).receipt)
    anchor = receipt.proofs[0].anchor
    assert anchor is not None
    return anchor.root


class TestOverHttp:
    def test_nothing_is_there_before_the_first(self, api: Api) -> None:
        answer = api.get("/v1/bundle")

        assert (answer.status_code, answer.json()["code"]) == (404, "bundle_not_published")

    def test_the_newest_and_the_way_to_it(self, api: Api, settings: Settings) -> None:
        shelf = BundleShelf.of(settings)
        first, second, third = (bundle_file(block) for block in (1, 2, 3))
        assert shelf.publish(first)
        assert api.get("/v1/bundle").content == first.encode()
        assert shelf.publish(second)
        assert shelf.publish(third)
        assert not shelf.publish(third)

        answer = api.get("/v1/bundle")
        assert answer.headers["content-type"] == "application/cbor"
        assert parse_bundle_file(answer.content) == third
        same = api.get("/v1/bundle", **{"if-none-match": answer.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        reached = first
        for expected in (second, third):
            delta = api.get(f"/v1/bundle/deltas/{b64u(reached.digest)}")
            reached = parse_delta(delta.content).apply(reached)
            assert reached == expected
        end = api.get(f"/v1/bundle/deltas/{b64u(third.digest)}")
        assert (end.status_code, end.json()["code"]) == (404, "delta_not_kept")

    def test_an_older_one_does_not_replace_a_newer_one(self, settings: Settings) -> None:
        shelf = BundleShelf.of(settings)
        shelf.publish(bundle_file(5))

        for other in (bundle_file(4), bundle_file(5, at=1_790_000_000)):
            with pytest.raises(OlderBundleError):
                shelf.publish(other)
        assert parse_bundle_file(shelf.newest()) == bundle_file(5)

    def test_documents_and_heads_by_hash(
        self, api: Api, world: World, root: bytes, tmp_path: Path
    ) -> None:
        library = StoredLibrary(world.database, world.trees)
        assert library.export(tmp_path / "library") >= 4
        digests = [bytes.fromhex(file.stem) for file in (tmp_path / "library").glob("*.json")]
        assert digests
        folder = FolderLibrary(tmp_path / "library")
        for digest in digests:
            answer = api.get(f"/v1/documents/{b64u(digest)}")
            assert hashlib.sha256(answer.content).digest() == digest
            assert answer.headers["content-type"] == "application/json"
            assert folder.fetch_document(digest) == answer.content

        heads = api.get(f"/v1/heads/{b64u(root)}")
        assert heads.content == root, "a small tree is its own only subtree"

        for kind, code in (("documents", "document_not_kept"), ("heads", "heads_not_kept")):
            missing = api.get(f"/v1/{kind}/{b64u(bytes(32))}")
            assert (missing.status_code, missing.json()["code"]) == (404, code)
            assert api.get(f"/v1/{kind}/short").status_code == 422

    def test_a_builder_elsewhere_reads_them(self, api: Api, world: World, root: bytes) -> None:
        transport = httpx.ASGITransport(api.app)
        there = RegistryLibrary("http://127.0.0.1", transport=transport)
        here = StoredLibrary(world.database, world.trees)
        digest = next(
            scope.document_hash
            for body in world.trust_source().bodies.values()
            for scope in body.scopes
        )

        assert there.fetch_document(digest) == here.fetch_document(digest) is not None
        assert there.fetch_heads(root) == root
        assert there.fetch_document(bytes(32)) is there.fetch_heads(bytes(32)) is None
        shelves = Shelves([FolderLibrary(world.folder / "nothing"), there])
        assert hashlib.sha256(shelves.document(digest)).digest() == digest
        assert are_heads(shelves.heads(root, 1), root, 1)
        assert shelves.missing == []


Lancang = Callable[..., Result]


@pytest.fixture
def lancang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lancang:
    monkeypatch.setenv("LANCANG_HOME", str(tmp_path / "home"))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["--no-color", "bundle", *map(str, arguments)])

    return run


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


@dataclass
class Ceremony:
    """Files of a root key, a daily key and a bundle that they are to vouch for."""

    folder: Path
    lancang: Lancang

    def __post_init__(self) -> None:
        self.secret = self.write("passphrase", f"{PASSPHRASE}\n")
        self.bundle = self.folder / "a.bundle"
        self.bundle.write_bytes(bundle_file(200, at=int(time.time()) - 60).encode())
        self.root_jwk = self.make_key("root")
        self.daily = self.write("daily.jwk", json.dumps(self.make_key("daily")))
        signers = [{"name": "Kunming", "jwk": self.root_jwk}]
        profile = trust_profile(bundle_signers=signers, bundle_threshold=1)
        self.profile = self.folder / "profile.json"
        self.profile.write_bytes(profile.document)

    def write(self, name: str, content: str) -> Path:
        file = self.folder / name
        file.write_text(content, "utf-8")
        return file

    def make_key(self, name: str) -> dict[str, str]:
        made = self.lancang("key", self.folder / name, "--passphrase-file", self.secret)
        jwk: dict[str, str] = json.loads(done(made))
        return jwk

    def delegate(self, *arguments: object) -> Result:
        return self.lancang(
            *("delegate", "--key", self.folder / "root", "--to", self.daily),
            *("--profile", self.profile, "--passphrase-file", self.secret),
            *("--out", self.folder / "delegation", *arguments),
        )

    def sign(self, **changes: Any) -> Result:
        files = {"key": "daily", "delegation": "delegation", "out": "signed"} | changes
        return self.lancang(
            *("sign", self.bundle, "--key", self.folder / files["key"]),
            *("--delegation", self.folder / files["delegation"], "--out", self.folder / "signed"),
            *("--passphrase-file", changes.get("secret", self.secret)),
        )


@pytest.fixture
def ceremony(tmp_path: Path, lancang: Lancang) -> Ceremony:
    return Ceremony(tmp_path, lancang)


class TestCeremony:
    def test_a_delegated_key_signs_what_production_then_accepts(
        self, ceremony: Ceremony, lancang: Lancang
    ) -> None:
        assert "may sign bundles until" in done(ceremony.delegate("--days", 7))
        done(ceremony.sign())
        chosen = ("--profile", ceremony.profile)

        told = done(lancang("check", ceremony.folder / "signed", *chosen, "--signatures-only"))
        assert "signed by   Kunming" in told
        assert done(lancang("publish", ceremony.folder / "signed", *chosen)) == "published\n"
        again = lancang("publish", ceremony.folder / "signed", *chosen)
        assert done(again) == "published already\n"
        refused = lancang("publish", ceremony.bundle, *chosen)
        assert (refused.exit_code, "untrusted_bundle" in refused.stderr) == (1, True)

    def test_the_root_key_itself_signs_no_bundle(
        self, ceremony: Ceremony, lancang: Lancang
    ) -> None:
        ceremony.daily = ceremony.write("root.jwk", json.dumps(ceremony.root_jwk))
        done(ceremony.delegate())
        done(ceremony.sign(key="root"))

        refused = lancang(
            *("check", ceremony.folder / "signed", "--profile", ceremony.profile),
            "--signatures-only",
        )
        assert refused.exit_code == 1
        assert "off line" in refused.stderr

    def test_a_key_is_not_opened_by_another_passphrase(self, ceremony: Ceremony) -> None:
        done(ceremony.delegate())
        wrong = ceremony.write("wrong", "another passphrase")

        refused = ceremony.sign(secret=wrong)

        assert (refused.exit_code, "bundle_key_unusable" in refused.stderr) == (1, True)
        assert b"ENCRYPTED" in (ceremony.folder / "root").read_bytes()
        assert (ceremony.folder / "root").stat().st_mode & 0o077 == 0

    def test_keys_are_neither_overwritten_nor_weakly_protected(
        self, ceremony: Ceremony, lancang: Lancang
    ) -> None:
        before = (ceremony.folder / "root").read_bytes()
        weak = ceremony.write("weak", "short")

        for name, secret in (("root", ceremony.secret), ("new", weak)):
            refused = lancang("key", ceremony.folder / name, "--passphrase-file", secret)
            assert (refused.exit_code, "bundle_key_unusable" in refused.stderr) == (1, True)
        assert (ceremony.folder / "root").read_bytes() == before
        assert not (ceremony.folder / "new").exists()

    def test_a_delegation_is_short(self, ceremony: Ceremony) -> None:
        assert ceremony.delegate("--days", 93).exit_code == 2


def test_wrong_blocks_are_wrong_usage(ceremony: Ceremony, lancang: Lancang, tmp_path: Path) -> None:
    for block in ("x", "=5", "a=5", "-1"):
        refused = lancang(
            *("build", "--profile", ceremony.profile, "--documents", tmp_path),
            *("--out", tmp_path / "b", "--block", block),
        )
        assert refused.exit_code == 2, block
