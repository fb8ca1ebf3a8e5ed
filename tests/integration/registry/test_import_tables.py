"""Tables at the command line: issued like JSON, refused with their cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from registry.cli import main
from tests.support.registry_world import PASSPHRASE, World
from tests.support.tables import csv_bytes, grid, put

Lancang = Callable[..., Result]
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def lancang(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lancang:
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE)
    passphrase.chmod(0o600)
    monkeypatch.setenv("LANCANG_HOME", str(tmp_path))
    monkeypatch.setenv("LANCANG_SIGNER__KEYSTORE", str(tmp_path / "keys"))
    monkeypatch.setenv("LANCANG_SIGNER__PASSPHRASE_FILE", str(passphrase))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["--no-color", *map(str, arguments)])

    return run


def test_the_examples_are_issued_together(lancang: Lancang) -> None:
    files = [EXAMPLES / "sample_results.csv", EXAMPLES / "sample_results.xlsx"]
    result = lancang("issue", *files, "--maker", "Li Na", "--approver", "Wang Fang")
    assert result.exit_code == 0, result.output
    assert "4 signed" in result.stdout


def test_problems_of_tables_are_told_by_cells_and_nothing_is_stored(
    lancang: Lancang, world: World, tmp_path: Path
) -> None:
    rows = grid()
    put(rows, 3, "results.loq", "=0.02")
    put(rows, 2, "consignment.hs_code", "81")
    file = tmp_path / "results.csv"
    file.write_bytes(csv_bytes(rows, encoding="gb18030"))
    people = ("--maker", "Li Na", "--approver", "Wang Fang")

    shown = lancang("issue", file, *people)
    listed = lancang("issue", file, *people, "--json")
    chinese = lancang("drafts", "add", file, "--by", "Li Na", "--lang", "zh")

    assert "第 3 行，" in chinese.stdout
    assert "以公式符号开头；请直接输入数值 [formula]" in chinese.stdout
    assert "问题共 2 个；什么也没有导入" in chinese.stderr
    assert shown.exit_code == listed.exit_code == 1
    assert "row 3, column" in shown.stdout
    problems = [json.loads(line)["problem"] for line in listed.stdout.splitlines()]
    # The LOQ that could not be read is not reported once more as missing.
    assert [(each["row"], each["code"]) for each in problems] == [(3, "formula"), (2, "hs_code")]
    assert problems[1]["column"].endswith("(consignment.hs_code)")
    with world.database.read() as session:
        assert session.execute(text("SELECT count(*) FROM certificates")).scalar() == 0


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_a_template_is_written_and_says_what_is_missing(
    lancang: Lancang, tmp_path: Path, file_format: str
) -> None:
    file = tmp_path / f"template.{file_format}"
    assert lancang("template", "--lang", "zh", file).exit_code == 0
    result = lancang("issue", file, "--maker", "Li Na", "--approver", "Wang Fang")
    assert result.exit_code == 1
    assert "holds no document" in result.stdout


def test_a_template_needs_a_format(lancang: Lancang, tmp_path: Path) -> None:
    assert lancang("template", tmp_path / "template").exit_code == 2
