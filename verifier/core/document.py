"""Import documents: the JSON in which a laboratory or office hands over what is to be certified.

`validate_document` finds every error at once; `parse_document` returns a `Document`, which is the
proof that there is none. Section 1.3 of docs/evidence-format.md describes the shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from verifier.core.conclusions import (
    Conclusion,
    Outcome,
    overall_of_inspection,
    overall_of_tests,
)
from verifier.core.document_rules import rule_problems
from verifier.core.errors import MalformedEvidenceError
from verifier.core.field_policy import (
    ACCREDITED,
    AGENCY_OWN,
    AGENCY_VISIBLE,
    BODY_NAME,
    CONTAINERS,
    DETAIL,
    MAX_AGENCIES,
    MAX_RESULTS,
    OPTIONAL_VISIBLE,
    OWN_FIELDS,
    REPLACES_OWN,
    REPLACES_VISIBLE,
    REQUIRED_CONTAINERS,
    REQUIRED_VISIBLE,
    RESULT_CONCLUSION,
    Container,
    DocumentKind,
)
from verifier.core.moments import Moment
from verifier.core.shapes import Choice, ListOf, Object, Problem, Shape, surely_right
from verifier.core.strict_json import JsonObject, JsonValue, WriteJson, write_checked
from verifier.core.subject_template import SubjectTemplate, build_template

_TEST: Final = DocumentKind.TEST_CERTIFICATE
_INSPECTION: Final = DocumentKind.INSPECTION_RECORD


class InvalidDocumentError(MalformedEvidenceError):
    """An import document breaks the rules of the format.

    Attributes:
        problems: Every error, in the order of the document's fields.
    """

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        rest = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        super().__init__(
            "document", f"{first.pointer} {first.message}{rest}", reason="invalid_document"
        )
        self.problems = tuple(problems)


@dataclass(frozen=True, kw_only=True)
class Document:
    """An import document without errors, ready to be issued.

    Attributes:
        kind: Which of the two kinds it is.
        value: The document without nulls; an absent member says the same.
        write: Writes its values as canonical JSON.
    """

    kind: DocumentKind
    value: JsonObject
    write: WriteJson = field(default=write_checked, repr=False, compare=False)

    @cached_property
    def conclusion(self) -> Conclusion:
        """The overall conclusion, which follows from the document."""
        return _overall(self.kind, self.value)

    @cached_property
    def template(self) -> SubjectTemplate:
        """The subject of its credential up to the digests, made when first asked for."""
        return build_template(self.kind, self.value, self.conclusion, write=self.write)

    @property
    def number(self) -> str:
        """The human number of the certificate or record."""
        return str(self.value["number"])

    @property
    def issued(self) -> Moment:
        """The claimed moment of issue."""
        return self.template.issued

    @property
    def body(self) -> str:
        """How the import names the issuing body; a name inside the registry."""
        issuer = self.value["issuer"]
        return str(issuer["body"]) if isinstance(issuer, dict) else ""


def validate_document(value: object) -> list[Problem]:
    """Return every error of an import document, with its place; an empty list when it is right.

    Args:
        value: The document as parsed from JSON, or assembled from a table.
    """
    return _examine(value, write_checked)[1]


def parse_document(value: object, *, write: WriteJson = write_checked) -> Document:
    """Return a checked document.

    Args:
        value: As for `validate_document`.
        write: A faster writer of the same text as `write_checked`.

    Raises:
        InvalidDocumentError: With every error that `validate_document` finds.
    """
    document, problems = _examine(value, write)
    if problems:
        raise InvalidDocumentError(problems)
    return accepted_document(document, write=write)


def accepted_document(value: JsonObject, *, write: WriteJson = write_checked) -> Document:
    """Return a document that `parse_document` accepted before, without checking it again.

    Args:
        value: The `value` of that document. Whoever calls this knows it by its digest, or reads
            back what was made of it.
        write: As for `parse_document`.
    """
    return Document(kind=DocumentKind(str(value["kind"])), value=value, write=write)


def _examine(value: object, write: WriteJson) -> tuple[JsonObject, list[Problem]]:
    """Return a document without its nulls, and what is wrong with it."""
    if not isinstance(value, dict):
        return {}, [Problem(pointer="", code="type", message="must be an object")]
    kind = value.get("kind")
    if kind not in tuple(DocumentKind):
        words = ", ".join(DocumentKind)
        return {}, [Problem(pointer="/kind", code="not_allowed", message=f"must be one of {words}")]
    shape, document = IMPORT_SHAPES[kind], without_nulls(value)
    # A null says the same as an absent member, so what is right without nulls is right.
    problems = [] if _is_right(shape, document, write) else list(shape.problems(value, ""))
    misshapen = {problem.pointer for problem in problems}
    problems += [
        problem
        for problem in rule_problems(DocumentKind(kind), document)
        if problem.pointer not in misshapen
    ]
    return document, problems


def _is_right(shape: Shape, document: JsonObject, write: WriteJson) -> bool:
    try:
        text = write(document)
    except (TypeError, ValueError):  # no JSON at all: let the shape say where
        return False
    return surely_right(shape, document, text)


def without_nulls(value: Mapping[str, Any]) -> JsonObject:
    """Return the object without members that are null, at every depth."""
    # Texts, most of every document, are kept without a call.
    return {
        name: member if isinstance(member, str) else _stripped(member)
        for name, member in value.items()
        if member is not None
    }


def _stripped(value: Any) -> JsonValue:  # noqa: ANN401  (a JSON value before it is checked)
    if isinstance(value, dict):
        return without_nulls(value)
    if isinstance(value, list):
        return [_stripped(item) for item in value]
    return value  # type: ignore[no-any-return]


def _overall(kind: DocumentKind, document: Mapping[str, Any]) -> Conclusion:
    if kind is _TEST:
        return overall_of_tests(Conclusion(each["conclusion"]) for each in document["results"])
    disposition = document.get("disposition")
    return overall_of_inspection(
        [Conclusion(each["result"]) for each in document["checklist"]],
        [Conclusion(each["conclusion"]) for each in document["conclusions"]],
        None if disposition is None else Outcome(disposition["outcome"]),
    )


def _container_shape(container: Container) -> Object:
    return Object(container.fields, container.required)


def _import_shape(kind: DocumentKind) -> Object:
    containers = {name: _container_shape(each) for name, each in CONTAINERS[kind].items()}
    issuer = CONTAINERS[kind]["issuer"]
    members: dict[str, Shape] = {
        "kind": Choice((kind.value,)),
        **REQUIRED_VISIBLE,
        **OPTIONAL_VISIBLE[kind],
        "replaces": Object(
            {**REPLACES_VISIBLE, **REPLACES_OWN}, frozenset({"number", *REPLACES_OWN})
        ),
        **containers,
        "issuer": Object({"body": BODY_NAME, **issuer.fields}, frozenset({"body"})),
        **OWN_FIELDS[kind],
    }
    required = {"kind", *REQUIRED_VISIBLE, *REQUIRED_CONTAINERS[kind]}
    detail = DETAIL[kind]
    if kind is _TEST:
        # The container "conformity" is called "conclusion" in an import.
        members["conclusion"] = members.pop("conformity")
        members["results"] = _results(detail, "conclusion", {"accredited": ACCREDITED}, kind)
        required.add("results")
    else:
        members["checklist"] = _results(detail, "result", {}, kind)
        members["conclusions"] = ListOf(
            Object({**AGENCY_VISIBLE, **AGENCY_OWN}, frozenset(AGENCY_VISIBLE)),
            least=1,
            most=MAX_AGENCIES,
        )
        required |= {"checklist", "conclusions"}
    return Object(members, frozenset(required))


def _results(
    detail: Object, conclusion: str, more: Mapping[str, Shape], kind: DocumentKind
) -> ListOf:
    members = {**detail.members, conclusion: RESULT_CONCLUSION[kind], **more}
    return ListOf(Object(members, detail.required | {conclusion, *more}), least=1, most=MAX_RESULTS)


IMPORT_SHAPES: Final[Mapping[DocumentKind, Object]] = {
    kind: _import_shape(kind) for kind in DocumentKind
}
