"""Every code that a line of the verdict can carry, with the one status that it stands for.

Codes are part of the public API: never renamed, never reused for something else. Checks build
their findings with `answer`, so a code that is not listed here cannot reach a report;
docs/error-codes.md and the sentences of `verifier.wording` are tested against the same table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from verifier.checks.facts import Unavailable
from verifier.checks.finding import Finding, Line, Status

# Reasons for which a fact could not be had. Whoever raises `EvidenceUnavailableError` names one.
SOURCE_REASONS: Final = (
    "no_profile",
    "chain_unreachable",
    "chain_disagrees",
    "chain_mismatch",
    "chain_fault",
    "head_too_old",
    "algorithm_unsupported",
    "registry_unreachable",
    "registry_fault",
    "bundle_too_old",
    "bundle_ahead_of_clock",
    "not_in_bundle",
)
# Reasons for which the token itself could not be had, so that nothing can be said about any line.
TOKEN_REASONS: Final = ("online_code_needs_registry", "not_known_to_registry")

_BY_LINE: Final[dict[Line, dict[Status, tuple[str, ...]]]] = {
    Line.UNCHANGED: {
        Status.PASS: ("ok",),
        Status.FAIL: ("malformed", "altered", "undisclosed_digest", "summary_differs"),
        Status.UNKNOWN: ("not_checked",),
    },
    Line.COMPLETE: {
        Status.PASS: ("ok",),
        Status.NOTE: ("released_view", "withheld_by_holder", "summary_only", "public_receipt"),
        Status.UNKNOWN: ("not_checked",),
    },
    Line.SIGNED: {
        Status.PASS: ("ok",),
        Status.NOTE: (
            "key_compromised_later",
            "key_revoked_later",
            "co_signature_missing",
            "co_signature_not_checked",
        ),
        Status.FAIL: (
            "bad_signature",
            "unknown_key",
            "issuer_mismatch",
            "key_not_usable",
            "key_revoked",
            "co_signature_bad",
        ),
        Status.UNKNOWN: (
            "unknown_party",
            "algorithm_not_accepted",
            "proof_not_supplied",
            "not_checked",
        ),
    },
    Line.ACCREDITED: {
        Status.PASS: ("ok", "designated_office"),
        Status.NOTE: (
            "demonstration_document",
            "no_claim",
            "scope_not_disclosed",
            "partly_accredited",
            "recorded_later",
        ),
        Status.FAIL: ("body_withdrawn", "body_suspended", "false_claim"),
        Status.UNKNOWN: ("scope_not_supplied", "scope_unreadable", "not_checked"),
    },
    Line.TIME_STAMPED: {
        Status.PASS: ("ok",),
        Status.NOTE: ("pending", "demonstration_chain", "anchored_late", "issue_date_claimed"),
        Status.FAIL: ("dated_after_anchor", "wrong_proof"),
        Status.UNKNOWN: (
            "proof_not_supplied",
            "anchor_overdue",
            "signing_time_ahead",
            "not_checked",
        ),
    },
    Line.NOT_REVOKED: {
        Status.PASS: ("ok",),
        Status.NOTE: ("bundle_not_fresh",),
        Status.FAIL: ("revoked", "superseded", "suspended"),
        Status.UNKNOWN: ("history_not_supplied", "not_checked"),
    },
    Line.IN_DATE: {
        Status.PASS: ("ok", "no_expiry"),
        Status.FAIL: ("expired", "not_yet_valid"),
        Status.UNKNOWN: ("clock_behind", "not_checked"),
    },
    Line.RECOGNISED: {
        Status.UNKNOWN: ("arrangements_not_supplied",),
        Status.NOT_APPLICABLE: ("no_country_asked",),
    },
    Line.QUANTITY_AVAILABLE: {
        Status.NOTE: ("reported_by_registry",),
        Status.UNKNOWN: ("offline", "not_reported", "not_checked"),
        Status.NOT_APPLICABLE: ("no_quantity",),
    },
    Line.MATCHES_GOODS: {
        Status.PASS: ("ok",),
        Status.FAIL: ("goods_differ",),
        Status.NOT_APPLICABLE: ("not_answered",),
    },
}

# Lines that depend on a source; the other two answer from the token or from the person.
_SOURCED: Final = frozenset(Line) - {Line.RECOGNISED, Line.MATCHES_GOODS}


def _table() -> dict[tuple[Line, str], Status]:
    table = {
        (line, code): status
        for line, by_status in _BY_LINE.items()
        for status, codes in by_status.items()
        for code in codes
    }
    for line in Line:
        table[line, "not_ours"] = Status.NOT_APPLICABLE
        if line in _SOURCED:
            table.update({(line, reason): Status.UNKNOWN for reason in SOURCE_REASONS})
            table.update({(line, reason): Status.UNKNOWN for reason in TOKEN_REASONS})
    return table


_STATUS: Final = _table()


def answer(line: Line, code: str, **data: object) -> Finding:
    """Return the finding of `line` with `code`; its status follows from the code.

    Args:
        line: The question that is answered.
        code: One of the codes listed for that line.
        **data: Facts behind the code as JSON values without floats.

    Raises:
        KeyError: The code is not listed for the line; a mistake of the caller.
    """
    return Finding(line=line, status=_STATUS[line, code], code=code, data=data)


def unknown(line: Line, fact: Unavailable) -> Finding:
    """Return the finding of a line whose fact could not be had.

    A reason that this table does not list for the line (a source of another make) is reported as
    `chain_fault` with the reason in the data: what could not be read must never turn into
    anything but UNKNOWN.
    """
    if _STATUS.get((line, fact.reason)) is Status.UNKNOWN:
        return answer(line, fact.reason)
    return answer(line, "chain_fault", reason=fact.reason)


def all_codes() -> Iterator[tuple[Line, str, Status]]:
    """Yield every (line, code, status), lines in the order of the report."""
    for line in Line:
        for (of_line, code), status in _STATUS.items():
            if of_line is line:
                yield line, code, status
