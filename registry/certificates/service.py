"""From checked documents to approved certificates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from registry.audit.service import body_tenant, record
from registry.certificates import repository
from registry.certificates.amendments import changed_paths, changes_against
from registry.certificates.domain import Draft, State
from registry.certificates.errors import (
    CertificateNotFoundError,
    MakerIsApproverError,
    NumberTakenError,
    WrongStateError,
)
from registry.certificates.models import CertificateRow
from registry.certificates.repository import Outline
from registry.certificates.signed_contents import document_of
from registry.kit.actor import Actor
from registry.kit.identifiers import new_id
from registry.kit.import_problems import FileProblem, ImportRefusedError
from verifier.core.encoding import b64u
from verifier.core.limits import MAX_DOCUMENT_BYTES
from verifier.core.strict_json import JsonObject, canonical_json, parse_json_object


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """What an import did.

    Attributes:
        ids: Ids of all certificates of the import, in the order of the drafts.
        created: How many of them are new.
    """

    ids: tuple[str, ...]
    created: int


def import_drafts(
    session: Session, drafts: Sequence[Draft], *, maker: Actor, at: datetime
) -> ImportOutcome:
    """Store drafts, all of them or none.

    A draft that is there already with exactly this content is left as it is, so that an
    interrupted import can be repeated.

    Raises:
        ImportRefusedError: A number is taken by another content, or an amendment names nothing
            that can be replaced. Every such problem is in the error.
        NumberTakenError: Somebody else stored the same number at the same moment.
    """
    checked = _check(session, drafts)
    if checked.problems:
        raise ImportRefusedError(checked.problems)
    try:
        with session.begin_nested():
            repository.insert_drafts(session, checked.new, maker=maker, at=at)
    except IntegrityError as error:
        raise NumberTakenError("a number was taken by somebody else meanwhile") from error
    for identifier, draft, _ in checked.new:
        record(
            session,
            "certificate.import",
            actor=maker,
            object_=f"certificate:{identifier}",
            tenant=body_tenant(draft.body),
            at=at,
            details={"sha256": repository.document_digest(draft.document).hex()},
        )
    return ImportOutcome(ids=tuple(checked.ids), created=len(checked.new))


def draft_problems(session: Session, drafts: Sequence[Draft]) -> list[FileProblem]:
    """Return what `import_drafts` would refuse drafts for, without storing anything."""
    return _check(session, drafts).problems


def approve(session: Session, identifiers: Sequence[str], *, approver: Actor, at: datetime) -> None:
    """Approve drafts as they are now, all of them or none.

    Raises:
        CertificateNotFoundError: One of them does not exist.
        WrongStateError: One of them is not a draft any more.
        MakerIsApproverError: The approver made one of them.
    """
    rows = get_outlines(session, identifiers, for_update=True)
    makers = {(row.maker, row.maker_person) for row in rows}
    own = {each for each in makers if approver.is_same_person(Actor(each[0], key=each[1]))}
    for row in rows:
        if row.state is not State.DRAFT:
            raise WrongStateError(f"{row.number} is {row.state}, only drafts are approved")
        if (row.maker, row.maker_person) in own:
            raise MakerIsApproverError(
                f"{row.number} was made by {row.maker}; another person must approve it"
            )
    repository.insert_approvals(session, rows, approver=approver, at=at)
    repository.set_state(session, identifiers, before=State.DRAFT, after=State.APPROVED)
    for row in rows:
        record(
            session,
            "certificate.approve",
            actor=approver,
            object_=f"certificate:{row.id}",
            tenant=body_tenant(row.body_id),
            at=at,
            details={"sha256": row.document_sha256.hex()},
        )


def get_certificates(
    session: Session, identifiers: Sequence[str], *, for_update: bool = False
) -> list[CertificateRow]:
    """Return certificates in the order of their ids.

    Raises:
        CertificateNotFoundError: One of them does not exist.
    """
    rows = repository.certificates(session, identifiers, for_update=for_update)
    _refuse_missing(identifiers, [row.id for row in rows])
    return rows


def get_outlines(
    session: Session, identifiers: Sequence[str], *, for_update: bool = False
) -> list[Outline]:
    """Return certificates without their documents; see `get_certificates`."""
    rows = repository.outlines(session, identifiers, for_update=for_update)
    _refuse_missing(identifiers, [row.id for row in rows])
    return rows


def _refuse_missing(identifiers: Sequence[str], found: Sequence[str]) -> None:
    if len(found) != len(identifiers):
        missing = set(identifiers).difference(found)
        raise CertificateNotFoundError(f"there is no certificate {min(missing)}")


def in_state(session: Session, identifiers: Iterable[str], state: State) -> list[str]:
    """Return those of the certificates that are in a state, in the order of the ids."""
    rows = repository.outlines(session, list(identifiers))
    return [row.id for row in rows if row.state is state]


@dataclass(slots=True)
class _Checked:
    """Drafts compared with what is stored."""

    ids: list[str] = field(default_factory=list)
    new: list[tuple[str, Draft, str | None]] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)


def _check(session: Session, drafts: Sequence[Draft]) -> _Checked:
    checked = _Checked()
    stored = repository.stored_by_key(session, [draft.key for draft in drafts])
    for draft in drafts:
        resolved, replaced = _resolve_replacement(session, draft, checked.problems)
        known = stored.get(draft.key)
        if known is None:
            checked.ids.append(new_id())
            checked.new.append((checked.ids[-1], resolved, replaced))
        elif known.document_sha256 == repository.document_digest(resolved.document):
            checked.ids.append(known.id)
        else:
            message = f"number {draft.number} revision {draft.revision} is taken"
            checked.problems.append(_problem(draft, "/number", "number_taken", message))
    return checked


def _resolve_replacement(
    session: Session, draft: Draft, problems: list[FileProblem]
) -> tuple[Draft, str | None]:
    """Return the draft with what is known of what it replaces written in, and the id of that.

    Written in are revision, leaf, and every field in which the two differ: who amends does not
    say himself what he changed. An amendment may name a certificate that this registry never had,
    such as one on paper; then the draft stays as it is and there is nothing to revoke.
    """
    named = draft.replaces
    if named is None:
        return draft, None
    found = next(
        (
            (row, leaf)
            for row, leaf in repository.revisions_of(session, draft.body, named.number)
            if (row.number, row.revision) != (draft.number, draft.revision)
            and named.revision in (None, row.revision)
        ),
        None,
    )
    if found is None:
        return draft, None
    row, leaf = found
    if leaf is None:
        message = f"names a certificate that is {row.state}; only signed ones are replaced"
        problems.append(_problem(draft, "/replaces", "replaced_not_signed", message))
        return draft, None
    if named.leaf not in (None, leaf):
        message = "is not the leaf of the certificate that is named"
        problems.append(_problem(draft, "/replaces/leaf", "replaced_differs", message))
    changes = changes_against(document_of(session, row), draft.document.decode())
    known: JsonObject = {"leaf": b64u(leaf), "revision": row.revision}
    if changes is not None:
        paths = changed_paths(changes)
        known["changed"] = [*paths]
        if named.changed is not None and sorted(named.changed) != paths:
            message = "is not what differs from the certificate that is named; leave it out"
            problems.append(_problem(draft, "/replaces/changed", "changed_differs", message))
    resolved = _with_replaced(draft, known)
    if len(resolved.document) > MAX_DOCUMENT_BYTES:
        message = f"has more than {MAX_DOCUMENT_BYTES} bytes together with what it changed"
        problems.append(_problem(draft, "", "too_large", message))
    return resolved, row.id


def _with_replaced(draft: Draft, known: JsonObject) -> Draft:
    document = parse_json_object(draft.document, what="document")
    named = document["replaces"]
    members = named if isinstance(named, dict) else {}
    document["replaces"] = {**members, **known}
    return replace(draft, document=canonical_json(document))


def _problem(draft: Draft, pointer: str, code: str, message: str) -> FileProblem:
    return FileProblem(
        source=draft.source,
        pointer=draft.pointer + pointer,
        code=code,
        message=message,
        number=draft.number,
    )


def signed_ids(session: Session) -> list[str]:
    """Return the ids of every signed certificate, in the order of their numbers."""
    return repository.signed_ids(session)
