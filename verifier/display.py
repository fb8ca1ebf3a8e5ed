"""A report as a person reads it at a terminal: shapes and words, never colour alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click

from verifier.checks.finding import Finding, Line, Status
from verifier.checks.verdict import Overall
from verifier.core.moments import format_utc
from verifier.report import Report
from verifier.wording import Wording

_SYMBOLS: Final = {
    Status.PASS: "✔",
    Status.NOTE: "!",
    Status.FAIL: "✘",
    Status.UNKNOWN: "?",
    Status.NOT_APPLICABLE: "–",
}
_COLOURS: Final = {
    Status.PASS: "green",
    Status.NOTE: "yellow",
    Status.FAIL: "red",
    Status.UNKNOWN: "cyan",
    Status.NOT_APPLICABLE: None,
}
_VERDICTS: Final = {
    Overall.VALID: Status.PASS,
    Overall.VALID_WITH_NOTES: Status.NOTE,
    Overall.CANNOT_CONFIRM: Status.UNKNOWN,
    Overall.NOT_VALID: Status.FAIL,
    Overall.NOT_OURS: Status.UNKNOWN,
}
_MOST_PATHS: Final = 12  # a view can withhold hundreds; the machine's report lists them all


@dataclass(frozen=True, slots=True)
class Display:
    """Writes reports in one language.

    Attributes:
        words: The sentences.
        colour: Whether to colour; shapes and words say the same without.
    """

    words: Wording
    colour: bool

    def report(self, name: str, report: Report) -> str:
        """Return a report as lines of text, the answer first.

        Args:
            name: How the person named the input.
            report: Outcome of its verification.
        """
        return "\n".join(self._lines(name, report))

    def brief(self, name: str, report: Report) -> str:
        """Return a report in few lines, for one of many: the answer and what stands against it."""
        mark = _VERDICTS[report.overall]
        title = self.words.title(report.overall)
        lines = [self._styled(f"{_SYMBOLS[mark]} {title}  {name}", mark, bold=True)]
        if report.overall in (Overall.CANNOT_CONFIRM, Overall.NOT_VALID):
            for finding in report.findings:
                if finding.status in (Status.FAIL, Status.UNKNOWN):
                    sentence = self.words.finding(finding.line, finding.code, finding.data)
                    lines.append(f"    {_SYMBOLS[finding.status]} {finding.code}: {sentence.lay}")
        return "\n".join(dict.fromkeys(lines))  # one dead source answers many lines alike

    def totals(self, answers: Iterable[Overall]) -> str:
        """Return how many documents were checked, and how many got each answer."""
        counts = Counter(answers)
        parts = [
            f"{_SYMBOLS[_VERDICTS[overall]]} {self.words.title(overall)}: {counts[overall]}"
            for overall in Overall
            if counts[overall]
        ]
        return "; ".join([self.words.label("checked", count=counts.total()), *parts])

    def unreadable(self, name: str, problem: str) -> str:
        """Return what is to be said about an input that cannot be read."""
        text = self.words.label("unreadable", name=name, problem=problem)
        return self._styled(f"{_SYMBOLS[Status.FAIL]} {text}", Status.FAIL)

    def warning(self, name: str, text: str) -> str:
        """Return a warning about one input."""
        return self._styled(f"{self.words.label('warning')}: {name}: {text}", Status.NOTE)

    def _lines(self, name: str, report: Report) -> Iterator[str]:
        words, overall = self.words, report.overall
        mark = _VERDICTS[overall]
        yield self._styled(f"{_SYMBOLS[mark]} {words.title(overall)}  {name}", mark, bold=True)
        if any(f.line is Line.MATCHES_GOODS and f.status is Status.FAIL for f in report.findings):
            yield self._styled(f"  {words.goods_first()}", Status.FAIL, bold=True)
        yield f"  {words.overall(overall).lay}"
        if overall is Overall.NOT_OURS:
            return
        yield ""
        for finding in report.findings:
            yield from self._finding(finding)
        yield ""
        shown = report.as_json()["document"]
        if isinstance(shown, dict):
            yield from self._document(shown)
        yield from self._circumstances(report)

    def _finding(self, finding: Finding) -> Iterator[str]:
        sentence = self.words.finding(finding.line, finding.code, finding.data)
        head = f"  {_SYMBOLS[finding.status]} {self.words.question(finding.line)}"
        yield self._styled(head, finding.status) + f"  {sentence.lay}"
        if finding.status not in (Status.PASS, Status.NOT_APPLICABLE):
            yield f"      {finding.code}: {sentence.officer}"
            yield from self._further_notes(finding)

    def _further_notes(self, finding: Finding) -> Iterator[str]:
        notes = finding.data.get("notes")
        for note in notes[1:] if isinstance(notes, list) else []:
            sentence = self.words.finding(finding.line, str(note), finding.data)
            yield f"      {note}: {sentence.lay}"

    def _document(self, shown: Mapping[str, Any]) -> Iterator[str]:
        label = self.words.label
        issuer = shown["issuer_name"] or shown["body"]
        yield f"  {label('document')}: {self.words.kind(shown['kind'])} {shown['number']}"
        yield f"  {label('issuer')}: {issuer} ({label('party')} {shown['party']})"
        yield f"  {label('issued')}: {shown['issued']}; {label('signed_at')}: {shown['signed_at']}"
        yield f"  {label('conclusion')}: {self.words.conclusion(shown['conclusion'])}"
        yield f"  {label('results')}:"
        yield from (f"    {self._result(result)}" for result in shown["results"])
        yield from self._amended(shown["disclosed"])
        yield from self._left_out(shown)

    def _amended(self, disclosed: Mapping[str, Any]) -> Iterator[str]:
        """Return what an amendment replaces and where it differs (ISO/IEC 17025, 7.8.8.2)."""
        label = self.words.label
        if "replaces.number" not in disclosed:
            return
        revision = disclosed.get("replaces.revision", "–")
        yield f"  {label('replaces', number=disclosed['replaces.number'], revision=revision)}"
        changed = disclosed.get("replaces.changed")
        if changed is not None:
            listed = self._paths(changed) if changed else label("changed_nothing")
            yield f"  {label('changed')}: {listed}"

    def _paths(self, paths: Sequence[str]) -> str:
        """Return the first of many paths, and how many more there are."""
        more = len(paths) - _MOST_PATHS
        rest = f" {self.words.label('more', count=more)}" if more > 0 else ""
        return f"{', '.join(paths[:_MOST_PATHS])}{rest}"

    def _result(self, result: Mapping[str, Any]) -> str:
        label = self.words.label
        accredited = label("accredited" if result["accredited"] else "not_accredited")
        conclusion = self.words.conclusion(result["conclusion"])
        return f"{result['ordinal']}. {self._measured(result)}: {conclusion} ({accredited})"

    def _measured(self, result: Mapping[str, Any]) -> str:
        """Return what was found, as far as it is shown."""
        if "item" in result:
            return self._in_own_language(result["item"])
        if "parameter" not in result:
            return self.words.label("not_shown")
        parameter = self._in_own_language(result["parameter"]["name"])
        found = [parameter, result["result"]["reported"], result.get("unit")]
        return " ".join(str(part) for part in found if part)

    def _in_own_language(self, texts: Mapping[str, str]) -> str:
        for language in (self.words.language, "en"):
            if language in texts:
                return texts[language]
        return next(iter(texts.values()), "")

    def _left_out(self, shown: Mapping[str, Any]) -> Iterator[str]:
        label = self.words.label
        withheld = shown["withheld"]
        if shown["view"]:
            yield f"  {label('view')}: {shown['view']['destination']}"
        if withheld:
            yield f"  {label('withheld')}: {self._paths(withheld)}"
        if shown["summary_only"]:
            yield f"  {label('summary_only')}"

    def _circumstances(self, report: Report) -> Iterator[str]:
        """Return what the answer rests on: anchor, status, profile, and the past if asked for."""
        label = self.words.label
        anchor, head, profile, then = report.anchor, report.head, report.profile, report.then
        if anchor is not None:
            where = f"{format_utc(anchor.time)}, {anchor.chain_id}:{anchor.block}"
            yield f"  {label('anchor')}: {where}"
        if head is not None:
            yield f"  {label('status')}: {format_utc(head.time)}, {head.chain_id}:{head.block}"
        if report.bundle is not None:
            block, hours = report.bundle.block, report.bundle.age_seconds // 3600
            yield f"  {label('bundle', block=block, hours=hours)}"
        if then is not None:
            yield f"  {label('then')} {format_utc(then.at)}: {self.words.title(then.overall)}"
        if profile is None:
            yield f"  {label('profile')}: {label('no_profile')}"
        else:
            kind = f" ({label('demonstration')})" if profile.kind == "demonstration" else ""
            yield f"  {label('profile')}: {profile.name}{kind}, {grouped(profile.fingerprint)}"

    def _styled(self, text: str, status: Status, *, bold: bool = False) -> str:
        if not self.colour:
            return text
        return click.style(text, fg=_COLOURS[status], bold=bold)


def grouped(fingerprint: str) -> str:
    """Return the first 128 bits of a fingerprint in groups that two people can read aloud."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, 32, 4))
