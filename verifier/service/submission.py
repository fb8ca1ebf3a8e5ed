"""What a person hands over, opened: parsed and put together, not yet believed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from verifier.checks.evidence import Document, Form
from verifier.checks.presented import present_certificate, present_summary
from verifier.core.certificate import parse_certificate
from verifier.core.codes import OfflineCode, parse_code
from verifier.core.errors import MalformedEvidenceError, NotOursError
from verifier.core.link_code import LinkCode
from verifier.core.moments import format_utc
from verifier.core.offline_code import Summary
from verifier.core.receipt import Receipt, parse_receipt
from verifier.core.release import ReleaseStatement, parse_release
from verifier.core.strict_json import JsonObject
from verifier.core.summary import summary_differences
from verifier.core.views import ResolvedCertificate, resolve_certificate

# Codes of warnings: things worth telling a person that change no line of the verdict.
CODE_HOST: Final = "code_host"  # the code names a web address; it was not used
CODE_FOREIGN: Final = "code_foreign"  # a code beside the document is none of ours
RECEIPT_UNUSABLE: Final = "receipt_unusable"  # a receipt beside the document cannot be read
RECEIPT_OF_ANOTHER: Final = "receipt_of_another"  # it is about another document

Remark: TypeAlias = tuple[str, str]  # code and detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What was found in one input.

    Attributes:
        token: Compact SD-JWT, None when the input has none outside a receipt.
        receipts: Receipts in the input. Without a token the document is in one of them.
        codes: Texts of codes, from a picture, from pages of a PDF or typed.
        beside: Receipts from elsewhere: proof material for whatever it fits, never the document.
    """

    token: str | None = None
    receipts: tuple[bytes, ...] = ()
    codes: tuple[str, ...] = ()
    beside: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A submission with a document in it.

    Attributes:
        document: As the checks take it.
        shown: What the report shows of it if it is genuine.
        receipts: Proof material that came along.
        summary: The summary, when it stands alone.
        warnings: What a person should be told.
    """

    document: Document
    shown: JsonObject
    receipts: tuple[Receipt, ...]
    summary: Summary | None = None
    warnings: tuple[Remark, ...] = ()


def open_submission(submission: Submission) -> Opened | LinkCode:
    """Parse what was handed over and put it together.

    The token decides what the document is; receipts beside it are proof material and codes beside
    it must agree with it. Without a token the first code counts.

    Returns:
        The document, or a link code that stands alone and only says where to ask.

    Raises:
        NotOursError: Nothing in it is evidence of our format.
        MalformedEvidenceError: The document claims to be of our format and breaks it.
    """
    beside, warnings = _usable(submission.beside)
    if submission.token is None and not submission.receipts:
        return _open_codes(submission.codes, beside, warnings)
    if submission.token is None:
        receipts = tuple(map(parse_receipt, submission.receipts))
        compact = next((each.token for each in receipts if each.token is not None), None)
    else:
        receipts, more = _usable(submission.receipts)
        compact, warnings = submission.token, (*warnings, *more)
    if compact is None:
        raise NotOursError("receipt", "carries no document")
    certificate = resolve_certificate(parse_certificate(compact))
    differences, code_warnings = _compare_codes(submission.codes, certificate)
    receipts = (*receipts, *beside)
    return open_certificate(
        certificate,
        receipts=receipts,
        form=Form.CERTIFICATE,
        differences=differences,
        warnings=(*warnings, *_other_receipts(receipts, compact), *code_warnings),
    )


def open_certificate(
    certificate: ResolvedCertificate,
    *,
    receipts: tuple[Receipt, ...],
    form: Form,
    differences: tuple[str, ...] = (),
    warnings: tuple[Remark, ...] = (),
) -> Opened:
    """Return an opened certificate.

    Args:
        certificate: With its disclosures in place.
        receipts: Proof material at hand.
        form: How much of it is in hand.
        differences: Members in which a code beside it differs.
        warnings: What a person should be told.

    Raises:
        MalformedEvidenceError: A release statement in a receipt is malformed.
    """
    document = present_certificate(
        certificate,
        form=form,
        release=_release(receipts, certificate.parsed.leaf),
        differences=differences,
    )
    return Opened(
        document=document,
        shown=certificate.report_document(),
        receipts=receipts,
        warnings=warnings,
    )


def _open_codes(
    codes: Sequence[str], beside: tuple[Receipt, ...], warnings: tuple[Remark, ...]
) -> Opened | LinkCode:
    """Open the first code of ours; an offline code says more than a link code beside it."""
    found: list[OfflineCode | LinkCode] = []
    refusal = NotOursError("input", "carries no evidence of our format")
    for text in codes:
        try:
            found.append(parse_code(text))
        except NotOursError as error:
            refusal = error
    offline = next((code for code in found if isinstance(code, OfflineCode)), None)
    if offline is not None:
        summary = offline.summary
        # Two codes on one page that name different certificates: one of them was put over.
        links = {code.leaf for code in found if isinstance(code, LinkCode)}
        agree = links <= {summary.claims.certificate}
        return Opened(
            document=present_summary(summary, differences=() if agree else ("certificate",)),
            shown=_shown_summary(summary),
            receipts=beside,
            summary=summary,
            warnings=(*warnings, *dict.fromkeys((CODE_HOST, code.host) for code in found)),
        )
    for code in found:
        if isinstance(code, LinkCode):
            return code
    raise refusal


def _usable(texts: Iterable[bytes]) -> tuple[tuple[Receipt, ...], tuple[Remark, ...]]:
    """Return the receipts that can be read, and a warning for each that cannot."""
    receipts: list[Receipt] = []
    warnings: list[Remark] = []
    for data in texts:
        try:
            receipt = parse_receipt(data)
            if receipt.release is not None:
                parse_release(receipt.release)
        except MalformedEvidenceError as error:
            warnings.append((RECEIPT_UNUSABLE, str(error)))
        else:
            receipts.append(receipt)
    return tuple(receipts), tuple(warnings)


def _other_receipts(receipts: Iterable[Receipt], compact: str) -> tuple[Remark, ...]:
    jwt = compact.partition("~")[0]
    return tuple(
        (RECEIPT_OF_ANOTHER, "receipt")
        for receipt in receipts
        if receipt.token is not None and receipt.token.partition("~")[0] != jwt
    )


def _release(receipts: Iterable[Receipt], leaf: bytes) -> ReleaseStatement | None:
    """Return the release statement about this certificate, or any, whose mismatch then shows."""
    statements = [parse_release(each.release) for each in receipts if each.release is not None]
    about = (each for each in statements if each.claims.leaf == leaf)
    return next(about, statements[0] if statements else None)


def _compare_codes(
    codes: Iterable[str], certificate: ResolvedCertificate
) -> tuple[tuple[str, ...], tuple[Remark, ...]]:
    """Return in what the codes beside a certificate differ from it, and what is worth telling."""
    differences: set[str] = set()
    warnings: list[Remark] = []
    for text in codes:
        try:
            code = parse_code(text)
        except NotOursError as error:
            warnings.append((CODE_FOREIGN, str(error)))
            continue
        except MalformedEvidenceError:
            differences.add("code")
            continue
        warnings.append((CODE_HOST, code.host))
        if isinstance(code, OfflineCode):
            differences.update(summary_differences(code.summary.claims, certificate))
        else:
            differences.update(link_differences(code, certificate))
    return tuple(sorted(differences)), tuple(dict.fromkeys(warnings))


def link_differences(code: LinkCode, certificate: ResolvedCertificate) -> tuple[str, ...]:
    """Name what a link code and a certificate do not agree on: its leaf, its id, or neither."""
    parsed = certificate.parsed
    compared = {
        "certificate": code.leaf == parsed.leaf,
        "certificate_id": code.certificate_id == parsed.credential.credential_id,
    }
    return tuple(name for name, agrees in compared.items() if not agrees)


def _shown_summary(summary: Summary) -> JsonObject:
    """Return the `document` of a report for a summary, without `view` and `summary_only`."""
    claims = summary.claims
    return {
        "kind": claims.kind.value,
        "number": claims.number,
        "party": claims.party,
        "body": claims.body.hex(),
        "issuer_name": None,
        "issued": format_utc(claims.claimed_issue),
        "signed_at": format_utc(claims.certificate_issued_at),
        "conclusion": claims.conclusion.value,
        "results": [
            {
                "ordinal": stub.ordinal,
                "conclusion": stub.conclusion.value,
                "accredited": stub.accredited,
            }
            for stub in claims.results
        ],
        "disclosed": {
            "demonstration": claims.demonstration,
            **{f"consignment.{name}": text for name, text in claims.goods.items()},
        },
        "withheld": [],
    }
