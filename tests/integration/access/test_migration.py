"""The tables of access and audit come and go, on both databases."""

from __future__ import annotations

from alembic import command
from sqlalchemy import inspect

from registry.kit import schema
from registry.kit.database import Database

BEFORE = "20261121_0002"


def test_down_and_up_again(url: str) -> None:
    database = Database(url)
    try:
        config = schema.alembic_config()
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, BEFORE)
        tables = set(inspect(database.engine).get_table_names())
        assert not tables & {"people", "logins", "role_grants", "audit_entries", "audit_head"}
        schema.upgrade(database)
        schema.check(database)
    finally:
        database.dispose()
