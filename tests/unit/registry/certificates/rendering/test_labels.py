"""Labels: every language has them all, fonts can draw them, drafts are told from what is ours."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from fontTools.ttLib import TTFont

from registry.certificates.rendering.labels import (
    DRAFT_LANGUAGES,
    WRITTEN_LANGUAGES,
    draft_names,
    labels_json,
    page_languages,
)
from tests.support.sheets import FONTS

LANGUAGES = (*WRITTEN_LANGUAGES, *DRAFT_LANGUAGES)
WITHOUT_WORDS = {"accredited_mark", "watermark", "unreviewed_note"}


def table() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = json.loads(labels_json(LANGUAGES))
    return loaded


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_is_there(language: str) -> None:
    missing = [key for key, words in table().items() if not words.get(language)]
    assert set(missing) <= WITHOUT_WORDS


def test_fonts_have_every_character() -> None:
    known: set[int] = set()
    for folder in FONTS:
        for path in folder.glob("*.ttf"):
            with TTFont(path, lazy=True) as font:
                known |= set(font.getBestCmap())
    used = {c for words in table().values() for text in words.values() for c in text}
    assert (
        sorted(c for c in used | set("".join(DRAFT_LANGUAGES.values())) if ord(c) not in known)
        == []
    )


@pytest.mark.parametrize("language", DRAFT_LANGUAGES)
def test_drafts_say_that_nobody_reviewed_them(language: str) -> None:
    path = resources.files("registry.certificates.rendering") / "drafts" / f"{language}.json"
    draft: dict[str, Any] = json.loads(path.read_bytes())
    assert draft["reviewed_by"] is None


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        (["zh", "en"], ("zh", "en")),
        (["zh", "en", "lo"], ("zh", "en", "lo")),
        (["vi", "zh"], ("vi", "zh")),
        (["th"], ("th", "en")),
        (["lo", "vi"], ("lo", "vi", "en")),
        (["fr"], ("en",)),
        (["en", "en"], ("en",)),
        (None, ("en",)),
    ],
)
def test_drafts_never_stand_alone(stated: object, shown: tuple[str, ...]) -> None:
    assert page_languages({"languages": stated}) == shown


def test_only_drafts_are_named() -> None:
    assert draft_names(("zh", "en")) == []
    assert draft_names(("zh", "lo", "ru")) == ["ລາວ", "Русский"]
