"""What a certificate shows: its disclosures in place, the views made of it, and the report.

Dropping disclosures never changes what is signed, so every view has the same leaf.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from verifier.core.certificate import ParsedCertificate, join_compact
from verifier.core.disclosures import (
    Disclosure,
    DisclosureError,
    decode,
    digest_of,
    member_of,
    plain_texts,
)
from verifier.core.encoding import unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.moments import format_utc
from verifier.core.payload_patterns import NAME_AT, disclosure_matchers
from verifier.core.payload_shapes import HOLDERS, Holder
from verifier.core.sd_jwt import resolve
from verifier.core.shapes import Shape
from verifier.core.strict_json import JsonObject, JsonValue, decode_proven
from verifier.core.subject_template import CONTENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedCertificate:
    """A certificate whose disclosures all belong to what was signed.

    Attributes:
        parsed: The certificate.
        fields: Value of every disclosure by dotted path, `contents` left out.
        digests: Digest of every disclosure by dotted path, `contents` included.
        contents: Paths of all fields that the certificate has; None when that is withheld.
        open_digests: How many digests are undisclosed by dotted path of their holder ("" for the
            subject itself). Decoys count, so for some holders the number is an upper bound.
    """

    parsed: ParsedCertificate
    fields: Mapping[str, JsonValue]
    digests: Mapping[str, str]
    contents: tuple[str, ...] | None
    open_digests: Mapping[str, int]

    @property
    def claims(self) -> JsonObject:
        """The payload with its disclosures in place and without digests, made on each call."""
        return resolve(self.parsed.payload, self.parsed.disclosures).claims

    @property
    def complete(self) -> bool:
        """Whether it is certain that nothing is withheld."""
        # The list of contents names every field there is, each once.
        return self.contents is not None and len(self.contents) == len(self.fields)

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

    The rules are those of `sd_jwt.resolve`. Since the format fixes where digests may stand, this
    goes straight to those places.

    Raises:
        LimitExceededError: There are too many disclosures, or one is nested too deep.
        DisclosureError: Disclosures and signed digests do not fit together; `finding` is the code
            of the failed check.
        MalformedEvidenceError: The issuer signed a disclosure that the format does not know
            (`unexpected_disclosure`), a value out of shape (`disclosed_value`), or a list of
            contents that is not true (`contents`).
    """
    return _resolve_proven(parsed) or _resolve_strictly(parsed)


def _resolve_strictly(parsed: ParsedCertificate) -> ResolvedCertificate:
    """Resolve any certificate, or say what is wrong with it."""
    work = _Placing(decode(parsed.disclosures))
    for holder in HOLDERS[parsed.credential.kind]:
        for path, node in _nodes(holder, parsed.payload):
            work.place(node, path, holder.fields)
    work.finish()
    contents = _contents(work.fields.pop(CONTENTS, None), work.fields, work.open_digests)
    return ResolvedCertificate(
        parsed=parsed,
        fields=work.fields,
        digests=work.digests,
        contents=contents,
        open_digests=work.open_digests,
    )


def _resolve_proven(parsed: ParsedCertificate) -> ResolvedCertificate | None:
    """Resolve a certificate whose disclosures are written the way we write them.

    The text of each is matched with the one pattern that proves it a well-formed disclosure of a
    field that belongs where its digest stands. Anything else at all gives None and is left to
    `_resolve_strictly`. So this accepts nothing that the other would refuse, and refuses nothing.
    """
    waiting = plain_texts(parsed.disclosures)
    if waiting is None:
        return None
    escaped = any("\\" in text for text in waiting.values())
    texts: dict[str, str] = {}
    digests: dict[str, str] = {}
    open_digests: dict[str, int] = {}
    met: list[str] = []
    for holder, matchers in disclosure_matchers(parsed.credential.kind, escaped=escaped):
        for path, node in _nodes(holder, parsed.payload):
            signed = node.get("_sd", ())
            met += signed
            for digest in signed:
                text = waiting.pop(digest, None)
                if text is None:
                    open_digests[path] = open_digests.get(path, 0) + 1
                    continue
                name = text[NAME_AT : text.find('"', NAME_AT)]
                place = f"{path}.{name}" if path else name
                if name not in matchers or place in texts or not matchers[name](text):
                    return None
                texts[place] = text
                digests[place] = digest
    if waiting or len(set(met)) != len(met):
        return None
    listed: Any = decode_proven(texts.pop(CONTENTS, "[null,null,null]"))
    return ResolvedCertificate(
        parsed=parsed,
        fields=_Fields(texts),
        digests=digests,
        contents=_contents(listed[2], texts, open_digests),
        open_digests=open_digests,
    )


def _nodes(holder: Holder, payload: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the objects of a payload that a holder stands for, each with its dotted path."""
    name, subject = holder.name, payload["credentialSubject"]
    if holder.repeated:
        for at, each in enumerate(subject.get(name, ()), start=1):
            yield f"{name}.{at}", each
    elif name:
        outer = payload if name == "issuer" else subject
        if name in outer:
            yield name, outer[name]
    else:
        yield "", subject


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


@dataclass(slots=True)
class _Placing:
    """State of one `resolve_certificate`: disclosures still waiting for their digest."""

    waiting: dict[str, Disclosure]
    fields: dict[str, JsonValue] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    open_digests: dict[str, int] = field(default_factory=dict)
    met: list[str] = field(default_factory=list)

    def place(self, node: Mapping[str, Any], path: str, known: Mapping[str, Shape]) -> None:
        """Put disclosures in the place of the digests of one object."""
        signed: list[str] = node.get("_sd", [])
        self.met += signed
        prefix = f"{path}." if path else ""
        closed = 0
        for digest in signed:
            disclosure = self.waiting.pop(digest, None)
            if disclosure is None:
                continue
            closed += 1
            name, value = member_of(disclosure)
            place = prefix + name
            if name not in known:
                raise _malformed(f"{place} may not be a disclosure", "unexpected_disclosure")
            if place in self.fields:
                raise DisclosureError(f"{place} exists already", reason="claim_collision")
            if not known[name].accepts(value):
                raise _malformed(f"the disclosed {place} is malformed", "disclosed_value")
            self.fields[place] = value
            self.digests[place] = digest
        if closed < len(signed):
            self.open_digests[path] = len(signed) - closed

    def finish(self) -> None:
        """Refuse what is left over, and digests that occur twice."""
        if len(set(self.met)) != len(self.met):
            raise DisclosureError("a digest occurs twice", reason="digest_duplicate")
        if self.waiting:
            message = f"{len(self.waiting)} of them belong to no signed digest"
            raise DisclosureError(message, reason="disclosure_unmatched")


class _Fields(Mapping[str, JsonValue]):
    """Values of disclosures whose texts have been proven well-formed, decoded on first use.

    Whoever only asks whether a certificate holds does not pay for values that nobody reads.
    """

    __slots__ = ("_texts", "_values")

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._values: dict[str, JsonValue] | None = None

    def __getitem__(self, path: str) -> JsonValue:
        if self._values is None:
            parts: Any = decode_proven(f"[{','.join(self._texts.values())}]")
            self._values = {
                place: value for place, (_, _, value) in zip(self._texts, parts, strict=True)
            }
        return self._values[path]

    def __contains__(self, path: object) -> bool:
        return path in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def _contents(
    stated: Any,  # noqa: ANN401  (None, or a list of texts by its shape)
    fields: Collection[str],
    open_digests: Mapping[str, int],
) -> tuple[str, ...] | None:
    """Return the list of contents after checking it against what is there."""
    if stated is None:
        return None
    listed: set[str] = set(stated)
    withheld = listed.difference(fields)
    missing = Counter(path.rpartition(".")[0] for path in withheld) if withheld else {}
    if (
        stated != sorted(listed)
        or not listed.issuperset(fields)
        or any(open_digests.get(holder, 0) < count for holder, count in missing.items())
    ):
        raise _malformed("the list of contents does not fit the certificate", "contents")
    return tuple(stated)


def _malformed(message: str, reason: str) -> MalformedEvidenceError:
    return MalformedEvidenceError("certificate", message, reason=reason)


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
