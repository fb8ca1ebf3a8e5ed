"""`lancang-verify --bundle`: without a network, with deltas, and never with an older one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.bundles import Vouching, bundle_of
from tests.support.evidence_builders import NOW, World, body_of, durian, trust_profile
from verifier import cli
from verifier.bundle.content import encode_content
from verifier.bundle.delta import Delta
from verifier.bundle.file import BundleFile
from verifier.checks.facts import StatusEvent
from verifier.core.limits import MAX_BUNDLE_DELTAS

REVOKED = StatusEvent(kind="revoked", reason=4, by_party=False, block=210, time=NOW - 60)
Run = Callable[..., tuple[int, str, str]]


class Desk:
    """A folder with a document, two bundles about it and the delta between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World()
        evidence = self.world.issue(durian())
        self.profile = self.write("p.json", trust_profile(demonstration=True).document)
        self.receipt = self.write("d.receipt.json", evidence.receipt_bytes())
        self.token = self.write("d.sdjwt", evidence.sdjwt)
        self.code = evidence.offline_code
        self.first = BundleFile(encode_content(bundle_of(self.world)))
        self.world.set_status(body_of(durian()), revoked=True, events=(REVOKED,))
        self.second = BundleFile(encode_content(bundle_of(self.world, block=220)))
        self.bundle = self.write("first.bundle", self.first.encode())
        self.newer = self.write("second.bundle", self.second.encode())
        self.delta = self.write("x.delta", Delta.between(self.first, self.second).encode())

    def write(self, name: str, content: str | bytes) -> Path:
        file = self.folder / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANCANG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cli.time, "time", lambda: NOW + 0.5)

    def no_network(*_: object, **__: object) -> Any:
        raise AssertionError("a bundle alone asks nobody")

    monkeypatch.setattr(cli, "RpcTrustSource", no_network)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lancang-verify", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, out, err

    return run


def test_verifies_files_and_codes_without_a_network(desk: Desk, run: Run) -> None:
    chosen = ("--profile", desk.profile, "--bundle", desk.bundle)

    for arguments in ((desk.receipt,), (desk.code,), (desk.token, "--receipt", desk.receipt)):
        status, out, _ = run(*arguments, *chosen)
        assert status == 0
        assert "VALID, WITH NOTES" in out
        assert "From the trust bundle of block 200" in out

    status, out, _ = run(desk.receipt, *chosen, "--json")
    assert json.loads(out)["bundle"] == {"block": 200, "age_seconds": 30}


def test_a_delta_brings_the_revocation(desk: Desk, run: Run) -> None:
    chosen = ("--profile", desk.profile, "--bundle", desk.bundle)

    status, out, _ = run(desk.receipt, *chosen, "--bundle", desk.delta)

    assert status == 1
    assert "fraud" in out
    status, out, err = run(desk.receipt, *chosen)
    assert (status, out) == (2, "")
    assert "one about block 220 was used before" in err


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (("d.sdjwt",), "bundle file"),
        (("missing.bundle",), "no such file"),
        (("x.delta",), "bundle file"),
        (("second.bundle", "x.delta"), "is for the bundle"),
        (("first.bundle", "second.bundle"), "bundle delta"),
        (("first.bundle", *["x.delta"] * (MAX_BUNDLE_DELTAS + 1)), "deltas"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    desk: Desk, run: Run, files: tuple[str, ...], told: str
) -> None:
    bundles = [argument for name in files for argument in ("--bundle", desk.folder / name)]

    status, out, err = run(desk.receipt, "--profile", desk.profile, *bundles)

    assert (status, out) == (2, "")
    assert told in err


def test_production_refuses_what_too_few_have_signed(desk: Desk, run: Run) -> None:
    vouching = Vouching()
    profile = desk.write("production.json", vouching.profile().document)
    bundle = bundle_of(desk.world)

    for file, told in (
        (desk.first, "0 of the 2 signatures"),
        (vouching.sign(bundle, "Kunming"), "1 of the 2 signatures"),
    ):
        status, out, err = run(
            desk.receipt, "--profile", profile, "--bundle", desk.write("b", file.encode())
        )
        assert (status, out) == (2, "")
        assert told in err

    signed = desk.write("b", vouching.sign(bundle).encode())
    status, _, _ = run(desk.receipt, "--profile", profile, "--bundle", signed)
    assert status == 1, "the world revoked it"


def test_with_nodes_the_chain_decides(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Chain:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def __enter__(self) -> Any:
            return desk.world.source

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(cli, "RpcTrustSource", Chain)

    status, out, _ = run(
        *(desk.code, "--profile", desk.profile, "--bundle", desk.bundle),
        *("--rpc", "https://node.example", "--quorum", 1, "--json"),
    )

    report = json.loads(out)
    assert (status, report["overall"], report["bundle"]) == (1, "not_valid", None)
    assert report["anchor"] is not None, "the way to the root is that of the bundle"
