"""Every code has its sentences in every language, and none has a sentence too many."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest

from tests.support.evidence_builders import World, durian, trust_profile
from verifier import wording as wordings
from verifier.checks.codes import all_codes
from verifier.checks.finding import Line, Status
from verifier.checks.verdict import Overall
from verifier.service import verify
from verifier.wording import LANGUAGES, best_language, wording

PLACEHOLDER = re.compile(r"{([a-z_]+)}")


def texts(language: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(
        files(wordings).joinpath(f"{language}.json").read_text(encoding="utf-8")
    )
    return loaded


def shape(value: Any) -> Any:
    """The structure of a tree of texts, with the placeholders of each."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return sorted(PLACEHOLDER.findall(value))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_sentence_for_everybody_and_one_for_officers(language: str) -> None:
    words = wording(language)
    for line, code, _ in all_codes():
        sentence = words.finding(line, code, {})
        assert sentence.lay
        assert sentence.officer


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_other_word_is_there(language: str) -> None:
    words = wording(language)
    for overall in Overall:
        assert words.title(overall)
        assert words.overall(overall).lay
    for line in Line:
        assert words.question(line)
    for status in Status:
        assert words.status(status)
    assert words.goods_first()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_left_over(language: str) -> None:
    known = {(str(line), code) for line, code, _ in all_codes()}
    codes = {code for _, code in known}
    loaded = texts(language)
    for line, entry in loaded["lines"].items():
        for code in entry["codes"]:
            assert (line, code) in known
    assert set(loaded["shared"]) <= codes
    assert set(loaded["lines"]) == set(map(str, Line))


def test_the_languages_say_the_same_things_about_the_same_facts() -> None:
    english, *others = map(texts, LANGUAGES)
    for other in others:
        assert shape(other) == shape(english)


def test_nothing_unknown_is_called_false() -> None:
    """ "Could not check" must not read like "forged"."""
    for line, code, status in all_codes():
        if status is Status.UNKNOWN:
            lay = wording("en").finding(line, code, {}).lay.lower()
            assert not re.search(r"\b(forged|invalid|fake|false)\b", lay), (line, code)


def test_facts_stand_in_the_sentences_of_a_real_report() -> None:
    world = World()
    report = verify(
        world.issue(durian()).submission(),
        world.question(),
        profile=trust_profile(demonstration=True),
        source=world.source,
    )
    for language in LANGUAGES:
        words = wording(language)
        for finding in report.findings:
            officer = words.finding(finding.line, finding.code, finding.data).officer
            assert "{" not in officer
            if finding.status in (Status.PASS, Status.NOTE):
                assert "–" not in officer, (finding, officer)


def test_lists_are_written_out_and_missing_facts_show_as_a_dash() -> None:
    words = wording("en")

    assert (
        "3, 4"
        in words.finding("accredited", "partly_accredited", {"not_accredited": [3, 4]}).officer
    )
    assert words.finding("not_revoked", "revoked", {"reason": None}).officer == (
        "Revoked since –; reason: –."
    )


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("zh_CN.UTF-8", "zh"),
        ("zh-Hans", "zh"),
        ("zh", "zh"),
        ("en_GB.UTF-8", "en"),
        ("lo_LA", "en"),
        ("C.UTF-8", "en"),
        ("C", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_best_language(wanted: str | None, language: str) -> None:
    assert best_language(wanted) == language


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="'xx'"):
        wording("xx")
