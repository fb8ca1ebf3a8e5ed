"""The fields of a document: what each looks like, and whether it can be withheld.

This table is the single source of field names. The import validation, the issued payload, the
parser of payloads and the published schemas are all derived from it; section 1.3 of
docs/evidence-format.md describes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from verifier.core.conclusions import (
    AGENCY_CONCLUSIONS,
    ITEM_CONCLUSIONS,
    TEST_CONCLUSIONS,
    Outcome,
)
from verifier.core.moments import MomentText
from verifier.core.shapes import (
    Choice,
    Either,
    Flag,
    Integer,
    ListOf,
    Object,
    Shape,
    Text,
    TextByLanguage,
)

MAX_RESULTS: Final = 2000  # leaves room for every other field below MAX_DISCLOSURES
MAX_COUNT: Final = 10**12  # packages, pool sizes
MAX_CHANGES: Final = 512  # paths that an amendment names before it sums them up


class DocumentKind(StrEnum):
    """The two kinds of documents, by their credential type."""

    TEST_CERTIFICATE = "TestCertificate"  # ISO/IEC 17025, clause 7.8
    INSPECTION_RECORD = "InspectionRecord"  # ISO/IEC 17020, clause 7.4

    # That of an enumeration is slower, and not that of the text it is equal to.
    __hash__ = str.__hash__

    @property
    def attestation_type(self) -> str:
        """The UNTP `attestationType` of the kind."""
        return "testing" if self is DocumentKind.TEST_CERTIFICATE else "inspection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A group of fields of a document.

    Attributes:
        fields: Shape of every field of the group.
        required: Fields that an import must have.
        visible: Fields that every view shows. Each of the others is a disclosure of its own.
        decoys: Decoy digests hide how many fields of the group there are.
    """

    fields: Mapping[str, Shape]
    required: frozenset[str] = frozenset()
    visible: frozenset[str] = frozenset()
    decoys: bool = False


_LANGUAGE: Final = Text(
    longest=12,
    pattern=r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-[A-Z]{2})?",
    code="language",
    wanted="a language tag such as zh, en or lo",
)
_LINE: Final = Text()
_LONG: Final = Text(longest=4000, lines=True)
_NAMES: Final = TextByLanguage(Text(longest=400), _LANGUAGE)
_STATEMENTS: Final = TextByLanguage(_LONG, _LANGUAGE)
_COUNTRY: Final = Text(
    longest=2, pattern="[A-Z]{2}", code="country", wanted="an ISO 3166-1 code of two letters"
)
_MOMENT: Final = MomentText()
SIGNED_DECIMAL: Final = Text(
    longest=42,
    pattern=r"-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,20})?",
    code="decimal",
    wanted="a decimal number as text, without exponent or thousands separator",
)
_DECIMAL: Final = Text(
    longest=41,
    pattern=r"(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,20})?",
    code="decimal",
    wanted="a decimal number as text, not negative, without exponent or thousands separator",
)
_UNIT: Final = Text(longest=32)
_CODE: Final = Text(
    longest=64,
    pattern=r"[A-Za-z0-9][A-Za-z0-9_.:/+-]*",
    code="code",
    wanted="a code of letters, digits and _ . : / + -",
)
_SHA256: Final = Text(
    longest=64, pattern="[0-9a-f]{64}", code="sha256", wanted="64 lower-case hexadecimal digits"
)
_LEAF: Final = Text(
    longest=43,
    pattern="[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]",
    code="leaf",
    wanted="a leaf digest in base64url",
)
_QUANTITY: Final = Object({"value": _DECIMAL, "unit": _UNIT}, frozenset({"value", "unit"}))

RESULT_TYPES: Final = ("quantity", "below_loq", "not_detected", "above_range", "text")
OPERATORS: Final = ("<=", ">=", "<", ">", "==", "range", "not_detected")

_CUSTOMER: Final = Container(
    fields={
        "name": _LINE,
        "address": Text(longest=400),
        "contact": _LINE,
        "identifier": Text(longest=64),
    },
    decoys=True,
)
_CONSIGNMENT: Final = Container(
    fields={
        "hs_code": Text(
            longest=16,
            pattern=r"[0-9]{4}(?:\.[0-9]{2}){1,3}|[0-9]{6}(?:[0-9]{2}){0,3}[0-9]?",
            code="hs_code",
            wanted="an HS code of at least six digits, such as 2523.29.00",
        ),
        "hs_edition": Text(
            longest=7, pattern="HS [0-9]{4}", code="hs_edition", wanted="an edition such as HS 2022"
        ),
        "ics": Text(
            longest=9,
            pattern=r"[0-9]{2}(?:\.[0-9]{3}(?:\.[0-9]{2})?)?",
            code="ics",
            wanted="an ICS code such as 91.100.10",
        ),
        "ccs": Text(
            longest=3, pattern="[A-Z][0-9]{2}", code="ccs", wanted="a CCS code such as Q11"
        ),
        "description": _NAMES,
        "origin": _COUNTRY,
        "export_country": _COUNTRY,
        "import_country": _COUNTRY,
        "entry_point": _LINE,
        "consignor": _LINE,
        "consignee": _LINE,
        "manufacturer": _LINE,
        "brand": _LINE,
        "production_date": _MOMENT,
        "declaration_no": Text(longest=64),
        "transport": _LINE,
        "container_no": Text(longest=64),
        "seal_no": Text(longest=64),
        "lot_no": Text(longest=64),
        "orchard_code": Text(longest=64),
        "packing_house_code": Text(longest=64),
        "net_mass": _QUANTITY,
        "gross_mass": _QUANTITY,
        "packages": Object(
            {"count": Integer(0, MAX_COUNT), "type": Text(longest=64)}, frozenset({"count"})
        ),
    },
    required=frozenset({"description"}),
    decoys=True,
)
_SAMPLING: Final = Container(
    fields={
        "sampled_by": Choice(("issuer", "customer", "authority", "third_party")),
        "plan": Text(longest=400),
        "standard": _LINE,
        "date": _MOMENT,
        "location": _LINE,
        "sample_id": Text(longest=64),
        "condition": _LINE,
        "seal_no": Text(longest=64),
    },
    decoys=True,
)
_SIGNATORY: Final = Container(
    fields={"role": _LINE, "id": Text(longest=64), "name": _LINE},
    required=frozenset({"role", "id"}),
    decoys=True,
)
_ISSUER: Final = Container(fields={"location": _LINE})
_CONFORMITY: Final = Container(
    fields={"statement": _STATEMENTS, "applies_to": Text(longest=400)},
    required=frozenset({"statement"}),
)
_ALWAYS_VISIBLE_DATES: Final = frozenset({"issued", "valid_until"})
_TEST_DATES: Final = Container(
    fields={
        "received": _MOMENT,
        "tested_from": _MOMENT,
        "tested_to": _MOMENT,
        "issued": _MOMENT,
        "valid_until": _MOMENT,
    },
    required=frozenset({"tested_from", "tested_to", "issued"}),
    visible=_ALWAYS_VISIBLE_DATES,
)
_INSPECTION_DATES: Final = Container(
    fields={
        "started": _MOMENT,
        "ended": _MOMENT,
        "issued": _MOMENT,
        "valid_until": _MOMENT,
    },
    required=frozenset({"started", "ended", "issued"}),
    visible=_ALWAYS_VISIBLE_DATES,
)
_TASK: Final = Container(
    fields={
        "number": Text(longest=64),
        "lead": _LINE,
        "issued": _MOMENT,
        "place": _LINE,
        "participants": ListOf(
            Object(
                {
                    "agency": _LINE,
                    "response_due": Text(
                        longest=16,
                        pattern=r"P(?=[0-9T])(?:[0-9]{1,3}D)?(?:T(?=[0-9])(?:[0-9]{1,3}H)?(?:[0-9]{1,3}M)?)?",
                        code="duration",
                        wanted="a duration such as PT2H",
                    ),
                    "responded": _MOMENT,
                    "expert": _LINE,
                    "focus": ListOf(_LINE),
                    "legal_basis": ListOf(_LINE),
                },
                frozenset({"agency"}),
            ),
            least=1,
        ),
    },
    required=frozenset({"number", "lead"}),
)
_SELECTION: Final = Container(
    fields={
        "mode": Choice(("random", "risk", "directed")),
        "pool_size": Integer(1, MAX_COUNT),
        "drawn_index": Integer(0, MAX_COUNT),
        "inspector_pool": Integer(1, MAX_COUNT),
        "inspectors": ListOf(Text(longest=64), unique=True),
        "excluded": ListOf(
            Object({"inspector": Text(longest=64), "reason": _LINE}, frozenset({"inspector"}))
        ),
        "risk_rules_hit": ListOf(_LINE),
        "credit_class": _LINE,
    },
    required=frozenset({"mode"}),
)
_DISPOSITION: Final = Container(
    fields={
        "outcome": Choice(tuple(Outcome)),
        "rule": Choice(("graded", "one_vote_veto")),
        "under_veto": Choice(tuple(Outcome)),
        "actions": ListOf(_NAMES),
    },
    required=frozenset({"outcome"}),
    visible=frozenset({"outcome"}),
)

CONTAINERS: Final[Mapping[DocumentKind, Mapping[str, Container]]] = {
    DocumentKind.TEST_CERTIFICATE: {
        "issuer": _ISSUER,
        "customer": _CUSTOMER,
        "consignment": _CONSIGNMENT,
        "sampling": _SAMPLING,
        "dates": _TEST_DATES,
        "conformity": _CONFORMITY,
        "signatory": _SIGNATORY,
    },
    DocumentKind.INSPECTION_RECORD: {
        "issuer": _ISSUER,
        "customer": _CUSTOMER,
        "consignment": _CONSIGNMENT,
        "task": _TASK,
        "selection": _SELECTION,
        "disposition": _DISPOSITION,
        "dates": _INSPECTION_DATES,
        "signatory": _SIGNATORY,
    },
}
REQUIRED_CONTAINERS: Final[Mapping[DocumentKind, frozenset[str]]] = {
    DocumentKind.TEST_CERTIFICATE: frozenset({"issuer", "consignment", "dates", "signatory"}),
    DocumentKind.INSPECTION_RECORD: frozenset({"issuer", "consignment", "dates", "signatory"}),
}

# Members of the document itself that are a disclosure of their own.
OWN_FIELDS: Final[Mapping[DocumentKind, Mapping[str, Shape]]] = {
    DocumentKind.TEST_CERTIFICATE: {
        "statements": ListOf(_LONG, least=1),
        "deviations": ListOf(_LONG, least=1),
        "opinions": ListOf(_LONG, least=1),
    },
    DocumentKind.INSPECTION_RECORD: {"statements": ListOf(_LONG, least=1)},
}

# Members of the document itself that every view shows.
REQUIRED_VISIBLE: Final[Mapping[str, Shape]] = {
    "number": Text(longest=64),
    "title": _NAMES,
    "revision": Integer(1, 9999),
    "demonstration": Flag(),
    "languages": ListOf(_LANGUAGE, least=1, unique=True),
}
OPTIONAL_VISIBLE: Final[Mapping[DocumentKind, Mapping[str, Shape]]] = {
    # Marks of accreditation on the certificate, such as CNAS, CMA, ILAC-MRA.
    DocumentKind.TEST_CERTIFICATE: {"marks": ListOf(_CODE, least=1, unique=True)},
    DocumentKind.INSPECTION_RECORD: {"joint": Flag()},
}

# What an amendment says about the certificate that it replaces; the reason can be withheld. That
# and where something was changed never can (ISO/IEC 17025, 7.8.8.2).
REPLACES_VISIBLE: Final[Mapping[str, Shape]] = {
    "changed": ListOf(
        Text(
            longest=80,
            pattern=r"[a-z][a-z_]*(?:\.[a-z0-9_]+){0,2}",
            code="changed_path",
            wanted="the dotted path of a field, such as results.2.result",
        ),
        most=MAX_CHANGES,
        unique=True,
    ),
    "number": Text(longest=64),
    "revision": Integer(1, 9999),
    "leaf": _LEAF,
}
REPLACES_OWN: Final[Mapping[str, Shape]] = {"reason": _STATEMENTS}

# Per result: a stub that every view shows, and one disclosure named "detail" with the rest.
RESULT_CONCLUSION: Final[Mapping[DocumentKind, Shape]] = {
    DocumentKind.TEST_CERTIFICATE: Choice(TEST_CONCLUSIONS),
    DocumentKind.INSPECTION_RECORD: Choice(ITEM_CONCLUSIONS),
}
ORDINAL: Final = Integer(1, MAX_RESULTS)
ACCREDITED: Final = Flag()
_TEST_DETAIL: Final = Object(
    {
        "parameter": Object(
            {"code": _CODE, "cas": Text(longest=16), "name": _NAMES}, frozenset({"code", "name"})
        ),
        "method": Object(
            {"standard": _LINE, "technique": _LINE, "clause": Text(longest=64)},
            frozenset({"standard"}),
        ),
        "unit": _UNIT,
        "result": Object(
            {"type": Choice(RESULT_TYPES), "value": Text(longest=400), "reported": _LINE},
            frozenset({"type", "reported"}),
        ),
        "loq": _DECIMAL,
        "lod": _DECIMAL,
        "uncertainty": Object(
            {"expanded": _DECIMAL, "k": _DECIMAL, "probability": _DECIMAL},
            frozenset({"expanded", "k"}),
        ),
        "requirement": Object(
            {
                "operator": Choice(OPERATORS),
                "limit": _LINE,
                "upper": SIGNED_DECIMAL,
                "unit": _UNIT,
                "standard": _LINE,
                "clause": Text(longest=64),
                "confidence": Text(longest=32),
            },
            frozenset({"operator", "limit", "standard"}),
        ),
        "decision_rule": Choice(("simple_acceptance", "guard_band_binary", "guard_band_nonbinary")),
        "basis": Text(longest=64),
        "moisture": _DECIMAL,
        "conditions": Text(longest=400),
        "sample_id": Text(longest=64),
        "external_provider": Flag(),
        "provider": _LINE,
        "remark": Text(longest=400),
    },
    frozenset({"parameter", "method", "result"}),
)
_INSPECTION_DETAIL: Final = Object(
    {
        "code": _CODE,
        "item": _NAMES,
        "type": Choice(
            ("text_match", "number", "enum", "bool", "document_check", "measurement", "photo")
        ),
        "required": Flag(),
        "expected": Either((_LINE, Flag())),
        "actual": Either((_LINE, Flag())),
        "severity": Choice(("critical", "major", "minor")),
        "agency": _LINE,
        "legal_basis": _LINE,
        "remark": Text(longest=400),
        "photos": ListOf(
            Object(
                {
                    "sha256": _SHA256,
                    "taken_at": _MOMENT,
                    "device": Text(longest=64),
                    "place": _LINE,
                },
                frozenset({"sha256", "taken_at"}),
            ),
            most=200,
        ),
    },
    frozenset({"code", "item", "type"}),
)
DETAIL: Final[Mapping[DocumentKind, Object]] = {
    DocumentKind.TEST_CERTIFICATE: _TEST_DETAIL,
    DocumentKind.INSPECTION_RECORD: _INSPECTION_DETAIL,
}

# Conclusions of agencies in an inspection record; the reason can be withheld.
AGENCY_VISIBLE: Final[Mapping[str, Shape]] = {
    "agency": _LINE,
    "conclusion": Choice(AGENCY_CONCLUSIONS),
}
AGENCY_OWN: Final[Mapping[str, Shape]] = {"reason": _STATEMENTS}
MAX_AGENCIES: Final = 64
BODY_NAME: Final = _CODE  # how an import names the issuing body
