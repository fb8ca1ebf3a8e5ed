from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.web.pages import LANGUAGES, Pages, negotiate
from standards_catalog.conformity.outcomes import Outcome, Total
from standards_catalog.editions import Kind, Standing, Status
from standards_catalog.importers.template import COLUMNS
from standards_catalog.provenance import Confidence
from standards_catalog.relations import RelationType
from standards_catalog.requirements import DecisionRule


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,zh;q=0.9", "en"),
        ("fr, zh;q=0.2", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=0", "en"),
        ("*", "en"),
        ("de", "en"),
        ("zh;q=x", "en"),
        ("zh;q=nan, en;q=0.1", "en"),
        ("ZH-hant", "zh"),
    ],
)
def test_language_of_a_header(header: str, language: str) -> None:
    assert negotiate(header) == language


@given(st.text(max_size=300))
def test_any_header_gives_a_language(header: str) -> None:
    assert negotiate(header) in LANGUAGES


def test_every_word_of_a_standard_has_a_text() -> None:

    pages = Pages()
    wanted = [f"outcome.{member.code}" for member in Outcome]
    for prefix, members in (
        ("total", Total), ("kind", Kind), ("standing", Standing), ("status", Status),
        ("confidence", Confidence), ("relation", RelationType), ("rule", DecisionRule),
    ):  # fmt: skip
        wanted += [f"{prefix}.{member.value}" for member in members]
    wanted += [f"field.{name}" for name, _, _ in COLUMNS if name != "code"]

    assert [key for key in wanted if not pages.has_text(key)] == []
