"""API tokens: who may make and revoke them, and what they may do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from registry.access import repository
from registry.access.domain import INSTALLATION, Action
from registry.access.errors import (
    NotPermittedError,
    PersonNotFoundError,
    SessionRequiredError,
    TokenNotFoundError,
    UnusableTokenRequestError,
)
from registry.access.gate import token_digest
from registry.access.models import PersonRow, TokenRow, TokenScopeRow
from registry.access.principal import Principal, RefusedError
from registry.access.secrets_at_rest import AccessKey, new_token
from registry.access.service import By, get_person, record_about
from registry.kit.actor import Actor
from registry.kit.identifiers import new_id
from verifier.core.strict_json import JsonValue

MAX_TOKEN_LIFE: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token and its secret, which is shown this once."""

    row: TokenRow
    secret: str


def create_token(
    session: Session,
    key: AccessKey,
    owner: PersonRow,
    *,
    label: str,
    grants: Collection[str],
    expires_at: datetime,
    by: By,
    at: datetime,
) -> NewToken:
    """Make a token for oneself or for a machine client for which one answers.

    Args:
        session: A writing transaction.
        key: Key of the stored digest.
        owner: Whose powers it carries, as far as `grants` go.
        label: What it is for.
        grants: Ids of the owner's grants that it may use.
        expires_at: Its end, at most `MAX_TOKEN_LIFE` ahead.
        by: Who makes it.
        at: When.

    Raises:
        SessionRequiredError: A token asks for a token.
        PersonNotFoundError: The owner is neither the principal nor his machine client.
        UnusableTokenRequestError: It may do nothing or more than its owner, or lives too long.
    """
    principal = by.principal
    if principal is not None:
        if not principal.means.startswith("session:"):
            raise SessionRequiredError("sign in with a password to make a token")
        if principal.id not in (owner.id, owner.responsible_id):
            raise PersonNotFoundError("there is no such person")
    Actor(label)
    held = {grant.id for grant in repository.grants_in_force(session, owner.id, at=at)}
    if not grants or not set(grants) <= held:
        raise UnusableTokenRequestError("a token uses at least one grant, and only its owner's")
    if not at < expires_at <= at + MAX_TOKEN_LIFE:
        raise UnusableTokenRequestError(f"a token lives at most {MAX_TOKEN_LIFE.days} days")
    secret = new_token()
    row = TokenRow(
        id=new_id(),
        person_id=owner.id,
        label=label,
        digest=token_digest(key, secret),
        created_at=at,
        created_by=by.actor.name,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    session.add(row)
    session.flush()
    session.add_all(TokenScopeRow(token_id=row.id, grant_id=each) for each in sorted(set(grants)))
    session.flush()
    details: dict[str, JsonValue] = {"token": row.id, "grants": [*sorted(set(grants))]}
    record_about(session, "token.issue", owner.id, by=by, at=at, details=details)
    return NewToken(row=row, secret=secret)


def revoke_token(session: Session, token_id: str, *, by: By, at: datetime) -> None:
    """Revoke a token; revoking it twice changes nothing.

    Raises:
        TokenNotFoundError: There is no such token, or it is neither the principal's own, nor of
            his machine client, nor of somebody whom he looks after.
    """
    row = session.get(TokenRow, token_id, with_for_update=True)
    missing = TokenNotFoundError("there is no such token")
    if row is None:
        raise missing
    if by.principal is not None:
        try:
            get_person(session, row.person_id, principal=by.principal)
        except PersonNotFoundError as error:
            raise missing from error.__cause__
        _check_may_revoke(session, by.principal, row)
    if row.revoked_at is None:
        row.revoked_at = at
        session.flush()
        record_about(
            session, "token.revoke", row.person_id, by=by, at=at, details={"token": row.id}
        )


def _check_may_revoke(session: Session, principal: Principal, row: TokenRow) -> None:
    owner = get_person(session, row.person_id)
    own = principal.id in (owner.id, owner.responsible_id)
    reach = principal.reach(Action.PEOPLE_MANAGE)
    if not own and not repository.has_any_grant(session, owner.id, reach):
        cause = RefusedError(principal, Action.PEOPLE_MANAGE, INSTALLATION)
        raise NotPermittedError("the token is not yours") from cause
