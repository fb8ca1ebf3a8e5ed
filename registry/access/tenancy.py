"""Port to the bodies and parties of the installation: access control sits below them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from sqlalchemy.orm import Session

from registry.access.domain import Tenant


class TenantDirectory(Protocol):
    """Knows which tenants exist."""

    def resolve(self, session: Session, name: str) -> Tenant:
        """Return a tenant by name.

        Args:
            session: A transaction.
            name: `installation`, a party id, the alias or hexadecimal id of a body, or a name as
                `Tenant.name` gives it.

        Raises:
            TenantNotFoundError: There is none.
        """
        ...

    def bodies_of(self, session: Session, parties: Collection[str]) -> list[Tenant]:
        """Return the bodies of some parties."""
        ...
