"""docs/error-codes.md says what the code says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from verifier.bundle import library as _library  # noqa: F401  (defines an error class)
from verifier.checks.codes import SOURCE_REASONS, TOKEN_REASONS, all_codes
from verifier.checks.finding import Line
from verifier.core import document as _document  # noqa: F401  (defines an error class)
from verifier.core.errors import VerifierError
from verifier.inputs import UnreadableInputError as _UnreadableInputError  # noqa: F401
from verifier.readers import material
from verifier.service import submission
from verifier.wording import LANGUAGES, wording

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "error-codes.md").read_text(encoding="utf-8")
SHARED = {*SOURCE_REASONS, *TOKEN_REASONS, "not_ours"}


def section(heading: str) -> str:
    start = PAGE.index(f"{heading}\n")
    end = re.compile(r"\n##+ ").search(PAGE, start + len(heading))
    return PAGE[start : end.start() if end else len(PAGE)]


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| `")
    ]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_code_of_every_line_is_listed_with_its_status() -> None:
    for line in Line:
        listed = {(names(row[0])[0], row[1]) for row in rows(section(f"### `{line}`"))}
        own = {(code, str(status)) for of, code, status in all_codes() if of is line}
        assert listed == {(code, status) for code, status in own if code not in SHARED}


def test_every_shared_code_is_listed() -> None:
    listed = {names(row[0])[0] for row in rows(section("### On several lines"))}

    assert listed == SHARED


def test_every_error_is_listed() -> None:
    def below(error: type[VerifierError]) -> Iterator[type[VerifierError]]:
        yield error
        for child in error.__subclasses__():
            yield from below(child)

    listed = {(names(row[0])[0], names(row[1])[0]) for row in rows(section("## 2. Errors"))}
    own = {(error.code, error.__name__) for error in below(VerifierError) if "code" in vars(error)}
    assert listed == own


def test_every_reason_of_malformed_evidence_is_listed() -> None:
    listed = {
        name
        for row in rows(section("## 3. Reasons of malformed evidence"))
        for name in names(row[0])
    }

    assert set(_reasons_in_code()) <= listed


def test_every_warning_is_listed() -> None:
    listed = {names(row[0])[0] for row in rows(section("## 4. Warnings"))}
    assert listed == set(warnings())


def warnings() -> Iterator[str]:
    """Yield the code of every warning, from where they are defined."""
    for module, prefixes in ((submission, ("CODE_", "RECEIPT_")), (material, ("PDF_",))):
        for name, value in vars(module).items():
            if name.startswith(prefixes):
                yield value


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_warning_has_its_sentence(language: str) -> None:
    for code in warnings():
        assert wording(language).warning(code, "detail")


def _reasons_in_code() -> Iterator[str]:
    """Yield every reason that the evidence format's code can raise, from its source."""
    for path in (ROOT / "verifier" / "core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            for keyword in node.keywords:
                if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant):
                    yield str(keyword.value.value)
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            last = node.args[-1] if len(node.args) > 1 else None
            if called == "_malformed" and isinstance(last, ast.Constant):
                yield str(last.value)


def test_the_scan_of_the_code_finds_something() -> None:
    assert {"base64url", "conclusion_hides_failure", "checksum"} <= set(_reasons_in_code())
