"""Reading back what is about to be delivered, as its receiver will, before anything is stored.

The exact bytes are parsed, resolved and verified with the registered public key, and the document
is rebuilt from them. Only if that is the approved document, letter by letter, may they leave. The
rebuilding shares no code with the issuing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from registry.certificates.errors import DeliveryMismatchError
from registry.kit.json_bytes import checked_bytes
from verifier.core.certificate import IssuerInfo, parse_certificate
from verifier.core.cosignature import parse_cosignature
from verifier.core.errors import VerifierError
from verifier.core.field_policy import DocumentKind
from verifier.core.ids import StatusEntry
from verifier.core.keys import PublicKey
from verifier.core.offline_code import Summary, parse_payload
from verifier.core.sm2 import Sm2Verify
from verifier.core.strict_json import JsonObject
from verifier.core.summary import summary_differences
from verifier.core.views import ResolvedCertificate, resolve_certificate

_ADDED_TO_SUBJECT: Final = frozenset({"type", "attestationType", "conclusion", "_sd"})
_NUMBERED: Final = ("results", "agencies")  # lists of objects with disclosures of their own
_ADDED_TO_ISSUER: Final = frozenset({"id", "name", "party", "body"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say.

    Attributes:
        document: Canonical JSON of the approved document.
        body_alias: How the document names its body.
        issuer: The issuing body.
        status: The reserved status position.
        credential_id: The id drawn for the certificate.
        issued_at: Time of signing, Unix seconds.
        key: The registered public key.
    """

    document: bytes
    body_alias: str
    issuer: IssuerInfo
    status: StatusEntry
    credential_id: str
    issued_at: int
    key: PublicKey


def reverify_certificate(compact: str, leaf: bytes, expected: Expected) -> ResolvedCertificate:
    """Read a certificate back.

    Args:
        compact: The complete certificate, as it will be delivered.
        leaf: The leaf that will be anchored.
        expected: What it must say.

    Raises:
        DeliveryMismatchError: It does not.
    """
    try:
        resolved = resolve_certificate(parse_certificate(compact))
    except VerifierError as error:
        raise DeliveryMismatchError(f"the new token cannot be read: {error}") from error
    parsed = resolved.parsed
    credential = parsed.credential
    said = {
        "signature": parsed.jws.signed_by(expected.key),
        "leaf": parsed.leaf == leaf,
        "completeness": resolved.complete,
        "issuer": (credential.party, credential.did, credential.body, credential.issuer_name)
        == (
            expected.issuer.party,
            expected.issuer.did,
            expected.issuer.body,
            expected.issuer.name,
        ),
        "status position": credential.status == expected.status,
        "id": credential.credential_id == expected.credential_id,
        "time of signing": credential.issued_at == expected.issued_at,
        "content": checked_bytes(rebuild_document(resolved, expected.body_alias))
        == expected.document,
    }
    _refuse_unless(said, "certificate")
    return resolved


def reverify_co_signature(
    text: str, *, of: ResolvedCertificate, key: PublicKey, sm2: Sm2Verify
) -> None:
    """Read a co-signature back.

    Args:
        text: The token, as it will be delivered.
        of: The certificate that it belongs to.
        key: The registered public key.
        sm2: Verifies its signature.

    Raises:
        DeliveryMismatchError: It is not a co-signature of that certificate.
    """
    parsed = of.parsed
    try:
        co_signature = parse_cosignature(text)
    except VerifierError as error:
        raise DeliveryMismatchError(f"the new co-signature cannot be read: {error}") from error
    said = {
        "signature": co_signature.signed_by(key, sm2=sm2),
        "certificate": co_signature.cosigns == parsed.leaf,
        "payload": text.split(".")[1] == parsed.jws.text.split(".")[1],
        "announcement": parsed.credential.co_signature == key.algorithm,
    }
    _refuse_unless(said, "co-signature")


def reverify_summary(
    encoded: str, leaf: bytes, *, of: ResolvedCertificate, key: PublicKey
) -> Summary:
    """Read a summary back.

    Args:
        encoded: The base64url payload of its offline code.
        leaf: The leaf that will be anchored.
        of: The certificate, or the view of it, that it summarises.
        key: The registered public key.

    Raises:
        DeliveryMismatchError: It is not a summary of that view.
    """
    try:
        summary = parse_payload(encoded)
        differences = summary_differences(summary.claims, of)
    except VerifierError as error:
        raise DeliveryMismatchError(f"the new summary cannot be read: {error}") from error
    said = {
        "signature": summary.verify(key),
        "leaf": summary.leaf() == leaf,
        "content": not differences,
    }
    _refuse_unless(said, "summary")
    return summary


def rebuild_document(resolved: ResolvedCertificate, body_alias: str) -> JsonObject:
    """Return the import document behind a certificate; what a view withholds is absent."""
    shown = _Shown(resolved)
    visible: Mapping[str, Any] = resolved.parsed.credential.subject
    subject: dict[str, Any] = {
        name: shown.member(name, value)
        for name, value in visible.items()
        if name not in _ADDED_TO_SUBJECT
    }
    subject |= shown.disclosed.get("", {})
    results = subject.pop("results")
    details = [result.get("detail", {}) for result in results]
    if resolved.parsed.credential.kind is DocumentKind.TEST_CERTIFICATE:
        if "conformity" in subject:
            subject["conclusion"] = subject.pop("conformity")
        subject["results"] = [
            detail | {"conclusion": result["conclusion"], "accredited": result["accredited"]}
            for detail, result in zip(details, results, strict=True)
        ]
    else:
        subject["conclusions"] = subject.pop("agencies")
        subject["checklist"] = [
            detail | {"result": result["conclusion"]}
            for detail, result in zip(details, results, strict=True)
        ]
    issuer = shown.object("issuer", resolved.parsed.payload["issuer"])
    own = {name: value for name, value in issuer.items() if name not in _ADDED_TO_ISSUER}
    kind = resolved.parsed.credential.kind.value
    return subject | {"kind": kind, "issuer": {"body": body_alias, **own}}


class _Shown:
    """Objects of a payload with their disclosures in place and without digests.

    Attributes:
        disclosed: Disclosed members by the dotted path of their holder.
    """

    def __init__(self, resolved: ResolvedCertificate) -> None:
        self.disclosed: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for path, value in resolved.fields.items():
            holder, _, name = path.rpartition(".")
            self.disclosed[holder][name] = value

    def object(self, path: str, node: Any) -> dict[str, Any]:  # noqa: ANN401  (a JSON value)
        members = {name: value for name, value in node.items() if name != "_sd"}
        return members | self.disclosed[path] if path in self.disclosed else members

    def member(self, name: str, value: Any) -> Any:  # noqa: ANN401  (a JSON value)
        if isinstance(value, dict):
            return self.object(name, value)
        if name in _NUMBERED:
            return [self.object(f"{name}.{at}", each) for at, each in enumerate(value, start=1)]
        return value


def _refuse_unless(said: Mapping[str, bool], what: str) -> None:
    wrong = [name for name, is_right in said.items() if not is_right]
    if wrong:
        raise DeliveryMismatchError(f"the new {what} differs in {', '.join(wrong)}")
