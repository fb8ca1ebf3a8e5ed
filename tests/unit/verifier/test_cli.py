"""`lancang-verify`: options, exit statuses, what is printed for whom."""

from __future__ import annotations

import errno
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support.evidence_builders import (
    NOW,
    Evidence,
    World,
    body_of,
    cement,
    durian,
    trust_profile,
)
from verifier import choices, cli
from verifier.checks.facts import StatusEvent
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.strict_json import parse_json_object

REVOKED = StatusEvent(kind="revoked", reason=4, by_party=False, block=150, time=NOW - 3600)


@dataclass(frozen=True)
class Outcome:
    """What a run of the command left behind."""

    status: int
    out: str
    err: str


class Source:
    """Stands in for the source over JSON-RPC: answers from the world, notes how it was opened."""

    opened: list[dict[str, Any]]

    def __init__(self, world: World) -> None:
        self.world = world
        self.opened = []

    def __call__(self, profile: Any, **options: Any) -> Self:
        self.opened.append({"profile": profile} | options)
        return self

    def __enter__(self) -> Any:
        return self.world.source

    def __exit__(self, *error: object) -> None:
        pass


class Desk:
    """A world, a folder with files from it, and the command at hand."""

    def __init__(self, folder: Path, run: Callable[..., Outcome]) -> None:
        self.folder = folder
        self.world = World()
        self.source = Source(self.world)
        self.evidence: Evidence = self.world.issue(durian())
        self.profile = self.write("trust profile.json", trust_profile(demonstration=True).document)
        self.receipt = self.write("a b.receipt.json", self.evidence.receipt_bytes())
        self.token = self.write("c.sdjwt", self.evidence.sdjwt + "\n")
        self.run = run

    def write(self, name: str, content: str | bytes) -> Path:
        """Return a file with this content."""
        file = self.folder / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Desk:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR", "LANCANG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["lancang-verify", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsysbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, out.decode(), err.decode())

    made = Desk(tmp_path, run)
    monkeypatch.setattr(cli, "RpcTrustSource", made.source)
    monkeypatch.setattr(choices, "RegistryClient", lambda _: made.world.registry)
    monkeypatch.setattr(cli.time, "time", lambda: NOW + 0.5)
    return made


class TestExitStatus:
    def test_valid_with_notes_is_0(self, desk: Desk) -> None:
        outcome = desk.run(desk.receipt, "--profile", desk.profile)

        assert outcome.status == 0
        assert "VALID, WITH NOTES" in outcome.out
        assert "DEMO-KM-2026-0081060-000123" in outcome.out

    def test_not_valid_is_1(self, desk: Desk) -> None:
        desk.world.set_status(body_of(durian()), revoked=True, events=(REVOKED,))

        outcome = desk.run(desk.receipt, "--profile", desk.profile)

        assert outcome.status == 1
        assert "fraud" in outcome.out

    @pytest.mark.parametrize(
        "arguments",
        [
            pytest.param([], id="no input"),
            pytest.param(["x", "--unknown"], id="unknown option"),
            pytest.param(["x", "--bundle", "b.bundle"], id="a bundle needs a profile"),
            pytest.param(["x", "--profile", "missing.json"], id="no such profile"),
            pytest.param(["x", "--receipt", "missing.json"], id="no such receipt"),
            pytest.param(["x", "--country", "Laos"], id="no country code"),
            pytest.param(["x", "--at", "2026-02-11"], id="a date is no moment"),
            pytest.param(["x", "--at", "yesterday"], id="no date at all"),
            pytest.param(["x", "--at", "2030-01-01T00:00:00Z"], id="the future"),
            pytest.param(["x", "--rpc", "embedded", "--rpc", "http://127.0.0.1"], id="two chains"),
            pytest.param(["x", "--quorum", "0"], id="quorum of none"),
            pytest.param(["x", "--lang", "xx"], id="unknown language"),
        ],
    )
    def test_wrong_usage_is_2_and_says_what_to_do(self, desk: Desk, arguments: list[str]) -> None:
        outcome = desk.run(*arguments)

        assert outcome.status == 2
        assert outcome.out == ""
        assert "Error" in outcome.err
        assert "Traceback" not in outcome.err

    def test_cannot_confirm_is_3(self, desk: Desk) -> None:
        outcome = desk.run(desk.receipt)

        assert outcome.status == 3
        assert "does NOT mean that the document is false" in outcome.out
        assert "none chosen" in outcome.out

    def test_not_ours_is_4(self, desk: Desk) -> None:
        outcome = desk.run(desk.write("letter.txt", "Dear Sir"), "--profile", desk.profile)

        assert outcome.status == 4
        assert "NOT OURS" in outcome.out

    @pytest.mark.parametrize(
        ("inputs", "status"),
        [
            ("valid", 0),
            ("valid unreadable", 2),
            ("valid unreadable foreign", 4),
            ("valid unreadable foreign bare", 3),
            ("valid unreadable foreign bare altered", 1),
        ],
    )
    def test_of_several_inputs_the_worst_counts(self, desk: Desk, inputs: str, status: int) -> None:
        altered = desk.evidence.sdjwt[:900] + ("A" if desk.evidence.sdjwt[900] != "A" else "B")
        files = {
            "valid": desk.write("v.receipt.json", desk.evidence.receipt_bytes()),
            "foreign": desk.write("f.txt", "hello"),
            "bare": desk.write("b.sdjwt", desk.evidence.sdjwt),
            "altered": desk.write("a.sdjwt", altered + desk.evidence.sdjwt[901:]),
            "unreadable": desk.folder / "missing.sdjwt",
        }

        assert (
            desk.run(*(files[name] for name in inputs.split()), "--profile", desk.profile).status
            == status
        )

    def test_a_fault_of_ours_is_no_verdict(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise ZeroDivisionError("boom")

        monkeypatch.setattr(cli, "verify", fail)

        outcome = desk.run(desk.token, "--profile", desk.profile)

        assert outcome.status == 2
        assert "ZeroDivisionError" in outcome.err
        assert "Traceback" not in outcome.err

    def test_interrupted_is_no_verdict_either(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(cli, "verify", interrupt)

        assert desk.run(desk.token).status == 130


class TestInputs:
    def test_a_token_with_its_receipt_beside_it(self, desk: Desk) -> None:
        assert (
            desk.run(desk.token, "--profile", desk.profile, "--receipt", desk.receipt).status == 0
        )
        assert desk.run(desk.token, "--profile", desk.profile).status == 3

    def test_a_token_with_a_registry(self, desk: Desk) -> None:
        outcome = desk.run(
            desk.token, "--profile", desk.profile, "--registry", "https://registry.example"
        )

        assert outcome.status == 0

    def test_the_text_of_a_code(self, desk: Desk) -> None:
        outcome = desk.run(
            desk.evidence.offline_code,
            "--profile",
            desk.profile,
            "--registry",
            "https://registry.example",
        )

        assert outcome.status == 0
        assert "Summary only" in outcome.out
        assert "verify.example. It was not used" in outcome.err

    def test_an_address_is_named_once_and_a_foreign_one_as_well(self, desk: Desk) -> None:
        foreign = desk.evidence.offline_code.replace("verify.example", "verify.examp1e.test")

        outcome = desk.run(*[desk.evidence.offline_code] * 3, foreign, "--profile", desk.profile)

        assert outcome.err.count("verify.example. It was not used") == 1
        assert outcome.err.count("verify.examp1e.test. It was not used") == 1

    def test_a_link_code_alone(self, desk: Desk) -> None:
        outcome = desk.run(desk.evidence.link_code, "--profile", desk.profile)

        assert outcome.status == 3
        assert "online_code_needs_registry" in outcome.out

    def test_standard_input(self, desk: Desk) -> None:
        outcome = desk.run("-", "--profile", desk.profile, stdin=desk.evidence.receipt_bytes())

        assert outcome.status == 0

    def test_every_unreadable_input_is_named_with_what_to_do(self, desk: Desk) -> None:
        folder = desk.folder / "folder.pdf"
        folder.mkdir()
        broken = desk.write("broken.png", b"\x89PNG\r\n\x1a\n" + bytes(40))

        outcome = desk.run(desk.folder / "missing.pdf", folder, broken, "bad\0name", "\x1b[2Jx")

        assert outcome.status == 2
        assert "missing.pdf cannot be read: no such file; check the name" in outcome.err
        assert "folder.pdf cannot be read: it is a folder; name the files in it" in outcome.err
        assert "broken.png" in outcome.err
        assert "no file can have this name" in outcome.err
        assert "\x1b" not in outcome.err

    def test_a_receipt_option_that_is_none(self, desk: Desk) -> None:
        damaged = desk.evidence.receipt_bytes().replace(b'"size":3', b'"size":4')

        outcome = desk.run(desk.token, "--receipt", desk.write("r.json", damaged))

        assert outcome.status == 2
        assert "damaged" in outcome.err


class TestOutput:
    def test_json_is_one_canonical_report_a_line_in_the_order_of_the_inputs(
        self, desk: Desk
    ) -> None:
        other = desk.world.issue(cement())
        files = [
            desk.write("1.receipt.json", desk.evidence.receipt_bytes()),
            desk.folder / "missing",
            desk.write("2.receipt.json", other.receipt_bytes()),
        ]

        outcome = desk.run(*files, "--profile", desk.profile, "--json")

        first, error, second = outcome.out.splitlines()
        assert outcome.status == 2
        for line, number in ((first, "DEMO-KM-2026-0081060-000123"), (second, "2523290")):
            report = parse_json_object(line.encode(), what="report")
            assert number in json.dumps(report["document"])
            assert report["checked_at"] == "2026-11-21T12:00:00Z"
        assert json.loads(error) == {
            "error": "unreadable_input",
            "input": str(files[1]),
            "report": None,
        }

    def test_now_and_then(self, desk: Desk) -> None:
        desk.world.set_status(body_of(durian()), revoked=True, events=(REVOKED,))
        outcome = desk.run(
            desk.receipt, "--profile", desk.profile, "--json", "--at", "2026-11-21T18:59:59+08:00"
        )

        report = json.loads(outcome.out)
        assert outcome.status == 1
        assert report["then"] == {"at": "2026-11-21T10:59:59Z", "overall": "valid_with_notes"}
        assert desk.source.opened[0]["history"] is True

    def test_history_is_not_asked_for_without_need(self, desk: Desk) -> None:
        desk.run(desk.receipt, "--profile", desk.profile)

        assert desk.source.opened[0]["history"] is False
        assert desk.source.opened[0]["now"] == NOW

    def test_many_inputs_get_short_answers_and_a_total(self, desk: Desk) -> None:
        files = [
            desk.write(f"{number}.receipt.json", desk.evidence.receipt_bytes())
            for number in range(4)
        ]
        foreign = desk.write("foreign.txt", "hello")

        outcome = desk.run(*files, foreign, "--profile", desk.profile)

        assert len(outcome.out.splitlines()) == 6
        assert outcome.out.splitlines()[-1] == (
            "Checked 5 documents; ! VALID, WITH NOTES: 4; ? NOT OURS: 1"
        )

    @pytest.mark.parametrize(
        ("environment", "options", "expected"),
        [
            ({"LANG": "zh_CN.UTF-8"}, [], "有效"),
            ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, [], "VALID"),
            ({"LANG": "zh_CN.UTF-8"}, ["--lang", "en"], "VALID"),
            ({}, ["--lang", "zh"], "有效"),
            ({"LANG": "C"}, [], "VALID"),
        ],
    )
    def test_language(
        self,
        desk: Desk,
        monkeypatch: pytest.MonkeyPatch,
        environment: dict[str, str],
        options: list[str],
        expected: str,
    ) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert expected in desk.run(desk.receipt, "--profile", desk.profile, *options).out

    @pytest.mark.parametrize(
        ("terminal", "no_color", "options", "coloured"),
        [
            (True, "", [], True),
            (False, "", [], False),
            (True, "1", [], False),
            (True, "", ["--no-color"], False),
        ],
    )
    def test_colours_can_be_switched_off(
        self,
        desk: Desk,
        monkeypatch: pytest.MonkeyPatch,
        options: list[str],
        no_color: str,
        *,
        terminal: bool,
        coloured: bool,
    ) -> None:
        monkeypatch.setenv("NO_COLOR", no_color)
        seen: list[bool] = []
        display = cli.Display
        monkeypatch.setattr(
            cli, "Display", lambda words, colour: seen.append(colour) or display(words, colour)
        )
        monkeypatch.setattr(cli, "_is_terminal", lambda stream: terminal)

        desk.run(desk.receipt, *options)

        assert seen == [coloured]

    @pytest.mark.parametrize(
        ("terminals", "options", "shown"),
        [
            ("stderr", ["--json"], True),
            ("stderr", [], True),
            ("stderr stdout", ["--json"], True),
            ("stderr stdout", [], False),
            ("", ["--json"], False),
        ],
    )
    def test_progress_is_shown_where_a_person_waits(
        self,
        desk: Desk,
        monkeypatch: pytest.MonkeyPatch,
        terminals: str,
        options: list[str],
        *,
        shown: bool,
    ) -> None:
        names = {sys.stdout: "stdout", sys.stderr: "stderr"}
        monkeypatch.setattr(cli, "_is_terminal", lambda stream: names[stream] in terminals)
        bars: list[int] = []
        bar = cli.click.progressbar

        def progressbar(inputs: Any, **named: Any) -> Any:
            bars.append(len(inputs))
            return bar(inputs, **named)

        monkeypatch.setattr(cli.click, "progressbar", progressbar)

        outcome = desk.run(*[desk.receipt] * 4, "--profile", desk.profile, *options)

        assert outcome.status == 0
        assert bars == ([4] if shown else [])

    def test_help_names_the_exit_statuses(self, desk: Desk) -> None:
        outcome = desk.run("--help")

        assert outcome.status == 0
        assert "3  cannot be confirmed now" in outcome.out


class TestChain:
    def test_endpoints_of_the_command_line(self, desk: Desk) -> None:
        outcome = desk.run(
            desk.receipt, "--profile", desk.profile, "--rpc", "http://127.0.0.1:1", "--quorum", "1"
        )

        assert outcome.status == 0
        endpoints = desk.source.opened[0]["profile"].chains[0].endpoints
        assert [endpoint.url for endpoint in endpoints] == ["http://127.0.0.1:1"]

    def test_a_quorum_that_cannot_be_had(self, desk: Desk) -> None:
        outcome = desk.run(
            "x", "--profile", desk.profile, "--rpc", "http://127.0.0.1:1", "--quorum", "2"
        )

        assert outcome.status == 2
        assert "quorum" in outcome.err

    def test_a_node_without_a_profile_confirms_nothing(self, desk: Desk) -> None:
        outcome = desk.run(desk.receipt, "--rpc", "http://127.0.0.1:1")

        assert outcome.status == 3
        assert "whom to ask, not whom to trust" in outcome.err

    def test_the_embedded_chain_is_for_demonstration(self, desk: Desk) -> None:
        production = desk.write("p.json", trust_profile().document)

        outcome = desk.run("x", "--profile", production, "--rpc", "embedded")

        assert outcome.status == 2
        assert "demonstration" in outcome.err

    @pytest.mark.parametrize("home", [None, "elsewhere"])
    def test_the_embedded_chain_is_kept_in_the_home_of_the_installation(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, home: str | None
    ) -> None:
        kept: list[Path] = []

        class Chain:
            def __init__(self, state_dir: Path) -> None:
                kept.append(state_dir)

            def ensure_running(self) -> Any:
                return type("Endpoint", (), {"url": "http://127.0.0.1:9"})

        monkeypatch.setattr(cli, "EmbeddedChain", Chain)
        if home:
            monkeypatch.setenv("LANCANG_HOME", home)
        assert desk.run(desk.receipt, "--profile", desk.profile, "--rpc", "embedded").status == 0
        assert kept == [Path(home or "var") / "chain"]
        assert desk.source.opened[0]["profile"].chains[0].quorum == 1

    def test_an_embedded_chain_that_does_not_start_is_a_dead_chain(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Chain:
            def __init__(self, state_dir: Path) -> None:
                pass

            def ensure_running(self) -> Any:
                raise EvidenceUnavailableError("chain_unreachable", "anvil is missing: run npm ci")

        monkeypatch.setattr(cli, "EmbeddedChain", Chain)
        outcome = desk.run(desk.receipt, "--profile", desk.profile, "--rpc", "embedded")

        assert outcome.status == 3
        assert "anvil is missing" in outcome.err
        assert "chain_unreachable" in outcome.out


def test_a_reader_of_our_output_may_stop_early(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object, **__: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "closed")

    monkeypatch.setattr(cli, "verify", closed)
    monkeypatch.setattr(cli.os, "dup2", lambda *_: None)

    assert desk.run(desk.token).status == 141
