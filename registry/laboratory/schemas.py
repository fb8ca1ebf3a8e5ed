"""Bodies of requests and answers about certificates."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from registry.certificates.domain import State
from registry.certificates.listing import Happening, Listed
from registry.certificates.models import ReleaseStatementRow
from registry.kit.import_problems import FileProblem
from registry.laboratory.service import version_of
from verifier.checks.facts import RevocationReason
from verifier.core.encoding import b64u
from verifier.core.field_policy import DocumentKind
from verifier.core.strict_json import parse_json

MAX_REMARKS = 2000
_Path = Annotated[str, Field(min_length=1, max_length=200)]
_Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CertificateOut(_Body):
    """A certificate as lists show it."""

    id: str
    body: str
    party: str
    kind: DocumentKind
    number: str
    revision: int
    demonstration: bool
    state: State
    revoked: bool
    maker: str
    created_at: datetime
    document_sha256: str
    leaf: str | None

    @classmethod
    def of(cls, listed: Listed) -> CertificateOut:
        """Return what is shown of a stored certificate."""
        row = listed.row
        return cls(
            id=row.id,
            body=row.body_id.hex(),
            party=listed.party,
            kind=row.kind,
            number=row.number,
            revision=row.revision,
            demonstration=row.demonstration,
            state=row.state,
            revoked=listed.revoked,
            maker=row.maker,
            created_at=row.created_at,
            document_sha256=row.document_sha256.hex(),
            leaf=None if listed.leaf is None else b64u(listed.leaf),
        )


class CertificatePage(_Body):
    """A page of certificates; `next` is the cursor of the page that follows."""

    items: list[CertificateOut]
    next: str | None


class ListQuery(_Body):
    """Which certificates are listed."""

    state: State | None = None
    body: Annotated[str | None, Field(pattern="^[0-9a-f]{64}$")] = None
    kind: DocumentKind | None = None
    number: Annotated[str | None, Field(max_length=128, description="Beginning of it.")] = None
    revoked: bool | None = None
    after: Annotated[str | None, Field(max_length=100, description="`next` of a page.")] = None
    limit: Annotated[int, Field(ge=1, le=199)] = 50


class HappeningOut(_Body):
    """Something that happened to a certificate."""

    at: datetime
    code: str
    by: str | None
    detail: str | None

    @classmethod
    def of(cls, happening: Happening) -> HappeningOut:
        """Return what is shown of something that happened."""
        return cls(
            at=happening.at,
            code=happening.code,
            by=happening.by or None,
            detail=happening.detail or None,
        )


class CertificateDetail(CertificateOut):
    """A certificate with its document and history."""

    returned: bool
    document: dict[str, Any]
    history: list[HappeningOut]


class ImportOut(_Body):
    """Outcome of an import: ids in the order of the documents, and how many are new."""

    ids: list[str]
    created: int


class ProblemOut(_Body):
    """One thing that is wrong with an imported file."""

    file: str
    number: str | None
    pointer: str
    sheet: str | None
    row: int | None
    column: str | None
    code: str
    message: str

    @classmethod
    def of(cls, problem: FileProblem) -> ProblemOut:
        """Return what is shown of a problem."""
        return cls(
            file=problem.source,
            number=problem.number,
            pointer=problem.pointer,
            sheet=problem.sheet,
            row=problem.row,
            column=problem.column,
            code=problem.code,
            message=problem.message,
        )


class ImportRefusedOut(_Body):
    """Why an import was refused: the problem of RFC 9457 with every problem of the files."""

    model_config = ConfigDict(extra="allow")

    problems: list[ProblemOut]
    more: int


class RemarksIn(_Body):
    """What is said with a return or a new submission."""

    remarks: Annotated[str, Field(max_length=MAX_REMARKS)] = ""


class StatusOrderIn(_Body):
    """An order to revoke, suspend or resume."""

    act: Annotated[str, Field(pattern="^(revoke|suspend|resume)$")]
    reason: Annotated[
        str, Field(pattern=f"^({'|'.join(each.name.lower() for each in RevocationReason)})$")
    ]


class ViewIn(_Body):
    """A view for a destination."""

    destination: Annotated[str, Field(pattern=r"^[A-Z0-9-]{2,32}$")]
    withhold: Annotated[list[_Path], Field(min_length=1, max_length=400)]
    grounds: Annotated[list[_Code], Field(min_length=1, max_length=32)]


class ViewOut(_Body):
    """A view; `leaf` is that of its release statement."""

    leaf: str
    destination: str
    withheld: list[str]
    grounds: list[str]
    issued_at: datetime
    requested_by: str

    @classmethod
    def of(cls, row: ReleaseStatementRow) -> ViewOut:
        """Return what is shown of a release statement."""
        return cls(
            leaf=b64u(row.leaf),
            destination=row.destination,
            withheld=_texts(row.withheld),
            grounds=_texts(row.grounds),
            issued_at=row.issued_at,
            requested_by=row.requested_by,
        )


class DeliveryOut(_Body):
    """What the holder of a view receives, as texts."""

    stem: str
    destination: str | None
    sealed: bool
    sdjwt: str
    receipt: str
    link_code: str
    offline_code: str


def etag_of(listed: Listed) -> str:
    """Return the entity tag of a certificate."""
    return f'"{version_of(listed)}"'


def _texts(content: str) -> list[str]:
    value = parse_json(content, what="stored texts")
    return [str(each) for each in value] if isinstance(value, list) else []
