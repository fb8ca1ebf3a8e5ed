"""Shapes of requests and answers about people, tokens and the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from registry.access.domain import Role
from registry.access.models import GrantRow, PersonRow, TokenRow
from registry.access.principal import Principal
from registry.access.secrets_at_rest import MAX_PASSWORD_CHARS
from registry.audit.domain import Link
from registry.kit.actor import MAX_NAME_CHARS

_Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS)]
_Password = Annotated[SecretStr, Field(max_length=MAX_PASSWORD_CHARS)]
_TenantName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=80,
        description="`installation`, a party id, or the alias or hexadecimal id of a body.",
    ),
]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignIn(_In):
    """A local account."""

    name: _Name
    password: _Password


class PasswordChange(_In):
    """The password in use and the one to come."""

    current: _Password
    new: _Password


class SessionOut(BaseModel):
    """A session; its secret is sent as a bearer token and shown this once."""

    token: str
    expires_in: Annotated[int, Field(description="Seconds until it ends at the latest.")]


class GrantIn(_In):
    """A role to be given."""

    role: Role
    tenant: _TenantName
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None


class GrantOut(BaseModel):
    """A role on [valid_from, valid_until)."""

    id: str
    role: Role
    tenant: str
    valid_from: datetime
    valid_until: datetime | None

    @classmethod
    def of(cls, row: GrantRow) -> GrantOut:
        """Return the grant as it is shown."""
        return cls(
            id=row.id,
            role=row.role,
            tenant=row.tenant.name,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
        )


class PersonIn(_In):
    """Somebody new with his first role; a machine client is answered for by whoever adds it."""

    name: _Name
    machine: bool = False
    sign_in: SignIn | None = None
    grant: GrantIn


class PersonOut(BaseModel):
    """A person or machine client, with the roles that the asker may see."""

    id: str
    name: str
    machine: bool
    responsible: str | None
    created_at: datetime
    disabled_at: datetime | None
    grants: list[GrantOut]

    @classmethod
    def of(cls, row: PersonRow, grants: list[GrantRow]) -> PersonOut:
        """Return the person as he is shown."""
        return cls(
            id=row.id,
            name=row.name,
            machine=row.machine,
            responsible=row.responsible_id,
            created_at=row.created_at,
            disabled_at=row.disabled_at,
            grants=[GrantOut.of(each) for each in grants],
        )


class PeoplePage(BaseModel):
    """Some people, and where the next page begins."""

    items: list[PersonOut]
    next: str | None


class MeOut(BaseModel):
    """Who asks, and what counts now."""

    id: str
    name: str
    machine: bool
    means: str
    grants: list[GrantOut]

    @classmethod
    def of(cls, principal: Principal) -> MeOut:
        """Return the principal as he is shown."""
        return cls(
            id=principal.id,
            name=principal.name,
            machine=principal.machine,
            means=principal.means,
            grants=[
                GrantOut(
                    id=grant.id,
                    role=grant.role,
                    tenant=grant.tenant.name,
                    valid_from=grant.valid_from,
                    valid_until=grant.valid_until,
                )
                for grant in principal.grants
            ],
        )


class TokenIn(_In):
    """A token to be made, for oneself or for a machine client for which one answers."""

    label: _Name
    grants: Annotated[list[str], Field(min_length=1, max_length=100)]
    expires_at: AwareDatetime
    owner: str | None = None


class TokenOut(BaseModel):
    """A token without its secret."""

    id: str
    owner: str
    label: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, row: TokenRow) -> TokenOut:
        """Return the token as it is shown."""
        return cls(
            id=row.id,
            owner=row.person_id,
            label=row.label,
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            last_used_at=row.last_used_at,
        )


class NewTokenOut(TokenOut):
    """A new token with its secret, which is shown this once.

    The answer to a repeated request has none: it is not kept. Who lost it revokes the token.
    """

    secret: str | None


class AuditEntryOut(BaseModel):
    """One act of the audit trail."""

    sequence: int
    at: datetime
    actor: str
    person: str
    action: str
    object: str
    tenant: str
    outcome: str
    request_id: str | None
    details: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, link: Link) -> AuditEntryOut:
        """Return the entry as it is shown."""
        entry = link.entry
        return cls(
            sequence=link.sequence,
            at=entry.at,
            actor=entry.actor,
            person=entry.person,
            action=entry.action,
            object=entry.object,
            tenant=entry.tenant,
            outcome=entry.outcome,
            request_id=entry.request_id,
            details=dict(entry.details),
            hash=link.hash.hex(),
        )


class AuditPage(BaseModel):
    """Some entries, the newest first, and where the next page begins."""

    items: list[AuditEntryOut]
    next: int | None
