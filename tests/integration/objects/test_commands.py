"""`lancang objects` as an operator uses it."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from registry.certificates.contents import open_contents
from registry.cli import main
from registry.object_store import open_object_store
from registry.settings import load_settings
from tests.support.evidence_builders import trust_profile
from tests.support.registry_database import Databases, url_of
from tests.support.registry_world import World, samples
from tests.support.s3_server import S3Server
from verifier.checks.finding import Line
from verifier.service import Question, Submission, verify


def run(*arguments: str) -> Result:
    return invoke("objects", *arguments)


def invoke(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["--no-color", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(params=["folder", "bucket"])
def anchored(
    world: World, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Two certificates in the store that settings name; their ids."""
    monkeypatch.setenv("LANCANG_HOME", str(world.folder))
    if request.param == "bucket":
        s3: S3Server = request.getfixturevalue("s3")
        credentials = world.folder / "credentials"
        credentials.write_text("test\ntest\n")
        monkeypatch.setenv("LANCANG_STORE__BUCKET", s3.create())
        monkeypatch.setenv("LANCANG_STORE__ENDPOINT", s3.url)
        monkeypatch.setenv("LANCANG_STORE__CREDENTIALS_FILE", str(credentials))
        monkeypatch.setenv("LANCANG_STORE__PREFIX", "registry/")
    world.installation.objects = open_object_store(load_settings())
    world.installation.contents = open_contents(load_settings(), world.database)
    items = [world.issue(document)[0] for document in samples()["documents"][:2]]
    world.anchor()
    return [item.certificate_id for item in items]


def test_the_store_is_checked_and_read(world: World, anchored: list[str]) -> None:
    result = run("check")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["findings"], report["checked"]["packs"]) == ([], 1)
    assert run("show", anchored[0]).stdout.strip().startswith("eyJ")
    assert "0 batches" in run("keep").stdout


def test_everything_comes_back_without_the_database_and_verifies(
    world: World, anchored: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, into = tmp_path / "keys.jsonl", tmp_path / "recovered"
    assert "2 wrapped" in run("keys", str(keys)).stdout
    assert keys.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("LANCANG_DATABASE_URL", "sqlite:////nonexistent/lancang.db")
    result = run("restore", "--keys", str(keys), "--into", str(into))
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["checked"]["certificates recovered"] == 2
    for identifier in anchored:
        receipt = (into / f"{identifier}.receipt.json").read_bytes()
        report = verify(
            Submission(receipts=(receipt,)),
            Question(checked_at=int(world.clock.now.timestamp())),
            profile=trust_profile(),
            source=world.trust_source(),
            registry=None,
        )
        codes = {finding.line: finding.code for finding in report.findings}
        for line in (Line.UNCHANGED, Line.COMPLETE, Line.SIGNED, Line.NOT_REVOKED):
            assert codes[line] == "ok"
        assert codes[Line.TIME_STAMPED] in {"ok", "issue_date_claimed", "demonstration_chain"}
        assert json.loads((into / f"{identifier}.document.json").read_text("utf-8"))["number"]


@pytest.mark.parametrize("anchored", ["folder"], indirect=True)
def test_the_object_key_is_changed(
    world: World, anchored: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = load_settings().object_key
    earlier = key.with_name("objects-2026.key")
    shutil.move(key, earlier)
    assert json.loads(run("check").stdout)["findings"][0]["code"] == "key_unknown"
    monkeypatch.setenv("LANCANG_STORE__EARLIER_KEY_FILES", json.dumps([str(earlier)]))
    assert run("check").exit_code == 0
    assert "2 data keys" in run("rewrap").stdout
    monkeypatch.delenv("LANCANG_STORE__EARLIER_KEY_FILES")
    earlier.unlink()
    assert run("check").exit_code == 0
    assert "0 data keys" in run("rewrap").stdout


@pytest.mark.parametrize("anchored", ["folder"], indirect=True)
def test_what_is_missing_gives_an_exit_status(world: World, anchored: list[str]) -> None:
    shutil.rmtree(world.folder / "objects" / "contents")
    result = run("check")
    assert result.exit_code == 1
    [found] = json.loads(result.stdout)["findings"]
    assert found["code"] == "pack_missing"


def erase_all(world: World, monkeypatch: pytest.MonkeyPatch) -> Result:
    later = world.clock.now + timedelta(days=40_000)  # whatever the period is
    monkeypatch.setattr("registry.commands.retention.system_clock", lambda: later)
    return invoke("retention", "--ground", "period is over", "--by", "Li Na", "--yes")


@pytest.mark.parametrize("anchored", ["folder"], indirect=True)
def test_a_restored_database_is_told_what_was_erased(
    world: World,
    anchored: list[str],
    databases: Databases,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.database.dispose()  # nobody may be connected to what is copied
    (tmp_path / "backup").mkdir()
    backup = databases.create(tmp_path / "backup", url_of(world.database))
    erased = erase_all(world, monkeypatch)
    assert erased.exit_code == 0, erased.output
    assert run("check").exit_code == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANCANG_DATABASE_URL", backup)
        result = run("check")
    found = json.loads(result.stdout)["findings"]
    assert [each["code"] for each in found] == ["erasure_undone"] * 2
    assert sorted(each["data"]["certificate"] for each in found) == sorted(anchored)
    databases.drop(backup)


@pytest.mark.parametrize("anchored", ["folder"], indirect=True)
def test_erasing_does_not_wait_for_the_store(
    world: World, anchored: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = world.folder / "objects" / "erasures"
    notes.write_text("a file stands where the folder should be")
    erased = erase_all(world, monkeypatch)
    assert erased.exit_code == 1
    assert "objects keep" in erased.stderr
    notes.unlink()
    assert "2 erasures" in run("keep").stdout
    assert "0 erasures" in run("keep").stdout
    assert run("check").exit_code == 0


@pytest.mark.parametrize("line", ["", "{}", '{"certificate":"a","key":"zz","wrapped":"AA"}', "[]"])
@pytest.mark.parametrize("anchored", ["folder"], indirect=True)
def test_a_malformed_list_is_refused(
    world: World, anchored: list[str], tmp_path: Path, line: Any
) -> None:
    keys = tmp_path / "keys.jsonl"
    keys.write_text(f"{line}\n")
    result = run("restore", "--keys", str(keys), "--into", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert "key_list_malformed" in result.stderr
    assert not (tmp_path / "out").exists()
