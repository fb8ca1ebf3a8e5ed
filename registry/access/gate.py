"""Proving who asks: passwords, page sessions and API tokens."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy.orm import Session

from registry.access import repository
from registry.access.domain import INSTALLATION, Grant, refusal_after
from registry.access.errors import CsrfMismatchError, SignInRefusedError, TokenInvalidError
from registry.access.models import LoginRow, PageSessionRow, PersonRow, TokenRow
from registry.access.principal import Principal, RefusedError
from registry.access.secrets_at_rest import (
    TOKEN_PREFIX,
    AccessKey,
    Passwords,
    new_secret,
)
from registry.audit.domain import Outcome
from registry.audit.service import record
from registry.kit.actor import Actor, folded_name
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.kit.errors import RegistryError
from registry.kit.identifiers import new_id
from verifier.core.encoding import b64u
from verifier.core.strict_json import JsonValue

SESSION_PREFIX: Final = "lcs_"
SESSION_LIFE: Final = timedelta(hours=12)
IDLE_LIFE: Final = timedelta(minutes=30)
_SEEN_EVERY: Final = timedelta(minutes=1)  # last use is noted no more often than this
_TOKEN: Final = "token"  # noqa: S105  (purpose of a digest)
_SESSION: Final = "session"
_CSRF: Final = "csrf"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentity:
    """Somebody whom an identity provider vouches for.

    Attributes:
        issuer: The provider's issuer identifier, an https URL.
        subject: Its name for the person, never reused (`sub` of OpenID Connect).
    """

    issuer: str
    subject: str


class IdentityProvider(Protocol):
    """Port to an external identity provider; it alone checks signatures, nonces and audiences."""

    def identify(self, proof: str) -> ExternalIdentity:
        """Return who the proof (for OpenID Connect, an authorisation code) belongs to.

        Raises:
            SignInRefusedError: The proof is not genuine.
            UnavailableError: The provider does not answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Lets people and machines in.

    Attributes:
        database: Where accounts, tokens and sessions are.
        key: Key of the digests of tokens and sessions.
        passwords: How passwords are compared.
        clock: Time of each question.
    """

    database: Database
    key: AccessKey
    passwords: Passwords
    clock: Clock = field(default=system_clock)

    def sign_in(self, name: str, password: str) -> str:
        """Begin a session and return its secret, which is not kept.

        The attempt is counted before the password is compared, so that guesses made at the same
        moment do not slip through together.

        Raises:
            SignInRefusedError: Wrong name or password, a disabled account, or too many failures.
        """
        with self.database.begin() as session:
            login = repository.login_named(session, folded_name(name), for_update=True)
            tried = None if login is None else self._count_attempt(session, login)
        if login is None or tried is None:
            self.passwords.matches(self.passwords.dummy, password)
            raise SignInRefusedError("name and password do not fit, or too many attempts")
        if not self.passwords.matches(tried, password):
            self._note_refusal(login, reason="wrong_password")
            raise SignInRefusedError("name and password do not fit, or too many attempts")
        outdated = self.passwords.is_outdated(tried)
        with self.database.begin() as session:
            current = session.get_one(LoginRow, login.id)
            current.failed_attempts, current.refused_until = 0, None
            if outdated:
                current.password_hash = self.passwords.hash(password)
            return self._begin_session(session, current)

    def sign_in_external(self, provider: IdentityProvider, proof: str) -> str:
        """Begin a session for somebody whom an identity provider vouches for.

        Raises:
            SignInRefusedError: The proof is not genuine, or nobody here has this identity.
            UnavailableError: The provider does not answer.
        """
        identity = provider.identify(proof)
        with self.database.begin() as session:
            login = repository.login_of_subject(session, identity.issuer, identity.subject)
            if login is None or not _is_open(session, login):
                raise SignInRefusedError("nobody here has this identity")
            return self._begin_session(session, login)

    def principal_of(self, secret: str) -> Principal:
        """Return who a session or token belongs to, and note that it was used.

        Raises:
            TokenInvalidError: It is unknown, expired, ended, or its owner is disabled.
        """
        if secret.startswith(SESSION_PREFIX):
            return self._of_session(secret)
        if secret.startswith(TOKEN_PREFIX):
            return self._of_token(secret)
        raise TokenInvalidError("the token is not valid")

    def sign_out(self, secret: str) -> None:
        """End a session; ending it twice changes nothing."""
        with self.database.begin() as session:
            found = repository.session_of_digest(session, self.key.digest(_SESSION, secret))
            if found is None or found[0].ended_at is not None:
                return
            row, login, person = found
            row.ended_at = self.clock()
            self._record(session, "session.end", person, f"login:{login.id}")

    def change_password(self, secret: str, *, current: str, new: str) -> None:
        """Change the password of a session's account and end the person's other sessions.

        Raises:
            TokenInvalidError: The session has ended.
            SignInRefusedError: `current` is not the password, or it was tried too often.
            WeakPasswordError: The new password is too weak.
        """
        with self.database.begin() as session:
            found = repository.session_of_digest(session, self.key.digest(_SESSION, secret))
            if found is None or not _session_counts(session, found, at=self.clock()):
                raise TokenInvalidError("the session has ended")
            tried = self._count_attempt(session, found[1])
        if tried is None or not self.passwords.matches(tried, current):
            raise SignInRefusedError("the password does not fit, or too many attempts")
        encoded = self.passwords.hash(new)
        with self.database.begin() as session:
            row, login, person = found
            stored = session.get_one(LoginRow, login.id)
            stored.password_hash = encoded
            stored.failed_attempts, stored.refused_until = 0, None
            for other in repository.open_sessions_of(session, person.id):
                if other.id != row.id:
                    other.ended_at = self.clock()
            self._record(session, "password.change", person, f"login:{login.id}")

    def csrf_token(self, secret: str) -> str:
        """Return what every form of a page carries; it belongs to one session."""
        return b64u(self.key.digest(_CSRF, secret))

    def check_csrf(self, secret: str, token: str) -> None:
        """Refuse a form that was not made for this session.

        Raises:
            CsrfMismatchError: The token is missing or belongs to another session.
        """
        expected = self.csrf_token(secret).encode("ascii")
        if not hmac.compare_digest(expected, token.encode("utf-8", "replace")):
            raise CsrfMismatchError("the form does not belong to this session; load it again")

    def note_refused(self, cause: RefusedError, error: RegistryError) -> None:
        """Record a refused act in a transaction of its own; that of the act was rolled back."""
        principal = cause.principal
        with self.database.begin() as session:
            record(
                session,
                "access.refused",
                actor=principal.actor,
                object_=f"action:{cause.action}",
                tenant=cause.tenant.name,
                at=self.clock(),
                outcome=Outcome.REFUSED,
                details={"code": error.code, "means": principal.means, "person": principal.id},
            )

    def _count_attempt(self, session: Session, login: LoginRow) -> str | None:
        """Return the hash to compare with, None where nothing may be tried now."""
        now = self.clock()
        if not _is_open(session, login) or login.password_hash is None:
            return None
        if login.refused_until is not None and now < login.refused_until:
            return None
        login.failed_attempts += 1
        delay = refusal_after(login.failed_attempts)
        login.refused_until = now + delay if delay else None
        return login.password_hash

    def _note_refusal(self, login: LoginRow, *, reason: str) -> None:
        with self.database.begin() as session:
            person = session.get_one(PersonRow, login.person_id)
            self._record(
                session,
                "session.begin",
                person,
                f"login:{login.id}",
                outcome=Outcome.REFUSED,
                details={"reason": reason, "attempts": login.failed_attempts},
            )

    def _begin_session(self, session: Session, login: LoginRow) -> str:
        secret, now = SESSION_PREFIX + new_secret(), self.clock()
        row = PageSessionRow(
            id=new_id(),
            digest=self.key.digest(_SESSION, secret),
            login_id=login.id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + SESSION_LIFE,
            ended_at=None,
        )
        session.add(row)
        session.flush()
        person = session.get_one(PersonRow, login.person_id)
        self._record(
            session,
            "session.begin",
            person,
            f"login:{login.id}",
            details={"session": row.id, "external": login.issuer is not None},
        )
        return secret

    def _of_session(self, secret: str) -> Principal:
        now = self.clock()
        with self.database.read() as session:
            found = repository.session_of_digest(session, self.key.digest(_SESSION, secret))
            if found is None or not _session_counts(session, found, at=now):
                raise TokenInvalidError("the session has ended")
            row, _, person = found
            principal = _principal(
                person,
                grants=repository.grants_in_force(session, person.id, at=now),
                means=f"session:{row.id}",
            )
        if now - row.last_seen_at >= _SEEN_EVERY:
            with self.database.begin() as session:
                session.get_one(PageSessionRow, row.id).last_seen_at = now
        return principal

    def _of_token(self, secret: str) -> Principal:
        now = self.clock()
        with self.database.read() as session:
            found = repository.token_of_digest(session, self.key.digest(_TOKEN, secret))
            if found is None:
                raise TokenInvalidError("the token is not valid")
            row, person = found
            dead = _why_dead(session, row, person, at=now)
            principal = _principal(
                person,
                grants=repository.token_grants(session, row, at=now),
                means=f"token:{row.id}",
            )
        if dead is not None:
            self._note_dead_token(person, row.id, reason=dead)
            raise TokenInvalidError("the token is not valid")
        if row.last_used_at is None or now - row.last_used_at >= _SEEN_EVERY:
            with self.database.begin() as session:
                session.get_one(TokenRow, row.id).last_used_at = now
        return principal

    def _note_dead_token(self, person: PersonRow, token_id: str, *, reason: str) -> None:
        with self.database.begin() as session:
            self._record(
                session,
                "token.use",
                person,
                f"token:{token_id}",
                outcome=Outcome.REFUSED,
                details={"reason": reason},
            )

    def _record(
        self,
        session: Session,
        action: str,
        person: PersonRow,
        object_: str,
        *,
        outcome: Outcome = Outcome.DONE,
        details: dict[str, JsonValue] | None = None,
    ) -> None:
        record(
            session,
            action,
            actor=Actor(person.name, key=person.answerable),
            object_=object_,
            tenant=INSTALLATION.name,
            at=self.clock(),
            outcome=outcome,
            details=details,
        )


def token_digest(key: AccessKey, secret: str) -> bytes:
    """Return what is kept of an API token."""
    return key.digest(_TOKEN, secret)


def _is_open(session: Session, login: LoginRow) -> bool:
    person = session.get_one(PersonRow, login.person_id)
    return login.disabled_at is None and person.disabled_at is None


def _session_counts(
    session: Session, found: tuple[PageSessionRow, LoginRow, PersonRow], *, at: datetime
) -> bool:
    row, login, _ = found
    return (
        row.ended_at is None
        and at < row.expires_at
        and at < row.last_seen_at + IDLE_LIFE
        and _is_open(session, login)
    )


def _why_dead(session: Session, row: TokenRow, person: PersonRow, *, at: datetime) -> str | None:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at <= at:
        return "expired"
    if session.get_one(PersonRow, person.answerable).disabled_at or person.disabled_at:
        return "owner_disabled"
    return None


def _principal(person: PersonRow, *, grants: tuple[Grant, ...], means: str) -> Principal:
    return Principal(
        id=person.id,
        name=person.name,
        person=person.answerable,
        machine=person.machine,
        grants=grants,
        means=means,
    )
