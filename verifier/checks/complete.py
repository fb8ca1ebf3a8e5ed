"""Is everything there, and if not, who withheld it?"""

from __future__ import annotations

from verifier.checks.codes import SOURCE_REASONS, answer
from verifier.checks.evidence import Claims, Form, Release, View
from verifier.checks.finding import Finding, Line, Status


def check_complete(claims: Claims, view: View | None, *, release_signed: Finding | None) -> Finding:
    """Judge what is in hand of a document.

    The list of contents is itself a disclosure: with it nothing can be missing unseen, although
    decoys hide how many disclosures there are. A view that leaves something out leaves the list
    out too, and then only a release statement of the same body says that the issuer meant it so.

    Args:
        claims: What it says.
        view: What is in hand; None for a summary.
        release_signed: Finding of the line `signed` for the view's release statement, None when
            there is no statement.
    """
    if claims.form is Form.SUMMARY or view is None:
        return answer(Line.COMPLETE, "summary_only")
    if claims.form is Form.PUBLIC_RECEIPT:
        return answer(Line.COMPLETE, "public_receipt")
    if view.listed:
        if view.withheld:
            return answer(Line.COMPLETE, "withheld_by_holder", statement=None)
        return answer(Line.COMPLETE, "ok")
    if view.release is None or release_signed is None:
        return answer(Line.COMPLETE, "withheld_by_holder", statement=None)
    return _released(view.release, release_signed)


def _released(release: Release, signed: Finding) -> Finding:
    """Judge a view with a release statement; one that does not fit counts as none."""
    if release.mismatch is not None:
        return answer(Line.COMPLETE, "withheld_by_holder", statement=release.mismatch)
    if signed.status is Status.UNKNOWN:
        code = signed.code if signed.code in SOURCE_REASONS else "not_checked"
        return answer(Line.COMPLETE, code, because="release_statement")
    if signed.status is Status.FAIL:
        return answer(Line.COMPLETE, "withheld_by_holder", statement=signed.code)
    return answer(
        Line.COMPLETE,
        "released_view",
        destination=release.claims.destination,
        grounds=list(release.claims.grounds),
        withheld=list(release.claims.withheld),
    )
