"""One verification: open what was handed over, fetch the facts, judge, report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from verifier.chain.profile import Profile, ProfileKind
from verifier.checks.evidence import Anchored, Document, Facts, Form, Trust
from verifier.checks.facts import TrustBundle, TrustSource, Unavailable
from verifier.checks.judge import (
    Findings,
    judge,
    judge_at,
    judge_broken,
    judge_foreign,
    judge_missing,
)
from verifier.checks.verdict import fold
from verifier.core.certificate import parse_certificate
from verifier.core.errors import MalformedEvidenceError, NotOursError
from verifier.core.link_code import LinkCode
from verifier.core.receipt import Receipt
from verifier.core.sm2 import Sm2Verify
from verifier.core.views import resolve_certificate
from verifier.report import BundleSummary, ProfileSummary, Report, Then
from verifier.service.gathering import Gathering, ReceiptSource, ask_registry
from verifier.service.shown import shown_document, status_head
from verifier.service.submission import (
    CODE_HOST,
    Opened,
    Remark,
    Submission,
    link_differences,
    open_certificate,
    open_submission,
)

__all__ = ["Question", "ReceiptSource", "Submission", "verify"]

_NO_PROFILE: Final = Unavailable("no_profile")
_NO_SOURCE: Final = Unavailable("chain_unreachable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the checker wants to know.

    Attributes:
        checked_at: The checker's clock, Unix seconds.
        at: A past moment to answer for beside now, Unix seconds; None for now alone.
        country: ISO 3166-1 alpha-2 code of the country whose recognition is asked about.
        goods_match: The person's answer about the goods, None while there is none.

    Raises:
        ValueError: `at` is later than `checked_at`; nobody can answer for the future.
    """

    checked_at: int
    at: int | None = None
    country: str | None = None
    goods_match: bool | None = None

    def __post_init__(self) -> None:
        if self.at is not None and self.at > self.checked_at:
            raise ValueError("a question about a moment cannot be about the future")


def verify(
    submission: Submission,
    question: Question,
    *,
    profile: Profile | None,
    source: TrustSource | None,
    registry: ReceiptSource | None = None,
    sm2: Sm2Verify | None = None,
    bundle: TrustBundle | None = None,
) -> Report:
    """Verify what was found in one input.

    Never raises for what was handed over or for what a source says: every input has a report.

    Args:
        submission: What was found in the input.
        question: What the checker wants to know.
        profile: The checker's trust profile. It must be named; None says openly that nobody is
            trusted, and then nothing can be confirmed.
        source: Answers under that profile; None when there is none to ask.
        registry: A registry that the checker chose, for receipts; never trusted.
        sm2: Verifies co-signatures; None where nothing on this machine can.
        bundle: A trust bundle, accepted under the profile. It decides only if it is the `source`
            too; beside another source it supplies nothing but proof material.
    """
    checker = _Checker(question, profile, source, registry, sm2, bundle)
    try:
        opened = open_submission(submission)
        if isinstance(opened, LinkCode):
            return checker.report_on_link(opened)
        return checker.report_on(opened)
    except NotOursError:
        return checker.report(judge_foreign(), ours=False)
    except MalformedEvidenceError as error:
        return checker.report(
            judge_broken(error, country=question.country, goods_match=question.goods_match)
        )


@dataclass(frozen=True, slots=True)
class _Checker:
    """A question with the sources that the checker chose to answer it."""

    question: Question
    profile: Profile | None
    source: TrustSource | None
    registry: ReceiptSource | None
    sm2: Sm2Verify | None
    bundle: TrustBundle | None

    def report_on(self, opened: Opened) -> Report:
        """Report on a document."""
        answer = self._ask_registry(opened)
        receipts = (*opened.receipts, answer) if isinstance(answer, Receipt) else opened.receipts
        return self._judged(opened, receipts, answer)

    def report_on_link(self, code: LinkCode) -> Report:
        """Report on a link code that stands alone: ask the registry for its document."""
        warnings: tuple[Remark, ...] = ((CODE_HOST, code.host),)
        if self.registry is None:
            return self._missing(Unavailable("online_code_needs_registry"), warnings)
        answer = ask_registry(self.registry, code.leaf)
        if answer is None:
            return self._missing(Unavailable("not_known_to_registry"), warnings)
        if isinstance(answer, Unavailable):
            return self._missing(answer, warnings)
        try:
            opened = _open_answer(code, answer, warnings)
        except MalformedEvidenceError:
            return self._missing(Unavailable("registry_fault"), warnings)
        return self._judged(opened, (answer,), answer)

    def report(
        self,
        findings: Findings,
        *,
        ours: bool = True,
        warnings: tuple[Remark, ...] = (),
    ) -> Report:
        """Return a report without a document."""
        return Report(
            overall=fold(findings, ours=ours),
            findings=findings,
            then=None,
            document=None,
            anchor=None,
            head=None,
            profile=self._profile_summary(),
            bundle=self._bundle_summary(),
            checked_at=self.question.checked_at,
            warnings=warnings,
        )

    def _missing(self, reason: Unavailable, warnings: tuple[Remark, ...]) -> Report:
        question = self.question
        findings = judge_missing(reason, country=question.country, goods_match=question.goods_match)
        return self.report(findings, warnings=warnings)

    def _ask_registry(self, opened: Opened) -> Receipt | Unavailable | None:
        """Ask for the receipt of the document; a summary may be listed under its certificate."""
        if self.registry is None:
            return None
        document = opened.document
        answer = ask_registry(self.registry, document.token.leaf)
        if answer is None and opened.summary is not None:
            answer = ask_registry(self.registry, document.claims.certificate_leaf)
        return answer

    def _judged(
        self,
        opened: Opened,
        receipts: tuple[Receipt, ...],
        answer: Receipt | Unavailable | None,
    ) -> Report:
        question, document = self.question, opened.document
        facts = Gathering(
            source=self._source(),
            trust=self._trust(),
            receipts=receipts,
            registry=answer,
            asked=self.registry is not None,
            sm2=self.sm2,
            bundle=self.bundle,
        ).facts(document, summary=opened.summary)
        findings = judge(
            document,
            facts,
            checked_at=question.checked_at,
            country=question.country,
            goods_match=question.goods_match,
        )
        anchoring = facts.token.anchoring
        return replace(
            self.report(findings, warnings=opened.warnings),
            then=self._then(document, facts),
            document=shown_document(opened, facts, findings),
            anchor=anchoring.facts if isinstance(anchoring, Anchored) else None,
            head=status_head(facts),
        )

    def _then(self, document: Document, facts: Facts) -> Then | None:
        question = self.question
        if question.at is None:
            return None
        findings = judge_at(
            document,
            facts,
            at=question.at,
            checked_at=question.checked_at,
            country=question.country,
            goods_match=question.goods_match,
        )
        return Then(question.at, fold(findings))

    def _source(self) -> TrustSource | Unavailable:
        if self.profile is None:
            return _NO_PROFILE
        return self.source or _NO_SOURCE

    def _trust(self) -> Trust | Unavailable:
        profile = self.profile
        if profile is None:
            return _NO_PROFILE
        return Trust(
            parties=frozenset(known.party for known in profile.parties),
            algorithms=dict(profile.algorithms),
            demonstration=profile.kind is ProfileKind.DEMONSTRATION,
        )

    def _profile_summary(self) -> ProfileSummary | None:
        profile = self.profile
        if profile is None:
            return None
        return ProfileSummary(
            name=profile.name, kind=profile.kind.value, fingerprint=profile.fingerprint()
        )

    def _bundle_summary(self) -> BundleSummary | None:
        bundle = self.bundle
        if bundle is None or self.source is not bundle:
            return None
        return BundleSummary(
            block=bundle.block.block, age_seconds=self.question.checked_at - bundle.block.time
        )


def _open_answer(code: LinkCode, answer: Receipt, warnings: tuple[Remark, ...]) -> Opened:
    """Return the document that a registry served for a link code.

    Raises:
        MalformedEvidenceError: The answer is not about the leaf that was asked for.
    """
    if answer.token is None:
        raise MalformedEvidenceError("receipt", "carries no token", reason="members")
    certificate = resolve_certificate(parse_certificate(answer.token))
    if certificate.parsed.leaf != code.leaf:
        raise MalformedEvidenceError("receipt", "is about another leaf", reason="leaf")
    form = Form.CERTIFICATE if certificate.digests else Form.PUBLIC_RECEIPT
    return open_certificate(
        certificate,
        receipts=(answer,),
        form=form,
        differences=link_differences(code, certificate),
        warnings=warnings,
    )
