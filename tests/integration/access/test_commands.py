"""`lancang people`, `lancang token` and `lancang audit` as an operator uses them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from registry.access.secrets_at_rest import Passwords
from registry.cli import main
from registry.commands import people
from tests.support.access_world import CHEAP, NEAR, PASSWORD, AccessWorld


class Shell:
    """Runs `lancang` against the world's database."""

    def __init__(self, world: AccessWorld) -> None:
        self.world = world
        self.runner = CliRunner()

    def __call__(self, *arguments: str, typed: str = "") -> Result:
        result = self.runner.invoke(main, ["--no-color", *arguments], input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def done(self, *arguments: str, typed: str = "") -> str:
        result = self(*arguments, typed=typed)
        assert result.exit_code == 0, result.output
        return result.stdout


@pytest.fixture
def shell(world: AccessWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    key = tmp_path / "access.key"
    key.write_text(world.gate.key.secret.hex())
    url = world.database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("LANCANG_HOME", str(tmp_path))
    monkeypatch.setenv("LANCANG_DATABASE_URL", url)
    monkeypatch.setenv("LANCANG_ACCESS_KEY_FILE", str(key))

    def cheap() -> Passwords:
        return CHEAP

    monkeypatch.setattr(people, "Passwords", cheap)
    return Shell(world)


def test_from_nobody_to_a_working_token(shell: Shell) -> None:
    shell.done("people", "add", "Li Na", "--login", "lina", "--password-file", "-", typed=PASSWORD)
    shell.done("people", "grant", "lina", "clerk", "near", "--from", "2026-01-01")
    secret = shell.done("token", "create", "Li Na", "--label", "LIMS").strip()
    principal = shell.world.gate.principal_of(secret)
    [grant] = principal.grants
    assert (principal.name, grant.role, grant.tenant.body) == ("Li Na", "clerk", NEAR.id)
    assert shell.world.gate.sign_in("lina", PASSWORD)
    [listed] = map(json.loads, shell.done("token", "list", "lina", "--json").splitlines())
    shell.done("token", "revoke", listed["id"])
    assert json.loads(shell.done("token", "list", "lina", "--json"))["revoked_at"] is not None
    [person] = map(json.loads, shell.done("people", "list", "--json").splitlines())
    assert person["roles"] == [f"clerk body:{NEAR.id.hex()}"]
    assert "1 ended" in shell.done("people", "revoke", "lina", "clerk", NEAR.id.hex())
    assert json.loads(shell.done("people", "list", "--json"))["roles"] == []


def test_a_second_account_belongs_to_the_same_person(shell: Shell) -> None:
    shell.done("people", "add", "Li Na", "--login", "lina", "--password-file", "-", typed=PASSWORD)
    external = ("--issuer", "https://id.example", "--subject", "7")
    shell.done("people", "add", "Li Na", "--account-of", "lina", *external)
    assert len(shell.done("people", "list", "--json").splitlines()) == 1
    again = shell("people", "add", "Zhao", *external)
    assert (again.exit_code, "login_taken" in again.output) == (1, True)
    assert len(shell.done("people", "list", "--json").splitlines()) == 1  # nothing half-done


def test_a_machine_client_and_its_end(shell: Shell) -> None:
    shell.done("people", "add", "Li Na")
    shell.done("people", "add", "LIMS", "--answered-for-by", "Li Na")
    refused = shell("people", "grant", "LIMS", "approver", "near")
    assert (refused.exit_code, "unusable_grant" in refused.output) == (1, True)
    shell.done("people", "disable", "LIMS")
    states = {
        item["name"]: item["disabled"]
        for item in map(json.loads, shell.done("people", "list", "--json").splitlines())
    }
    assert states == {"Li Na": False, "LIMS": True}


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (("people", "grant", "nobody", "clerk", "near"), 1, "person_not_found"),
        (("people", "grant", "x", "king", "near"), 2, "Invalid value"),
        (("people", "add", "x", "--issuer", "https://id.example"), 2, "--subject"),
        (("people", "add", "x", "--account-of", "y"), 2, "--account-of"),
        (("token", "create", "nobody", "--label", "x"), 1, "person_not_found"),
        (("token", "revoke", "00000000-0000-0000-0000-000000000000"), 1, "token_not_found"),
    ],
)
def test_what_is_refused(shell: Shell, arguments: tuple[str, ...], status: int, word: str) -> None:
    before = len(shell.world.trail())
    result = shell(*arguments)
    assert (result.exit_code, word in result.output) == (status, True), result.output
    assert len(shell.world.trail()) == before


def test_a_tenant_that_does_not_exist(shell: Shell) -> None:
    shell.done("people", "add", "Li Na")
    for tenant in ("nowhere", "party:near", "body:CN", "ab" * 32):
        result = shell("people", "grant", "Li Na", "clerk", tenant)
        assert (result.exit_code, "tenant_not_found" in result.output) == (1, True)


def test_the_trail_is_shown_and_proved(shell: Shell) -> None:
    shell.done("people", "add", "Li Na", "--by", "Wang")
    newest = shell.done("audit", "list", "--limit", "1")
    assert "Wang  person.add  done" in newest
    shown = [json.loads(line) for line in shell.done("audit", "list", "--json").splitlines()]
    assert [entry["sequence"] for entry in shown] == [6, 5, 4, 3, 2, 1]
    assert len(shell.done("audit", "list", "--action", "body.register").splitlines()) == 3
    assert shell.done("audit", "list", "--tenant", "party:XX") == ""
    assert re.match(r"6 entries hold, 0 ", shell.done("audit", "verify"))
    assert "queued leaf" in shell.done("audit", "anchor")
    assert "nothing is due" in shell.done("audit", "anchor")
    assert re.match(r"6 entries hold, 1 ", shell.done("audit", "verify"))


def test_the_first_wrong_entry_is_named(shell: Shell) -> None:
    engine = shell.world.database.engine
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER audit_entries_no_update"))
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE audit_entries SET actor = 'x' WHERE sequence IN (2, 4)"))
    result = shell("audit", "verify")
    assert (result.exit_code, "audit_broken" in result.output) == (1, True)
    assert "entry 2 (hash)" in result.output
