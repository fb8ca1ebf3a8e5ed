"""What a certificate or record says, as rows of label and text. Pure.

Values come from issuers and importers; they are turned into plain text here and escaped by the
templates, whatever they contain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from verifier.core.conclusions import Conclusion
from verifier.wording import Wording

_FALLBACK: Final = "en"
_HIDDEN: Final = frozenset({"demonstration", "languages", "import"})  # said elsewhere on the page
_CONCLUSION_SHAPES: Final[Mapping[str, str]] = {
    "pass": "pass",
    "fail": "fail",
    "conditional_fail": "fail",
    "conditional": "note",
    "conditional_pass": "note",
    "suspect": "note",
    "not_applicable": "not_applicable",
}
_LANGUAGES: Final = frozenset({"en", "km", "lo", "my", "ru", "th", "vi", "zh"})
_CONCLUSIONS: Final = frozenset(each.value for each in Conclusion)  # others are shown as text
_SIGNS: Final[Mapping[str, str]] = {"<=": "≤", ">=": "≥", "==": "="}
_CHANGED: Final = ("replaces", "changed")
_MAX_SEGMENTS: Final = 6  # our documents have four


@dataclass(frozen=True, slots=True)
class Entry:
    """One field: its group, its label and its text."""

    group: str
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One result of a certificate, or one item of a checklist.

    Attributes:
        ordinal: Its number.
        name: What was determined; "" where that is withheld.
        found: Reported value with unit; "" where withheld or where there is none.
        method: Standard of the method.
        requirement: What it was held against.
        conclusion: In words.
        shape: Kind of shape of the conclusion.
        accredited: Whether it is claimed to be accredited.
        shown: Whether its details are shown at all.
    """

    ordinal: int
    name: str
    found: str
    method: str
    requirement: str
    conclusion: str
    shape: str
    accredited: bool
    shown: bool


def entries_of(values: Mapping[str, Any], language: str) -> Iterator[Entry]:
    """Yield the fields of a document given by dotted paths or nested objects, in their order."""
    for path, value in _leaves(values, ()):
        if path[0] in _HIDDEN:
            continue
        group = label_of(path[0], language) if len(path) > 1 else ""
        name = ": ".join(label_of(segment, language) for segment in path[1:] or path)
        if path == _CHANGED and isinstance(value, list):
            words = [path_text(str(each), language) for each in value]
            yield Entry(group, name, "; ".join(words) or label_of("changed_nothing", language))
        else:
            yield Entry(group, name, text_of(value, language))


def result_row(result: Mapping[str, Any], words: Wording) -> ResultRow:
    """Return one result as shown; absent members are withheld or do not exist."""
    named = result.get("item") or _members(result.get("parameter")).get("name")
    found = _members(result.get("result")).get("reported")
    conclusion = str(result.get("conclusion", "not_assessed"))
    return ResultRow(
        ordinal=int(result["ordinal"]),
        name=text_of(named, words.language) if named else "",
        found=" ".join(str(part) for part in (found, result.get("unit")) if part and found),
        method=str(_members(result.get("method")).get("standard", "")),
        requirement=_requirement(_members(result.get("requirement")), words.language),
        conclusion=words.conclusion(conclusion) if conclusion in _CONCLUSIONS else conclusion,
        shape=_CONCLUSION_SHAPES.get(conclusion, "unknown"),
        accredited=result.get("accredited") is True,
        shown=named is not None,
    )


def document_results(document: Mapping[str, Any], words: Wording) -> list[ResultRow]:
    """Return the results or checklist items of a document as it is imported."""
    results = document.get("results") or document.get("checklist") or []
    rows = []
    for at, result in enumerate(results, start=1):
        members = _members(result)
        known = {
            "ordinal": members.get("ordinal", at),
            "conclusion": members.get("conclusion", members.get("result", "not_assessed")),
        }
        rest = {k: v for k, v in members.items() if not (k == "result" and isinstance(v, str))}
        rows.append(result_row({**rest, **known}, words))
    return rows


def text_of(value: object, language: str) -> str:
    """Return any value of a document as text in the reader's language where it has that."""
    if isinstance(value, Mapping):
        return _mapping_text(value, language)
    if isinstance(value, list | tuple):
        return "; ".join(text_of(item, language) for item in value)
    if isinstance(value, bool):
        return label_of(f"value:{str(value).lower()}", language)
    if value is None:
        return ""
    text = str(value)
    key = f"value:{text}"
    return label_of(key, language) if key in _labels() else text


def json_text(content: str | None, language: str) -> str:
    """Return a value given as JSON as text; "–" for none."""
    return "–" if content is None else text_of(json.loads(content), language)


def path_text(path: str, language: str) -> str:
    """Return the dotted path of a field in words: "Results 2: Uncertainty"."""
    name, *rest = path.split(".")
    words = label_of(name, language)
    if rest and rest[0].isdigit():
        words = f"{words} {rest.pop(0)}"
    return ": ".join([words, *(label_of(each, language) for each in rest)])


def label_of(name: str, language: str) -> str:
    """Return the label of a member of a document; its own name where there is none."""
    entry = _labels().get(name)
    if entry is None:
        return name.removeprefix("value:").replace("_", " ")
    return entry.get(language) or entry[_FALLBACK]


def _mapping_text(value: Mapping[str, Any], language: str) -> str:
    if value and value.keys() <= _LANGUAGES:
        return str(value.get(language) or value.get(_FALLBACK) or next(iter(value.values())))
    if set(value) == {"value", "unit"}:
        return f"{value['value']} {value['unit']}"
    if set(value) == {"count", "type"}:
        return f"{value['count']} {value['type']}"
    parts = (
        f"{label_of(name, language)} {text_of(each, language)}" for name, each in value.items()
    )
    return ", ".join(parts)


def _requirement(requirement: Mapping[str, Any], language: str) -> str:
    operator = str(requirement.get("operator", ""))
    sign = _SIGNS.get(operator) or (text_of(operator, language) if operator else "")
    rest = (
        str(requirement[name]) for name in ("limit", "unit", "standard") if requirement.get(name)
    )
    return " ".join([sign, *rest]).strip()


def _leaves(
    values: Mapping[str, Any], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, value in values.items():
        path = (*above, *str(name).split("."))
        yield path[:_MAX_SEGMENTS], value


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


@cache
def _labels() -> Mapping[str, Mapping[str, str]]:
    """Load the labels of the printed page, so that page and paper name a field alike."""
    source = files("registry.certificates.rendering").joinpath("labels.json")
    loaded: Mapping[str, Mapping[str, str]] = json.loads(source.read_text("utf-8"))
    return loaded
