"""Shapes of everything in a certificate's payload, derived from the table of fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from verifier.core.conclusions import Conclusion
from verifier.core.field_policy import (
    ACCREDITED,
    AGENCY_OWN,
    AGENCY_VISIBLE,
    CONTAINERS,
    DETAIL,
    MAX_AGENCIES,
    MAX_RESULTS,
    OPTIONAL_VISIBLE,
    ORDINAL,
    OWN_FIELDS,
    REPLACES_OWN,
    REPLACES_VISIBLE,
    REQUIRED_CONTAINERS,
    REQUIRED_VISIBLE,
    RESULT_CONCLUSION,
    Container,
    DocumentKind,
)
from verifier.core.moments import LAST_SECOND
from verifier.core.sd_jwt import SD_ALG
from verifier.core.shapes import Choice, Integer, ListOf, Object, Problem, Shape, Text
from verifier.core.strict_json import JsonObject, JsonValue
from verifier.core.subject_template import CONTENTS

OWN_CONTEXT: Final = "https://lancang.example/ns/evidence/1"
OWN_CONTEXT_FAMILY: Final = "https://lancang.example/ns/evidence/"
CONTEXTS: Final = (
    "https://www.w3.org/ns/credentials/v2",
    "https://vocabulary.uncefact.org/untp/0.7.0/context/",
    OWN_CONTEXT,
)
TYPES: Final = ("VerifiableCredential", "DigitalConformityCredential")
SUBJECT_TYPES: Final = ("ConformityAttestation",)
CREDENTIAL_SCHEMA: Final = "https://lancang.example/schemas/credential/1"
NO_CO_SIGNATURE: Final = "none"
CO_SIGNATURES: Final = (NO_CO_SIGNATURE, "SM2-SM3")

_DIGEST_CHARS: Final = 43
CREDENTIAL_ID: Final = Text(
    longest=45,
    pattern="urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    wanted="a urn:uuid in lower case",
)


@dataclass(frozen=True, slots=True)
class Digests(Shape):
    """A `_sd` array: digests in strictly ascending order. What is no digest matches nothing."""

    least: int = 1
    most: int = 4096

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        if not isinstance(value, list) or not self.least <= len(value) <= self.most:
            return False
        previous = ""
        for digest in value:
            if not isinstance(digest, str) or len(digest) != _DIGEST_CHARS or digest <= previous:
                return False
            previous = digest
        return True

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        if not self.accepts(value):
            message = f"must be {self.least} to {self.most} different SHA-256 digests in order"
            yield Problem(pointer=pointer, code="digests", message=message)

    def _schema(self, nullable: bool) -> JsonObject:
        digest = Text(longest=_DIGEST_CHARS, pattern="[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
        return {
            "type": "array",
            "items": digest.schema(nullable=nullable),
            "minItems": self.least,
            "maxItems": self.most,
            "uniqueItems": True,
        }


@dataclass(frozen=True, slots=True)
class Exactly(Shape):
    """One fixed value."""

    value: JsonValue

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        return value == self.value

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        if value != self.value:
            yield Problem(pointer=pointer, code="not_allowed", message=f"must be {self.value!r}")

    def _schema(self, nullable: bool) -> JsonObject:
        return {"const": self.value}


_CONTENTS: Final = ListOf(Text(longest=80), least=1, most=4096)
_URN: Final = Text(longest=120)


def _holder_shape(shown: Mapping[str, Shape], required: frozenset[str], sd: Digests) -> Object:
    return Object({**shown, "_sd": sd}, required)


def _container_shape(container: Container) -> Object:
    shown = {name: shape for name, shape in container.fields.items() if name in container.visible}
    required = container.visible & container.required or frozenset({"_sd"})
    return _holder_shape(shown, required, Digests())


def _subject_shape(kind: DocumentKind) -> Object:
    one = Digests(least=1, most=1)
    members: dict[str, Shape] = {
        "type": Exactly([*SUBJECT_TYPES]),
        **REQUIRED_VISIBLE,
        **OPTIONAL_VISIBLE[kind],
        "attestationType": Exactly(kind.attestation_type),
        "conclusion": Choice(tuple(Conclusion)),
        "replaces": _holder_shape(REPLACES_VISIBLE, frozenset({"number", "_sd"}), one),
        "results": ListOf(
            _holder_shape(
                {
                    "ordinal": ORDINAL,
                    "conclusion": RESULT_CONCLUSION[kind],
                    "accredited": ACCREDITED,
                },
                frozenset({"ordinal", "conclusion", "accredited", "_sd"}),
                one,
            ),
            least=1,
            most=MAX_RESULTS,
        ),
        "_sd": Digests(),
    }
    for name, container in CONTAINERS[kind].items():
        if name != "issuer":
            members[name] = _container_shape(container)
    required = {"type", *REQUIRED_VISIBLE, "attestationType", "conclusion", "results", "_sd"}
    required |= REQUIRED_CONTAINERS[kind] - {"issuer"}
    if kind is DocumentKind.INSPECTION_RECORD:
        agency = _holder_shape(AGENCY_VISIBLE, frozenset(AGENCY_VISIBLE), one)
        members["agencies"] = ListOf(agency, least=1, most=MAX_AGENCIES)
        required.add("agencies")
    return Object(members, frozenset(required))


def _payload_shape(kind: DocumentKind) -> Object:
    issuer = {"id": Text(), "name": Text(longest=400), "party": Text(), "body": Text()}
    status = ("id", "type", "statusPurpose", "statusListIndex", "statusListCredential")
    status_shape: dict[str, Shape] = {
        **dict.fromkeys(status, _URN),
        "type": Exactly("BitstringStatusListEntry"),
        "statusPurpose": Exactly("revocation"),
    }
    members: dict[str, Shape] = {
        "@context": Exactly([*CONTEXTS]),
        "type": Exactly([*TYPES, kind.value]),
        "id": CREDENTIAL_ID,
        "issuer": _holder_shape(issuer, frozenset(issuer), Digests(most=1)),
        "iat": Integer(0, LAST_SECOND),
        "validFrom": Text(longest=20),
        "validUntil": Text(longest=20),
        "credentialStatus": Object(status_shape, frozenset(status)),
        "credentialSchema": Exactly({"id": CREDENTIAL_SCHEMA, "type": "JsonSchema"}),
        "coSignature": Choice(CO_SIGNATURES),
        "_sd_alg": Exactly(SD_ALG),
        "credentialSubject": _subject_shape(kind),
    }
    return Object(members, frozenset(members) - {"validUntil"})


PAYLOAD_SHAPES: Final[Mapping[DocumentKind, Object]] = {
    kind: _payload_shape(kind) for kind in DocumentKind
}


@dataclass(frozen=True, slots=True)
class Holder:
    """An object of a payload that holds digests.

    Attributes:
        name: Its member in `credentialSubject`, or in the payload for the issuer; empty for
            `credentialSubject` itself.
        fields: What may be disclosed in it: shapes by member name.
        repeated: It is an array of such objects.
    """

    name: str
    fields: Mapping[str, Shape]
    repeated: bool = False


def _holders(kind: DocumentKind) -> Iterator[Holder]:
    yield Holder("", {CONTENTS: _CONTENTS, **OWN_FIELDS[kind]})
    for name, container in CONTAINERS[kind].items():
        shapes = container.fields.items()
        yield Holder(name, {each: shape for each, shape in shapes if each not in container.visible})
    yield Holder("replaces", REPLACES_OWN)
    yield Holder("results", {"detail": DETAIL[kind]}, repeated=True)
    if kind is DocumentKind.INSPECTION_RECORD:
        yield Holder("agencies", AGENCY_OWN, repeated=True)


# Where disclosures may stand in a payload, and what they must look like there.
HOLDERS: Final[Mapping[DocumentKind, tuple[Holder, ...]]] = {
    kind: tuple(_holders(kind)) for kind in DocumentKind
}
