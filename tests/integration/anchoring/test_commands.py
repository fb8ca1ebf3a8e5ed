"""`lancang init`, `anchor` and `reconcile` as a user runs them, on a real chain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from registry.anchoring.connect import embedded_chain
from registry.certificates.models import IssuedTokenRow
from registry.cli import main
from registry.kit.database import Database
from registry.settings import Settings

pytestmark = [pytest.mark.chain, pytest.mark.slow]

SAMPLES = Path(__file__).parents[3] / "examples" / "sample_documents.json"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("LANCANG_HOME", str(tmp_path / "a home"))
    made = Settings(home=tmp_path / "a home")
    yield made
    embedded_chain(made).stop()


def run(*arguments: str, expected: int = 0) -> Result:
    result = CliRunner().invoke(main, ["--no-color", *arguments])
    assert result.exit_code == expected, result.output + result.stderr
    return result


def test_from_nothing_to_agreement(settings: Settings, tmp_path: Path) -> None:
    for command in ("anchor", "reconcile"):
        assert "lancang init" in run(command, expected=1).stderr
    assert "give a FILE" in run("init", expected=1).stderr
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"parties": [{"id": "cn"}], "bodies": {}}')
    refused = run("init", str(wrong), expected=1).stderr
    assert "/parties/0" in refused
    assert "/bodies" in refused

    first = run("init", str(SAMPLES))
    assert "trust profile" in first.stdout
    assert run("init", str(SAMPLES)).stdout == first.stdout

    run("issue", str(SAMPLES), "--maker", "Li Na", "--approver", "Wang Fang")
    assert "everything is anchored, final and published" in run("anchor", "--wait").output
    database = Database(settings.database)
    with database.read() as session:
        certificate = session.scalars(select(IssuedTokenRow.certificate_id)).first()
    database.dispose()
    run("revoke", str(certificate), "--reason", "error")
    told = run("anchor", "--wait").stderr
    assert "1 changes of status to carry out" in told
    assert "status change 2: published" in told

    report = json.loads(run("reconcile").stdout)
    assert report["discrepancies"] == []
    assert report["checked"]["leaves"] > 4
    assert report["checked"]["revocations"] == 1

    for path in (settings.objects / "trees").rglob("*"):
        if path.is_file():
            path.unlink()
    report = json.loads(run("reconcile", expected=1).stdout)
    assert [found["code"] for found in report["discrepancies"]] == ["tree_missing"]
