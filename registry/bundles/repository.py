"""SQL that finds what bundles name by hash."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.anchoring.models import BatchRow
from registry.bodies.models import ScopeDocumentRow


def find_document(session: Session, digest: bytes) -> bytes | None:
    """Return a scope document by its SHA-256."""
    row = session.get(ScopeDocumentRow, digest)
    return None if row is None else row.content


def find_tree(session: Session, root: bytes) -> bytes | None:
    """Return the name of the stored tree with this root, None without one."""
    statement = select(BatchRow.tree_object).where(BatchRow.root == root)
    return session.scalars(statement).first()


def all_documents(session: Session) -> list[bytes]:
    """Return the hash of every scope document, in order."""
    return list(session.scalars(select(ScopeDocumentRow.sha256).order_by(ScopeDocumentRow.sha256)))


def large_trees(session: Session, *, above: int) -> list[bytes]:
    """Return the root of every stored tree of more than `above` leaves, in order."""
    statement = select(BatchRow.root).where(
        BatchRow.size > above, BatchRow.tree_object.is_not(None), BatchRow.root.is_not(None)
    )
    return [root for root in session.scalars(statement.order_by(BatchRow.root)) if root]
