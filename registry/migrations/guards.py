"""Triggers that let the database itself refuse forbidden changes, on SQLite and PostgreSQL.

Migrations call these; because a revision must always produce the same tables, the functions here
are only ever added to.
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op


def guard(table: str, event: str, name: str, condition: str, message: str) -> None:
    """Refuse an `event` on a row of `table` where `condition` holds.

    Args:
        table: Name of the table.
        event: INSERT, UPDATE or DELETE.
        name: Name of the trigger, unique in the database.
        condition: SQL over OLD and NEW; `{differs}` stands for the null-safe "is not equal".
        message: What the database answers; an integrity error to the program.
    """
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW "
            f"WHEN {condition.format(differs='IS NOT')} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
        return
    row = "OLD" if event == "DELETE" else "NEW"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {condition.format(differs='IS DISTINCT FROM')} THEN "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        f"RETURN {row}; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )


def drop_guard(table: str, name: str) -> None:
    """Remove a trigger made by `guard`."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER {name}")
        return
    op.execute(f"DROP TRIGGER {name} ON {table}")
    op.execute(f"DROP FUNCTION {name}()")


def append_only(
    table: str, columns: Sequence[str], *, fill_once: Sequence[str] = (), erasable: bool = False
) -> None:
    """Refuse every change of `columns`, and deletion unless the rows are `erasable`.

    Args:
        table: Name of the table.
        columns: Columns that keep their first value.
        fill_once: Columns that may go from NULL to a value, once.
        erasable: Whether rows may be deleted (erasure of personal data).
    """
    changed = [f"OLD.{column} {{differs}} NEW.{column}" for column in columns]
    refilled = [
        f"(OLD.{column} IS NOT NULL AND OLD.{column} {{differs}} NEW.{column})"
        for column in fill_once
    ]
    guard(
        table,
        "UPDATE",
        f"{table}_no_update",
        f"({' OR '.join(changed + refilled)})",
        f"{table}: rows are never edited",
    )
    if not erasable:
        guard(table, "DELETE", f"{table}_no_delete", "TRUE", f"{table}: rows are never deleted")


def drop_append_only(table: str, *, erasable: bool = False) -> None:
    """Remove the triggers made by `append_only`."""
    drop_guard(table, f"{table}_no_update")
    if not erasable:
        drop_guard(table, f"{table}_no_delete")
