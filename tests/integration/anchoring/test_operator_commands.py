"""Quarantine, reconciliation, roots and nodes, as operators and auditors see them in commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from registry.anchoring import connect
from registry.anchoring.domain import WriteState
from registry.anchoring.errors import ChainUnavailableError
from registry.anchoring.overview import reconciliations
from registry.anchoring.trees import KIND
from registry.cli import main
from tests.support.anchoring import Installation
from tests.support.live_anchoring import LiveChain
from tests.support.registry_database import url_of

BY = ("--by", "Chen Hao", "--reason", "as the chain shows")


@pytest.fixture
def told(home: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation whose commands talk to its chain in memory."""
    monkeypatch.setenv("LANCANG_HOME", str(home.folder))
    monkeypatch.setenv("LANCANG_DATABASE_URL", url_of(home.database))
    monkeypatch.setattr(connect, "open_chain", lambda _settings: home.chain)
    home.chain.database = None  # the commands have connections of their own
    return home


def run(*arguments: str, expected: int = 0) -> Result:
    result = CliRunner().invoke(main, ["--no-color", *arguments])
    assert result.exit_code == expected, result.output + result.stderr
    return result


def refuse(home: Installation) -> list[bytes]:
    leaves = home.queue(b"one", b"two")
    with home.worker() as worker:
        worker.round(flush=True)
        home.chain.operators.clear()
        home.chain.mine(3)
        worker.round()
    home.chain.operators.add(home.signer.address)
    return leaves


def tree_file(home: Installation) -> Path:
    return next(path for path in (home.folder / "objects" / KIND).rglob("*") if path.is_file())


class TestQuarantine:
    def test_look_and_decide(self, told: Installation) -> None:
        assert "nothing is in quarantine" in run("quarantine", "list").stderr
        leaves = refuse(told)
        listed = run("quarantine", "list", expected=1).stdout
        assert "1  batch, 2 leaves" in listed
        assert "reverted: the contract refused the transaction, finally" in listed
        assert json.loads(run("quarantine", "list", "--json", expected=1).stdout)["id"] == 1
        shown = json.loads(run("quarantine", "show", "1").stdout)
        assert set(shown["examination"]["allowed"]) == {"new-nonce", "abandon"}
        assert shown["examination"]["nonces"] == [0]
        assert shown["steps"][-1]["event"] == "quarantine"

        refused = run("quarantine", "decide", "1", "resend", *BY, expected=1).stderr
        assert "decision_refused" in refused
        assert run("quarantine", "decide", "1", "burn", *BY, expected=2)
        assert run("quarantine", "decide", "1", "abandon", expected=2)
        assert "leaves go back" in run("quarantine", "decide", "1", "abandon", *BY).stdout
        told.finish()
        told.assert_anchored_once(leaves)
        decided = json.loads(run("quarantine", "show", "1").stdout)["decisions"]
        assert [each["decision"] for each in decided] == ["abandon"]
        run("quarantine", "show", "77", expected=1)
        trail = run("audit", "list", "--object", "ledger_write:1").stdout
        assert "quarantine.decide" in trail
        run("audit", "verify")

    def test_what_the_chain_lost_is_set_aside_and_sent_again(self, told: Installation) -> None:
        leaves = told.queue(b"one")
        told.finish()
        run("quarantine", "add", "1", *BY, expected=1)
        told.chain.reorganise(len(told.chain.blocks) - 1)
        told.chain.mine(3)
        report = json.loads(run("reconcile", expected=1).stdout)
        assert {each["code"] for each in report["discrepancies"]} == {
            "effect_missing", "nonce_gap",
        }  # fmt: skip
        run("quarantine", "add", "1", *BY)
        run("quarantine", "decide", "1", "resend", *BY)
        told.finish()
        told.assert_anchored_once(leaves)
        run("reconcile")


class TestReconcile:
    def test_exit_status_says_what_came_of_it(self, told: Installation) -> None:
        told.queue(b"one")
        told.finish()
        report = json.loads(run("reconcile").stdout)
        assert (report["scope"], report["discrepancies"]) == ("full", [])
        assert json.loads(run("reconcile", "--recent").stdout)["scope"] == "recent"
        tree_file(told).unlink()
        run("reconcile", expected=1)

        def silent(_name: str, _moment: str) -> None:
            raise ChainUnavailableError("no node answers")

        told.chain.faults = silent
        for option in ("--record", "--no-record"):
            answer = run("reconcile", option, expected=3)
            assert json.loads(answer.stdout)["problem"] == "chain_unreachable"

    def test_without_a_record_nothing_is_written(self, told: Installation) -> None:
        told.queue(b"one")
        told.finish()
        for _ in range(2):
            assert json.loads(run("reconcile", "--no-record").stdout)["scope"] == "full"
        with told.database.read() as session:
            assert reconciliations(session) == []


class TestRoots:
    def test_database_and_store(
        self,
        told: Installation,
        install: Callable[[], Installation],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        told.queue(b"one", b"two")
        told.finish()
        for source in ("database", "store"):
            check = json.loads(run("roots", "--from", source).stdout)
            assert (check["outcome"], check["size"]) == ("anchored", 2)
        empty = install()
        monkeypatch.setenv("LANCANG_DATABASE_URL", url_of(empty.database))
        assert json.loads(run("roots", "--from", "store").stdout)["outcome"] == "anchored"
        assert run("roots").stdout == ""
        tree_file(told).write_bytes(b"rot")
        assert (
            json.loads(run("roots", "--from", "store", expected=1).stdout)["outcome"] == "damaged"
        )


@pytest.mark.chain
def test_every_node_is_compared_with_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveChain(tmp_path)
    monkeypatch.setenv("LANCANG_HOME", str(tmp_path))
    monkeypatch.delenv("LANCANG_DATABASE_URL", raising=False)
    try:
        live.found()
        live.mine(3)
        [line] = run("chain", "check").stdout.splitlines()
        answer = json.loads(line)
        assert (answer["ok"], answer["chain_id"], len(answer["ledgers"])) == (True, 31337, 1)
        profile = json.loads(live.settings.trust_profile.read_text())
        profile["chains"][0]["genesis"] = "0x" + "22" * 32
        live.settings.trust_profile.write_text(json.dumps(profile))
        answer = json.loads(run("chain", "check", expected=1).stdout)
        assert (answer["ok"], answer["code"]) == (False, "chain_mismatch")
    finally:
        live.stop()


def test_states_have_words_on_the_page() -> None:
    texts = json.loads(
        (Path(__file__).parents[3] / "registry/web/texts/operations.json").read_text("utf-8")
    )
    for state in WriteState:
        assert state is WriteState.OPEN or f"write_state.{state}" in texts
