"""Until when certificates are valid, as a column, so that those about to end can be asked for.

Revision: 20261121_0016_validity, after 20261121_0015_packed. Made on 2026-11-21.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from registry.kit.database import UtcDateTime
from verifier.core.moments import parse_moment

revision = "20261121_0016_validity"
down_revision = "20261121_0015_packed"
branch_labels = None
depends_on = None

_ID = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    # Where a document is not in its row any more, nobody is warned; what is signed says its end.
    op.add_column("certificates", sa.Column("valid_until", UtcDateTime(), nullable=True))
    op.create_index("ix_certificates_valid_until", "certificates", ["valid_until"])
    table = sa.table(
        "certificates",
        sa.column("id", _ID),
        sa.column("document", sa.Text()),
        sa.column("valid_until", UtcDateTime()),
    )
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(table.c.id, table.c.document).where(table.c.document.contains('"valid_until":"'))
    )
    for identifier, document in rows.all():
        stated = json.loads(document).get("dates", {}).get("valid_until")
        if isinstance(stated, str):
            end = datetime.fromtimestamp(parse_moment(stated, what="valid_until").latest, UTC)
            connection.execute(
                sa.update(table).where(table.c.id == identifier).values(valid_until=end)
            )


def downgrade() -> None:
    op.drop_index("ix_certificates_valid_until", "certificates")
    op.drop_column("certificates", "valid_until")
