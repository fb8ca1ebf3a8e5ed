"""What a report shows of a document and of the state that it was judged by."""

from __future__ import annotations

from verifier.checks.evidence import Facts
from verifier.checks.facts import BodyFacts, Head, StatusFacts
from verifier.checks.finding import Finding
from verifier.checks.scope_document import find_scope_document
from verifier.core.errors import MalformedEvidenceError
from verifier.core.strict_json import JsonObject
from verifier.service.submission import Opened


def status_head(facts: Facts) -> Head | None:
    """Return the block at which the status was read, None when it was not."""
    read = facts.statuses and all(isinstance(each, StatusFacts) for each in facts.statuses)
    return facts.head if read and isinstance(facts.head, Head) else None


def shown_document(opened: Opened, facts: Facts, findings: tuple[Finding, ...]) -> JsonObject:
    """Return the `document` of the report, with the name that the party registered."""
    release = opened.document.view.release if opened.document.view else None
    summary = opened.summary
    shown: JsonObject = {
        **opened.shown,
        "issuer_name": _registered_name(facts),
        "summary_only": summary is not None,
        "view": None,
    }
    released = any(finding.code == "released_view" for finding in findings)
    if released and release is not None:
        claims = release.claims
        shown["view"] = {"destination": claims.destination, "grounds": [*claims.grounds]}
        shown["withheld"] = [*claims.withheld]
    elif summary is not None and summary.claims.destination is not None:
        shown["view"] = {"destination": summary.claims.destination, "grounds": []}
    return shown


def _registered_name(facts: Facts) -> str | None:
    """Return the issuer's name from the newest scope document in hand.

    The name in the token is the issuer's own word for itself and is never shown in its place.
    """
    body = facts.token.signer.body
    if not isinstance(body, BodyFacts):
        return None
    documents = facts.scope_documents
    for scope in reversed(body.scopes):
        try:
            document = find_scope_document(documents, scope.document_hash, body=body.body_id)
        except MalformedEvidenceError:
            continue
        if document is not None:
            return document.display_name()
    return None
