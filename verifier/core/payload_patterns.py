"""Patterns of payloads and disclosures as this project writes them; see `shape_patterns`.

Compiled on first use: a verifier of one certificate needs those of one kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from verifier.core.field_policy import CONTAINERS, DocumentKind
from verifier.core.payload_shapes import HOLDERS, PAYLOAD_SHAPES, Holder
from verifier.core.shape_patterns import Matcher, matcher
from verifier.core.shapes import Object

NAME_AT: Final = 27  # where the name of a member's disclosure begins, behind `["salt","`

_SALT: Final = r'\["[A-Za-z0-9_-]{22}",'
# The order of `credential.write_payload` and of `subject_template`.
_PAYLOAD: Final = (
    *("@context", "type", "id", "issuer", "iat", "validFrom", "validUntil", "credentialStatus"),
    *("credentialSchema", "coSignature", "_sd_alg", "credentialSubject"),
)
_ISSUER: Final = ("id", "name", "party", "body", "_sd")
_STATUS: Final = (*("id", "type", "statusPurpose", "statusListIndex", "statusListCredential"),)
_SUBJECT_HEAD: Final = (
    *("attestationType", "conclusion", "demonstration", "joint", "languages", "marks", "number"),
    *("revision", "title", "type"),
)


def payload_kind(text: str) -> DocumentKind | None:
    """Return the kind of a payload whose text proves it well-formed, None for any other.

    The proof covers all that `parse_json` and the shape of the payload demand, but for the order
    of digests; see `digests_in_order`.

    Args:
        text: One that `plain_lines` let through.
    """
    escaped = "\\" in text
    for kind in DocumentKind:
        if _payload_matcher(kind, escaped)(text):
            return kind
    return None


def digests_in_order(kind: DocumentKind, payload: Mapping[str, Any]) -> bool:
    """Tell whether the digests of every holder ascend strictly, as `Digests` demands."""
    subject = payload["credentialSubject"]
    for holder in HOLDERS[kind]:
        if holder.repeated:
            continue  # each has one digest at most
        if holder.name:
            node = (payload if holder.name == "issuer" else subject).get(holder.name, {})
        else:
            node = subject
        digests = node.get("_sd", ())
        if len(digests) > 1 and digests != sorted(set(digests)):
            return False
    return True


@cache
def disclosure_matchers(
    kind: DocumentKind, *, escaped: bool
) -> tuple[tuple[Holder, Mapping[str, Matcher]], ...]:
    """Return for each holder a matcher of whole disclosure texts by the name of the member."""
    return tuple(
        (
            holder,
            {
                name: matcher(shape, before=f'{_SALT}"{name}",', after=r"\]", escaped=escaped)
                for name, shape in holder.fields.items()
            },
        )
        for holder in HOLDERS[kind]
    )


@cache
def _payload_matcher(kind: DocumentKind, escaped: bool) -> Matcher:
    shape = PAYLOAD_SHAPES[kind]
    subject = shape.members["credentialSubject"]
    known = subject.members if isinstance(subject, Object) else {}
    containers = [name for name in CONTAINERS[kind] if name != "issuer"]
    written = (*_SUBJECT_HEAD, "replaces", *containers, "results", "agencies", "_sd")
    orders = {
        "": _PAYLOAD,
        "issuer": _ISSUER,
        "credentialStatus": _STATUS,
        "credentialSubject": tuple(name for name in written if name in known),
    }
    return matcher(shape, orders=orders, escaped=escaped)
