"""JSON Schemas, the JSON-LD context and the field tables, all from the one table of fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from verifier.core import limits
from verifier.core.document import IMPORT_SHAPES
from verifier.core.field_policy import (
    AGENCY_OWN,
    CONTAINERS,
    DETAIL,
    OWN_FIELDS,
    REPLACES_OWN,
    DocumentKind,
)
from verifier.core.moments import MomentText
from verifier.core.payload_shapes import CREDENTIAL_SCHEMA, HOLDERS, OWN_CONTEXT, PAYLOAD_SHAPES
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

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
BASE: Final = "https://lancang.example/schemas"
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"

# Fields of an import that stand under another name in the credential.
_ELSEWHERE: Final = {"kind": "as `type`", "issuer.body": "as `issuer`"}

Json = dict[str, Any]


def import_schema() -> Json:
    """Return the schema of an import document."""
    return {
        "$schema": DRAFT,
        "$id": f"{BASE}/import/1",
        "title": "Import document",
        "description": "What a laboratory or office hands over. Necessary, not sufficient: the"
        " rules between fields are in docs/evidence-format.md, section 1.3.",
        "oneOf": [shape.schema(nullable=True) for shape in IMPORT_SHAPES.values()],
    }


def credential_schema() -> Json:
    """Return the schema of a payload with disclosures in place and digests removed."""
    return {
        "$schema": DRAFT,
        "$id": CREDENTIAL_SCHEMA,
        "title": "Credential",
        "description": "The payload of a certificate after RFC 9901, section 7.1. Whatever a view"
        " may withhold is optional.",
        "oneOf": [_claims_schema(kind) for kind in DocumentKind],
    }


def release_schema() -> Json:
    """Return the schema of the payload of a release statement."""
    digest = {"type": "string", "pattern": "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"}
    texts: Json = {"type": "array", "minItems": 1, "uniqueItems": True}
    properties: Json = {
        "iat": {"type": "integer", "minimum": 0},
        "party": {"type": "string", "pattern": "^[A-Z0-9-]{2,32}$"},
        "body": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "leaf": digest,
        "destination": {"type": "string", "pattern": "^[A-Z0-9-]{2,32}$"},
        "withheld": texts
        | {"items": {"pattern": "^[a-z_]+(\\.[0-9]{1,4})?(\\.[a-z_]+)?$"}, "maxItems": 4096},
        "grounds": texts
        | {"items": {"pattern": "^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}$"}, "maxItems": 32},
        "released": digest,
    }
    return {
        "$schema": DRAFT,
        "$id": f"{BASE}/release/1",
        "title": "Release statement",
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def context() -> Json:
    """Return the JSON-LD context of our own terms; every term is named, there is no catch-all."""
    terms: Json = {
        "iat": {"@id": _term("iat"), "@type": f"{_XSD}integer"},
        "coSignature": _term("coSignature"),
        "party": _term("issuer.party"),
        "body": _term("issuer.body"),
        "TestCertificate": _term("TestCertificate"),
        "InspectionRecord": _term("InspectionRecord"),
    }
    for kind in DocumentKind:
        claims = _claims_shape(kind)
        issuer, subject = claims.members["issuer"], claims.members["credentialSubject"]
        if isinstance(issuer, Object) and isinstance(subject, Object):
            terms["location"] = _definition("issuer.location", issuer.members["location"])
            for name, shape in subject.members.items():
                if name not in ("type", "attestationType"):  # terms of JSON-LD and of UNTP
                    terms[name] = _merged(terms.get(name), _definition(name, shape))
    return {"@context": {"@version": 1.1, "@protected": True, **dict(sorted(terms.items()))}}


def field_table(kind: DocumentKind) -> str:
    """Return the Markdown table of a kind's fields: path, value, required, who may withhold it."""
    rows = ["| path | value | import | in views |", "|---|---|---|---|"]
    shape = IMPORT_SHAPES[kind]
    hidden = dict(_hidden_paths(kind))
    for name, member in shape.members.items():
        rows += _rows(name, member, hidden, required=name in shape.required)
    return "\n".join(rows)


def format_table() -> str:
    """Return the Markdown table of the texts that must follow a pattern."""
    rows = {
        _format_name(text): f"| {_format_name(text)} | {text.longest} | {text.wanted} | "
        f"`{_escaped(text.pattern)}` |"
        for shape in IMPORT_SHAPES.values()
        for text in _texts(shape)
        if text.pattern is not None
    }
    head = ["| name | longest | what | the whole text matches |", "|---|---|---|---|"]
    return "\n".join([*head, *(rows[name] for name in sorted(rows))])


def limit_table() -> str:
    """Return the Markdown table of the limits that the first part uses."""
    names = {
        "MAX_DOCUMENT_BYTES": "bytes of a token, a JSON text or all disclosures together",
        "MAX_JSON_DEPTH": "levels of nesting",
        "MAX_SAFE_INTEGER": "largest absolute value of an integer",
        "MAX_INTEGER_DIGITS": "digits of an integer",
        "MAX_DISCLOSURES": "disclosures of a token",
    }
    rows = [f"| `{name}` | {getattr(limits, name)} | {what} |" for name, what in names.items()]
    return "\n".join(["| limit | value | of what |", "|---|---|---|", *rows])


def _claims_shape(kind: DocumentKind) -> Object:
    """Return the shape of a payload with every disclosure in its place."""
    payload = PAYLOAD_SHAPES[kind]
    subject = payload.members["credentialSubject"]
    if not isinstance(subject, Object):
        raise TypeError("the subject is no object")
    members = dict(subject.members)
    issuer = payload.members["issuer"]
    for holder in HOLDERS[kind]:
        if holder.name == "issuer":
            issuer = _filled(issuer, holder.fields)
        elif holder.name:
            members[holder.name] = _filled(members[holder.name], holder.fields)
        else:
            members |= holder.fields
    outer = {**payload.members, "issuer": issuer, "credentialSubject": _without_sd(
        Object(members, subject.required)
    )}  # fmt: skip
    outer.pop("_sd_alg")
    return Object(outer, payload.required - {"_sd_alg"})


def _claims_schema(kind: DocumentKind) -> Json:
    return _claims_shape(kind).schema(nullable=False)


def _filled(shape: Shape, fields: Mapping[str, Shape]) -> Shape:
    if isinstance(shape, ListOf):
        return ListOf(_filled(shape.item, fields), least=shape.least, most=shape.most)
    if not isinstance(shape, Object):
        raise TypeError(f"{shape} holds no digests")
    return _without_sd(Object({**shape.members, **fields}, shape.required))


def _without_sd(shape: Object) -> Object:
    members = {name: each for name, each in shape.members.items() if name != "_sd"}
    return Object(members, shape.required - {"_sd"})


def _term(path: str) -> str:
    return f"{OWN_CONTEXT}#{path}"


def _definition(path: str, shape: Shape) -> Any:
    """Return the term definition of a field, with a scope of its own for what is inside."""
    if isinstance(shape, ListOf) and isinstance(shape.item, TextByLanguage):
        return {"@id": _term(path), "@type": "@json"}  # JSON-LD has no lists of language maps
    if isinstance(shape, ListOf):
        inner = _definition(path, shape.item)
        expanded = {"@id": inner} if isinstance(inner, str) else inner
        return {**expanded, "@container": "@list"}
    if isinstance(shape, TextByLanguage):
        return {"@id": _term(path), "@container": "@language"}
    if isinstance(shape, Object):
        inside = {name: _definition(f"{path}.{name}", each) for name, each in shape.members.items()}
        return {"@id": _term(path), "@context": inside}
    if isinstance(shape, Flag | Integer):
        kind = "boolean" if isinstance(shape, Flag) else "integer"
        return {"@id": _term(path), "@type": f"{_XSD}{kind}"}
    return _term(path)


def _merged(one: Any, other: Any) -> Any:
    """Return one definition for a name that both kinds of documents have."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            name: _merged(one.get(name), other[name]) if name in other else one[name]
            for name in {**one, **other}
        }
    return other if one is None else one


def _hidden_paths(kind: DocumentKind) -> Iterator[tuple[str, str]]:
    """Yield each path of an import that is, or is part of, a disclosure; with that one's path."""
    inspection = kind is DocumentKind.INSPECTION_RECORD
    for name, container in CONTAINERS[kind].items():
        outer = "conclusion" if name == "conformity" else name
        for field in container.fields:
            if field not in container.visible:
                yield f"{outer}.{field}", f"{name}.{field}"
    for name in OWN_FIELDS[kind]:
        yield name, name
    for name in REPLACES_OWN:
        yield f"replaces.{name}", f"replaces.{name}"
    for name in AGENCY_OWN if inspection else ():
        yield f"conclusions.{name}", f"agencies.N.{name}"
    for name in DETAIL[kind].members:
        yield f"{'checklist' if inspection else 'results'}.{name}", "results.N.detail"


def _rows(
    path: str, shape: Shape, hidden: Mapping[str, str], *, required: bool, of: str | None = None
) -> Iterator[str]:
    """Yield the row of a field and of those inside it; `of` is the disclosure around it."""
    disclosure = of or hidden.get(path)
    inner = shape.item if isinstance(shape, ListOf) else shape
    need = "required" if required else "optional"
    if isinstance(inner, Object):
        if isinstance(shape, ListOf):
            yield f"| `{path}` | list of {shape.least} to {shape.most} | {need} | |"
        elif disclosure or not inner.required:
            need = need if inner.required else f"{need} group"
            yield f"| `{path}` | object | {need} | {_where(disclosure) if disclosure else ''} |"
        for name, each in inner.members.items():
            yield from _rows(
                f"{path}.{name}", each, hidden, required=name in inner.required, of=disclosure
            )
        return
    where = _ELSEWHERE.get(path) or _where(disclosure)
    yield f"| `{path}` | {_described(shape)} | {need} | {where} |"


def _where(disclosure: str | None) -> str:
    return "always visible" if disclosure is None else f"disclosure `{disclosure}`"


def _described(shape: Shape) -> str:
    """Return the value of a field in a few words."""
    if isinstance(shape, ListOf):
        unique = " different" if shape.unique else ""
        return f"list of {shape.least} to {shape.most}{unique}: {_described(shape.item)}"
    if isinstance(shape, Either):
        return " or ".join(map(_described, shape.shapes))
    if isinstance(shape, TextByLanguage):
        return f"{_described(shape.text)}, by language"
    return _described_alone(shape)


def _described_alone(shape: Shape) -> str:
    match shape:
        case Text(pattern=None):
            return f"{'text' if shape.lines else 'line'} ≤ {shape.longest}"
        case Text():
            return _format_name(shape)
        case Choice():
            return " \\| ".join(f"`{word}`" for word in shape.words)
        case Integer():
            return f"integer {shape.least} to {shape.most}"
        case MomentText():
            return "moment"
    return "true or false" if isinstance(shape, Flag) else "object"


def _format_name(shape: Text) -> str:
    signed = "signed " if (shape.pattern or "").startswith("-?") else ""
    return f"{signed}{shape.code.replace('_', ' ')}"


def _texts(shape: Shape) -> Iterator[Text]:
    """Yield every shape of text in a shape."""
    if isinstance(shape, Text):
        yield shape
    elif isinstance(shape, TextByLanguage):
        yield from (shape.text, shape.tag)
    elif isinstance(shape, Object | Either | ListOf):
        inner = (
            shape.members.values() if isinstance(shape, Object)
            else shape.shapes if isinstance(shape, Either) else (shape.item,)
        )  # fmt: skip
        for each in inner:
            yield from _texts(each)


def _escaped(pattern: str | None) -> str:
    return (pattern or "").replace("|", "\\|")
