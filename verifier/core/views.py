"""What a certificate shows: its disclosures in place, the views made of it, and the report.

Dropping disclosures never changes what is signed, so every view has the same leaf.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from verifier.core.certificate import ParsedCertificate, join_compact
from verifier.core.credential import dotted, field_at
from verifier.core.disclosures import digest_of
from verifier.core.encoding import unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.moments import format_utc
from verifier.core.payload_shapes import HOLDERS
from verifier.core.sd_jwt import resolve
from verifier.core.strict_json import JsonObject, JsonValue
from verifier.core.subject_template import CONTENTS

_WHAT: Final = "certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedCertificate:
    """A certificate whose disclosures all belong to what was signed.

    Attributes:
        parsed: The certificate.
        claims: The payload with its disclosures in place and without digests.
        fields: Value of every disclosure by dotted path, `contents` left out.
        digests: Digest of every disclosure by dotted path, `contents` included.
        contents: Paths of all fields that the certificate has; None when that is withheld.
        open_digests: How many digests are undisclosed by dotted path of their holder ("" for the
            subject itself). Decoys count, so for some holders the number is an upper bound.
    """

    parsed: ParsedCertificate
    claims: JsonObject
    fields: Mapping[str, JsonValue]
    digests: Mapping[str, str]
    contents: tuple[str, ...] | None
    open_digests: Mapping[str, int]

    @property
    def complete(self) -> bool:
        """Whether it is certain that nothing is withheld."""
        return self.contents is not None and not self.withheld

    @property
    def withheld(self) -> tuple[str, ...]:
        """Sorted paths known to be withheld.

        With `contents` disclosed that is all of them; otherwise `contents` itself and the inside
        of results, for which a stub is always visible.
        """
        if self.contents is not None:
            return tuple(path for path in self.contents if path not in self.fields)
        details = (f"results.{stub.ordinal}.detail" for stub in self.parsed.credential.results)
        return tuple(sorted([CONTENTS, *(path for path in details if path not in self.fields)]))

    @property
    def released(self) -> bytes:
        """SHA-256 over the sorted digests of the disclosures present, named by a release."""
        return released_digest(self.digests.values())

    def report_document(self) -> JsonObject:
        """Return the `document` of a verification report, without `view` and `summary_only`.

        `disclosed` has every visible or disclosed field that has no place of its own, by dotted
        path; `results` carry their disclosed detail beside the stub.
        """
        credential = self.parsed.credential
        shown = _visible_fields(credential.subject)
        for path, value in self.fields.items():
            if not path.startswith("results."):
                shown[path] = value
        results: list[JsonValue] = []
        for stub in credential.results:
            detail = self.fields.get(f"results.{stub.ordinal}.detail")
            entry: JsonObject = {
                "ordinal": stub.ordinal,
                "conclusion": stub.conclusion.value,
                "accredited": stub.accredited,
            }
            results.append(entry | detail if isinstance(detail, dict) else entry)
        return {
            "kind": credential.kind.value,
            "number": credential.number,
            "party": credential.party,
            "body": credential.body.hex(),
            "issuer_name": credential.issuer_name,
            "issued": credential.issued,
            "signed_at": format_utc(credential.issued_at),
            "conclusion": credential.conclusion.value,
            "results": results,
            "disclosed": shown,
            "withheld": [*self.withheld],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A certificate with some disclosures dropped.

    Attributes:
        compact: The view.
        withheld: Sorted paths of what was dropped, `contents` among them.
        released: What a release statement says of the disclosures that are left.
    """

    compact: str
    withheld: tuple[str, ...]
    released: bytes


def resolve_certificate(parsed: ParsedCertificate) -> ResolvedCertificate:
    """Put the disclosures of a certificate in place.

    Raises:
        DisclosureError: Disclosures and signed digests do not fit together; `finding` is the code
            of the failed check.
        MalformedEvidenceError: The issuer signed a disclosure that the format does not know
            (`unexpected_disclosure`), a value out of shape (`disclosed_value`), or a list of
            contents that is not true (`contents`).
    """
    kind = parsed.credential.kind
    resolved = resolve(parsed.payload, parsed.disclosures)
    fields: dict[str, JsonValue] = {}
    digests: dict[str, str] = {}
    for path, (digest, value) in resolved.disclosed.items():
        known = field_at(kind, path)
        if known is None:
            message = f"{dotted(path)} may not be a disclosure"
            raise MalformedEvidenceError(_WHAT, message, reason="unexpected_disclosure")
        name, shape = known
        if not shape.accepts(value):
            message = f"the disclosed {name} is malformed"
            raise MalformedEvidenceError(_WHAT, message, reason="disclosed_value")
        fields[name] = value
        digests[name] = digest
    for path in resolved.undisclosed:
        if tuple(None if isinstance(part, int) else part for part in path) not in HOLDERS[kind]:
            message = f"{dotted(path)} may not hold digests"
            raise MalformedEvidenceError(_WHAT, message, reason="unexpected_disclosure")
    open_digests = {dotted(path): len(them) for path, them in resolved.undisclosed.items()}
    contents = _contents(fields.pop(CONTENTS, None), fields, open_digests)
    return ResolvedCertificate(
        parsed=parsed,
        claims=resolved.claims,
        fields=fields,
        digests=digests,
        contents=contents,
        open_digests=open_digests,
    )


def make_view(certificate: ResolvedCertificate, withhold: Collection[str]) -> View:
    """Drop disclosures, and with the first one `contents`.

    Args:
        certificate: The certificate or a view of it.
        withhold: Dotted paths to drop.

    Raises:
        ValueError: A path is not among the disclosures of `certificate`.
    """
    unknown = sorted(set(withhold) - set(certificate.digests))
    if unknown:
        raise ValueError(f"there is no disclosure {', '.join(unknown)}")
    dropped = {*withhold, CONTENTS} if withhold else set()
    kept = {digest for path, digest in certificate.digests.items() if path not in dropped}
    parsed = certificate.parsed
    disclosures = [text for text in parsed.disclosures if digest_of(text) in kept]
    return View(
        compact=join_compact(parsed.jws.text, disclosures),
        withheld=tuple(sorted({*certificate.withheld, *dropped})),
        released=released_digest(kept),
    )


def released_digest(digests: Collection[str]) -> bytes:
    """Return SHA-256 over the raw digests of disclosures in ascending order.

    Args:
        digests: base64url digests, in any order.
    """
    raw = sorted(unb64u(digest, what="digest", length=32) for digest in digests)
    return sha256(b"".join(raw)).digest()


def _contents(
    stated: JsonValue, fields: Mapping[str, JsonValue], open_digests: Mapping[str, int]
) -> tuple[str, ...] | None:
    """Return the list of contents after checking it against what is there."""
    if not isinstance(stated, list):
        return None
    contents = tuple(str(path) for path in stated)
    missing = [path for path in contents if path not in fields]
    holders = Counter(path.rpartition(".")[0] for path in missing)
    if (
        list(contents) != sorted(set(contents))
        or not set(fields) <= set(contents)
        or any(open_digests.get(holder, 0) < count for holder, count in holders.items())
    ):
        message = "the list of contents does not fit the certificate"
        raise MalformedEvidenceError(_WHAT, message, reason="contents")
    return contents


# Members of a subject that a report names elsewhere or that say nothing to its reader.
_TOLD_ELSEWHERE: Final = frozenset(
    {"type", "number", "conclusion", "attestationType", "results", "_sd"}
)


def _visible_fields(subject: JsonObject) -> JsonObject:
    """Return what every view shows beside the members that a report names elsewhere."""
    shown: JsonObject = {}
    for name, value in subject.items():
        if name in _TOLD_ELSEWHERE:
            continue
        if name == "agencies" and isinstance(value, list):
            for at, agency in enumerate(value, start=1):
                shown |= _members(f"agencies.{at}", agency)
        elif isinstance(value, dict) and name != "title":
            shown |= _members(name, value)
        else:
            shown[name] = value
    shown.pop("dates.issued", None)
    return shown


def _members(holder: str, value: JsonValue) -> JsonObject:
    members = value if isinstance(value, dict) else {}
    return {f"{holder}.{name}": member for name, member in members.items() if name != "_sd"}
