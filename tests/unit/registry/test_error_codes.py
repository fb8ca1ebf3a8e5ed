"""docs/error-codes-registry.md says what the code says."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import registry
from registry.kit.errors import RegistryError
from registry.kit.problems import status_of
from registry.signing.errors import NO_SM2

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "error-codes-registry.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    start = PAGE.index(f"## {heading}\n")
    end = PAGE.find("\n## ", start)
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in PAGE[start : end if end > 0 else len(PAGE)].splitlines()
        if line.startswith("| `")
    ]


def errors(of: type[RegistryError]) -> Iterator[type[RegistryError]]:
    for error in of.__subclasses__():
        yield error
        yield from errors(error)


def all_errors() -> list[type[RegistryError]]:
    for module in pkgutil.walk_packages(registry.__path__, "registry."):
        if not module.name.startswith("registry.migrations"):
            importlib.import_module(module.name)
    # Tests in the same process may define errors of their own.
    own = (error for error in errors(RegistryError) if error.__module__.startswith("registry."))
    return [error for error in own if "code" in error.__dict__]


def source(*parts: str) -> str:
    return (ROOT / "registry").joinpath(*parts).read_text(encoding="utf-8")


def test_every_error_is_listed_with_its_status() -> None:
    listed = {(code, int(status)) for code, status, _ in rows("1. Errors")}
    own = {(error.code, int(status_of(error.__new__(error)))) for error in all_errors()}
    assert listed == own


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in all_errors()]
    assert len(set(codes)) == len(codes)


def test_every_reason_of_the_signer_is_listed() -> None:
    names = ("answering.py", "purposes.py", "server.py", "sm2.py")
    text = "".join(source("signing", name) for name in names)
    raised = {*re.findall(r'SigningRefusedError\(\s*"([a-z0-9_]+)"', text), NO_SM2}
    assert {reason for reason, _ in rows("2. Reasons of `signing_refused`")} == raised


def test_every_problem_of_an_import_is_listed() -> None:
    text = "".join(
        source("certificates", name) for name in ("importers.py", "service.py", "intake.py")
    )
    named = set(re.findall(r'code="([a-z_0-9]+)"', text))
    named |= set(re.findall(r'_refuse\("([a-z_0-9]+)"', text))
    named |= set(re.findall(r'_problem\(draft, "[^"]*", "([a-z_]+)"', text))
    assert {code for code, _ in rows("3. Problems of imported files")} == named | {"float"}


def test_every_problem_of_a_table_is_listed() -> None:
    folder = ROOT / "registry" / "certificates" / "tables"
    text = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    named = set(re.findall(r'(?:code=|refuse\(|Unusable\(|_row_problem\()\s*"([a-z_]+)"', text))
    assert {code for code, _ in rows("4. Problems of tables")} == named
