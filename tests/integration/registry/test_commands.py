"""`lancang` as a person at a terminal uses it; the signer runs as a real child process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from registry.cli import main
from tests.support.registry_world import PASSPHRASE, World, samples
from verifier.core.certificate import parse_certificate

PEOPLE = ("--maker", "Li Na", "--approver", "Wang Fang")


class Shell:
    """Runs `lancang` against one installation."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.runner = CliRunner()

    def __call__(self, *arguments: str) -> Result:
        result = self.runner.invoke(main, ["--no-color", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def file(self, name: str, content: Any) -> str:
        path = self.world.folder / name
        path.write_text(json.dumps(content), "utf-8")
        return str(path)


@pytest.fixture
def shell(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """The world's keystore and database, reached through settings alone."""
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE)
    passphrase.chmod(0o600)
    monkeypatch.setenv("LANCANG_HOME", str(tmp_path))
    monkeypatch.setenv("LANCANG_SIGNER__KEYSTORE", str(tmp_path / "keys"))
    monkeypatch.setenv("LANCANG_SIGNER__PASSPHRASE_FILE", str(passphrase))
    return Shell(world)


def test_samples_are_issued_once(shell: Shell) -> None:
    file = shell.file("samples.json", samples())
    first = shell("issue", file, *PEOPLE, "--json")
    assert first.exit_code == 0, first.output
    records = [json.loads(line)["issued"] for line in first.stdout.splitlines()]
    assert [record["number"] for record in records] == [
        document["number"] for document in samples()["documents"]
    ]
    again = shell("issue", file, *PEOPLE)
    assert again.exit_code == 0
    assert "0 signed, 4 were signed before" in again.stdout


def test_every_problem_is_printed_and_nothing_stored(shell: Shell) -> None:
    wrong = samples()["documents"]
    wrong[0]["title"] = {"en": "[red]x\u202e"}
    wrong[1]["dates"]["issued"] = "yesterday"
    result = shell("issue", shell.file("a.json", wrong), shell.file("b.json", 3), *PEOPLE)
    assert result.exit_code == 1
    assert "/0/title/en" in result.stdout
    assert "/1/dates/issued" in result.stdout
    assert "b.json" in result.stdout
    assert "\u202e" not in result.stdout
    assert "problems: 3; nothing was imported" in result.stderr
    with shell.world.database.read() as session:
        assert session.execute(text("SELECT count(*) FROM certificates")).scalar() == 0


def test_a_taken_number_is_reported_with_everything_else(shell: Shell) -> None:
    assert shell("issue", shell.file("a.json", samples()["documents"][0]), *PEOPLE).exit_code == 0
    changed = samples()["documents"][:2]
    changed[0]["customer"]["name"] = "Somebody else"
    changed[1]["demonstration"] = False
    result = shell("issue", shell.file("b.json", changed), *PEOPLE, "--json")
    assert result.exit_code == 1
    problems = [json.loads(line)["problem"] for line in result.stdout.splitlines()]
    assert {(problem["pointer"], problem["code"]) for problem in problems} == {
        ("/0/number", "number_taken"),
        ("/1/demonstration", "demonstration_differs"),
    }


@pytest.mark.parametrize("approver", ["Li Na", "li  na"])
def test_one_person_cannot_issue(shell: Shell, approver: str) -> None:
    file = shell.file("samples.json", samples())
    result = shell("issue", file, "--maker", "Li Na", "--approver", approver)
    assert result.exit_code == 1
    assert "maker_is_approver" in result.stderr


def test_an_interrupted_run_goes_on(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    file = shell.file("samples.json", samples())
    with monkeypatch.context() as broken:
        broken.setenv("LANCANG_SIGNER__KEYSTORE", str(shell.world.folder / "nowhere"))
        result = shell("issue", file, *PEOPLE)
    assert result.exit_code == 1
    assert "run the same command again" in result.stderr
    assert "keystore_damaged" in result.stderr
    assert "4 signed" in shell("issue", file, *PEOPLE).stdout


def test_views_are_written_for_their_destination(shell: Shell, tmp_path: Path) -> None:
    [item] = shell.world.issue(samples()["documents"][0])
    out = tmp_path / "out files"
    whole = shell("view", item.certificate_id, "--out", str(out))
    assert whole.exit_code == 0
    assert "not all of it is anchored" in whole.stderr
    shell.world.anchor()
    view = shell(
        "view", item.certificate_id, "--to", "LA", "--withhold", "customer",
        "--withhold", "results.2", "--ground", "PD1", "--out", str(out),
    )  # fmt: skip
    assert view.exit_code == 0, view.output
    names = {path.name.removeprefix(item.number) for path in out.iterdir()}
    assert {".sdjwt", ".receipt.json", ".LA.sdjwt", ".LA.receipt.json"} <= names
    tokens = [(out / f"{item.number}{end}").read_text() for end in (".sdjwt", ".LA.sdjwt")]
    whole_count, view_count = (len(parse_certificate(text).disclosures) for text in tokens)
    assert view_count == whole_count - 4  # two of the customer, one result, the list of contents


@pytest.mark.parametrize(
    "options",
    [
        ("--withhold", "customer", "--ground", "PD1"),
        ("--to", "LA", "--withhold", "customer"),
        ("--to", "LA", "--ground", "PD1"),
    ],
)
def test_half_a_decision_is_wrong_usage(shell: Shell, options: tuple[str, ...]) -> None:
    [item] = shell.world.issue(samples()["documents"][0])
    assert shell("view", item.certificate_id, *options).exit_code == 2


def test_a_revocation_is_ordered_once(shell: Shell) -> None:
    [item] = shell.world.issue(samples()["documents"][0])
    first = shell("revoke", item.certificate_id, "--reason", "fraud", "--by", "Zhao Liu")
    assert first.exit_code == 0
    again = shell("revoke", item.certificate_id, "--reason", "error")
    assert again.exit_code == 1
    assert "already_revoked" in again.stderr
    assert shell("revoke", item.certificate_id, "--reason", "bad_luck").exit_code == 2
    with shell.world.database.read() as session:
        orders = session.execute(text("SELECT act, reason, ordered_by FROM status_orders")).all()
    assert orders == [("revoke", 4, "Zhao Liu")]


def test_a_database_without_tables_says_what_to_do(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANCANG_HOME", str(tmp_path / "fresh"))
    monkeypatch.delenv("LANCANG_DATABASE_URL")
    result = shell("revoke", "00000000-0000-0000-0000-000000000000", "--reason", "error")
    assert result.exit_code == 1
    assert "schema_outdated" in result.stderr
    assert "lancang migrate" in result.stderr
    first = shell("migrate")
    assert "upgraded from empty" in first.stdout
    assert "nothing to do" in shell("migrate").stdout
    missing = shell("revoke", "00000000-0000-0000-0000-000000000000", "--reason", "error")
    assert "certificate_not_found" in missing.stderr


def test_a_misspelt_setting_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANCANG_DATABASE", "sqlite://")
    result = shell("migrate")
    assert result.exit_code == 1
    assert "LANCANG_DATABASE" in result.stderr


def test_every_command_explains_itself(shell: Shell) -> None:
    names = main.list_commands(None)  # type: ignore[arg-type]
    assert {"issue", "migrate", "revoke", "serve", "signer", "view"} <= set(names)
    assert shell("--help").exit_code == 0
    for name in names:
        assert shell(name, "--help").exit_code == 0
    assert shell("nothing").exit_code == 2
