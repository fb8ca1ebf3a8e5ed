"""The bodies and parties of the installation as tenants, for access control below them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from registry.access.domain import INSTALLATION, Tenant, TenantKind
from registry.access.errors import TenantNotFoundError
from registry.bodies.service import bodies
from registry.parties.service import parties


class RegisteredTenants:
    """Implements `registry.access.tenancy.TenantDirectory` over what is registered."""

    def resolve(self, session: Session, name: str) -> Tenant:
        """Return a tenant by name. See `TenantDirectory.resolve`."""
        if name == INSTALLATION.name:
            return INSTALLATION
        kind, _, rest = name.partition(":")
        wanted = rest or kind
        if kind != TenantKind.BODY and any(e.party.id == wanted for e in parties(session)):
            return Tenant.of_party(wanted)
        if kind != TenantKind.PARTY:
            for entry in bodies(session):
                if wanted in (entry.body.alias, entry.body.id.hex()):
                    return Tenant.of_body(entry.body.id, party=entry.body.party)
        raise TenantNotFoundError("there is no such body or party")

    def bodies_of(self, session: Session, parties: Collection[str]) -> list[Tenant]:
        """Return the bodies of some parties. See `TenantDirectory.bodies_of`."""
        return [
            Tenant.of_body(entry.body.id, party=entry.body.party)
            for entry in bodies(session)
            if entry.body.party in parties
        ]
