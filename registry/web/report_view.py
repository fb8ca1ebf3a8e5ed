"""A report of a verification as its page shows it: words and shapes for every code. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from registry.web.document_view import Entry, ResultRow, entries_of, result_row
from verifier.checks.finding import Finding, Line, Status
from verifier.checks.verdict import Overall
from verifier.display import grouped
from verifier.report import Report
from verifier.wording import Sentence, Wording

SHAPES: Final[Mapping[Overall, str]] = {
    Overall.VALID: "pass",
    Overall.VALID_WITH_NOTES: "note",
    Overall.CANNOT_CONFIRM: "unknown",
    Overall.NOT_VALID: "fail",
    Overall.NOT_OURS: "unknown",
}
"""Shape and colour of each overall answer; the word stands beside it."""

_SETTLED: Final = (Status.PASS, Status.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line of the verdict.

    Attributes:
        line: Its stable name.
        shape: Kind of shape.
        question: The question in words.
        word: The answer in one word.
        code: Stable code of the reason.
        sentence: The reason in words.
        notes: Code and sentence of every further note on this line.
        settled: Whether nothing about it needs to be known.
    """

    line: str
    shape: str
    question: str
    word: str
    code: str
    sentence: Sentence
    notes: tuple[tuple[str, Sentence], ...]
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """Everything that the page of one report shows; texts of issuers are text, nothing else.

    Attributes:
        overall: Code of the overall answer.
        shape: Kind of shape of the overall answer.
        title: The overall answer in a word.
        sentence: What it means.
        goods_first: What is said before all else when the goods do not match, None otherwise.
        lines: The ten lines.
        warnings: Sentences about the input.
        document: The document of the report, None when it must not be shown.
        kind: Its kind in words, "" without a document.
        conclusion: Its conclusion in words, "" without a document.
        entries: Its disclosed fields.
        results: Its results.
        anchor: Where it is anchored, None without.
        status: Block and time of the state that was read, None without.
        age_minutes: Age of that state at the check, None without.
        then: The answer as of a past moment, None when none was asked for.
        profile: Name, kind and fingerprint of the trust profile, None without.
        checked_at: Time of the check, RFC 3339.
    """

    overall: str
    shape: str
    title: str
    sentence: Sentence
    goods_first: str | None
    lines: tuple[LineView, ...]
    warnings: tuple[str, ...]
    document: Mapping[str, Any] | None
    kind: str
    conclusion: str
    entries: tuple[Entry, ...]
    results: tuple[ResultRow, ...]
    anchor: Mapping[str, Any] | None
    status: Mapping[str, Any] | None
    age_minutes: int | None
    then: Mapping[str, Any] | None
    profile: Mapping[str, Any] | None
    checked_at: str


def report_view(report: Report, words: Wording, *, own_host: str) -> ReportView:
    """Put a report into the words of one language.

    Args:
        report: The report.
        words: The language.
        own_host: Host that our codes show; naming it needs no warning.
    """
    shown: Mapping[str, Any] = report.as_json()
    document, profile = shown["document"], shown["profile"]
    mismatch = any(
        finding.line is Line.MATCHES_GOODS and finding.status is Status.FAIL
        for finding in report.findings
    )
    age = None if report.head is None else max(0, report.checked_at - report.head.time) // 60
    return ReportView(
        overall=report.overall.value,
        shape=SHAPES[report.overall],
        title=words.title(report.overall),
        sentence=words.overall(report.overall),
        goods_first=words.goods_first() if mismatch else None,
        lines=tuple(_line(finding, words) for finding in report.findings),
        warnings=tuple(
            words.warning(code, detail)
            for code, detail in report.warnings
            if (code, detail) != ("code_host", own_host)
        ),
        document=document,
        kind=words.kind(document["kind"]) if document else "",
        conclusion=words.conclusion(document["conclusion"]) if document else "",
        entries=tuple(entries_of(document["disclosed"], words.language)) if document else (),
        results=tuple(_results(document, words)) if document else (),
        anchor=shown["anchor"],
        status=shown["status"],
        age_minutes=age,
        then=_then(shown["then"], words),
        profile=profile and {**profile, "grouped": grouped(profile["fingerprint"])},
        checked_at=str(shown["checked_at"]),
    )


def _then(then: Mapping[str, Any] | None, words: Wording) -> Mapping[str, Any] | None:
    if then is None:
        return None
    return {"at": then["at"], "title": words.title(then["overall"])}


def _results(document: Mapping[str, Any], words: Wording) -> Iterator[ResultRow]:
    for result in document["results"]:
        yield result_row(result, words)


def _line(finding: Finding, words: Wording) -> LineView:
    data = finding.data
    notes = data.get("notes")
    further = [str(note) for note in notes[1:]] if isinstance(notes, list) else []
    return LineView(
        line=finding.line.value,
        shape=finding.status.value,
        question=words.question(finding.line),
        word=words.status(finding.status),
        code=finding.code,
        sentence=words.finding(finding.line, finding.code, data),
        notes=tuple((note, words.finding(finding.line, note, data)) for note in further),
        settled=finding.status in _SETTLED,
    )
