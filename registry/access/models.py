"""Tables of access control.

What the tables themselves refuse, whatever the program does (constraints, and triggers of the
migration): a machine client without somebody who answers for it; two accounts with one name; a
role that somebody gives himself; a grant that is lengthened; a token whose powers change; an
approval under another of the maker's names.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, TypeAlias

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.access.domain import Grant, Role, Tenant
from registry.kit.actor import MAX_NAME_CHARS, MAX_PERSON_CHARS
from registry.kit.database import Base, Digest, RandomId

MAX_HASH_CHARS: Final = 255
MAX_SUBJECT_CHARS: Final = 255  # OpenID Connect Core, section 2: `sub` has at most 255

PersonId: TypeAlias = Annotated[str, mapped_column(String(36))]
"""A random id as UUID text; text in every database, because certificates store it as a name."""


class PersonRow(Base):
    """A person, or a machine client with the person who answers for it. Never edited."""

    __tablename__ = "people"
    __table_args__ = (
        CheckConstraint("machine = (responsible_id IS NOT NULL)", name="responsible"),
        CheckConstraint("responsible_id IS NULL OR responsible_id <> id", name="not_itself"),
        Index(None, "name_key"),
    )

    id: Mapped[PersonId] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME_CHARS))
    name_key: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))  # spelling aside
    machine: Mapped[bool]
    responsible_id: Mapped[PersonId | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(MAX_NAME_CHARS))
    disabled_at: Mapped[datetime | None]

    @property
    def answerable(self) -> str:
        """Id of the person who answers for what this one does."""
        return self.responsible_id or self.id


class LoginRow(Base):
    """One way of a person to sign in: a local name with a password, or an external subject.

    `failed_attempts` counts since the last success; before `refused_until` nothing is tried.
    """

    __tablename__ = "logins"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        CheckConstraint("(name IS NULL) = (password_hash IS NULL)", name="local"),
        CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name="external"),
        CheckConstraint("(name IS NULL) <> (issuer IS NULL)", name="one_kind"),
        CheckConstraint("failed_attempts >= 0", name="failed_attempts"),
        Index(None, "person_id"),
    )

    id: Mapped[RandomId] = mapped_column(primary_key=True)
    person_id: Mapped[PersonId] = mapped_column(ForeignKey("people.id"))
    name: Mapped[str | None] = mapped_column(String(MAX_PERSON_CHARS), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(MAX_HASH_CHARS))
    issuer: Mapped[str | None] = mapped_column(String(MAX_SUBJECT_CHARS))
    subject: Mapped[str | None] = mapped_column(String(MAX_SUBJECT_CHARS))
    failed_attempts: Mapped[int]
    refused_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class GrantRow(Base):
    """A role of a person in a tenant on [valid_from, valid_until). Only ever shortened."""

    __tablename__ = "role_grants"
    __table_args__ = (
        CheckConstraint("body_id IS NULL OR party_id IS NOT NULL", name="body_has_party"),
        CheckConstraint("valid_until IS NULL OR valid_from <= valid_until", name="interval"),
        CheckConstraint("granted_by_person <> person_id", name="not_to_oneself"),
        Index(None, "person_id"),
        Index(None, "body_id"),
        Index(None, "party_id"),
    )

    id: Mapped[RandomId] = mapped_column(primary_key=True)
    person_id: Mapped[PersonId] = mapped_column(ForeignKey("people.id"))
    role: Mapped[Role]
    party_id: Mapped[str | None] = mapped_column(String(32))
    body_id: Mapped[Digest | None]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    granted_by: Mapped[str] = mapped_column(String(MAX_NAME_CHARS))
    granted_by_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    granted_at: Mapped[datetime]

    @property
    def tenant(self) -> Tenant:
        """Where the grant counts."""
        return Tenant(party=self.party_id, body=self.body_id)

    def to_domain(self) -> Grant:
        """Return the grant as the rules see it."""
        return Grant(
            id=self.id,
            role=self.role,
            tenant=self.tenant,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )


class TokenRow(Base):
    """An API token. Only a keyed digest of its secret is kept; its powers are its scope rows."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_bytes"),
        CheckConstraint("created_at < expires_at", name="interval"),
        Index(None, "person_id"),
    )

    id: Mapped[RandomId] = mapped_column(primary_key=True)
    person_id: Mapped[PersonId] = mapped_column(ForeignKey("people.id"))
    label: Mapped[str] = mapped_column(String(MAX_NAME_CHARS))
    digest: Mapped[Digest] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(MAX_NAME_CHARS))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class TokenScopeRow(Base):
    """A grant of the owner that a token may use; when the grant ends, so does the scope."""

    __tablename__ = "api_token_scopes"

    token_id: Mapped[RandomId] = mapped_column(ForeignKey("api_tokens.id"), primary_key=True)
    grant_id: Mapped[RandomId] = mapped_column(ForeignKey("role_grants.id"), primary_key=True)


class PageSessionRow(Base):
    """Somebody signed in on the pages. Ended by signing out, by idleness, or by its last moment."""

    __tablename__ = "page_sessions"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_bytes"),
        Index(None, "login_id"),
    )

    id: Mapped[RandomId] = mapped_column(primary_key=True)
    digest: Mapped[Digest] = mapped_column(unique=True)
    login_id: Mapped[RandomId] = mapped_column(ForeignKey("logins.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
