"""Registry databases for tests, on SQLite and PostgreSQL: migrated once, copied for every test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from sqlalchemy import event, make_url, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import Pool

from registry.kit import schema
from registry.kit.database import Database
from tests.support.postgres import PostgresServer

NOW = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
ENGINES: Final = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


class Databases(Protocol):
    """Databases of one engine."""

    def empty(self, folder: Path) -> str:
        """Make a database without tables and return its URL; SQLite puts it into `folder`."""

    def create(self, folder: Path, template: str | None = None) -> str:
        """Copy the database at the URL `template`, or one that was migrated, and return the URL.

        Nobody may be connected to the template.
        """

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""


class SqliteDatabases:
    """Files; the one that was migrated is in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._migrated = make_template(folder)

    def empty(self, folder: Path) -> str:
        """Name a file that the first connection makes."""
        return f"sqlite:///{folder / 'lancang.db'}"

    def create(self, folder: Path, template: str | None = None) -> str:
        """Copy a file."""
        url = self.empty(folder)
        shutil.copyfile(_name(template) if template else self._migrated, _name(url))
        return url

    def drop(self, url: str) -> None:
        """Leave the file to its folder, which pytest removes."""


class PostgresDatabases:
    """Databases of one server."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._migrated = self.empty(Path())
        _migrate(self._migrated)

    def empty(self, folder: Path) -> str:
        """Make a database."""
        del folder
        return self._server.url(self._server.create())

    def create(self, folder: Path, template: str | None = None) -> str:
        """Let the server copy a database."""
        del folder
        return self._server.url(self._server.create(template=_name(template or self._migrated)))

    def drop(self, url: str) -> None:
        """Drop a database."""
        self._server.drop(_name(url))


def make_template(folder: Path) -> Path:
    """Migrate an empty SQLite database once; tests copy the file."""
    path = folder / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


def url_of(database: Database) -> str:
    """Return the URL of a database, with its password."""
    return database.engine.url.render_as_string(hide_password=False)


def drop_trigger(session: Session, table: str, name: str) -> None:
    """Remove a trigger, so that a test can do what the tables refuse."""
    named = name if session.get_bind().dialect.name == "sqlite" else f"{name} ON {table}"
    session.execute(text(f"DROP TRIGGER {named}"))


@contextmanager
def in_use(databases: Databases, url: str) -> Iterator[str]:
    """Let a test use a database as that of the installation: settings name it by default.

    At the end every connection that the test left open is closed, as the end of a process would
    do, and the database is dropped.
    """
    with pytest.MonkeyPatch.context() as patch, _closed_connections():
        patch.setenv("LANCANG_DATABASE_URL", url)
        yield url
    databases.drop(url)


@contextmanager
def _closed_connections() -> Iterator[None]:
    opened: list[Any] = []

    def note(connection: Any, _record: object) -> None:
        opened.append(connection)

    event.listen(Pool, "connect", note)
    try:
        yield
    finally:
        event.remove(Pool, "connect", note)
        for connection in opened:
            connection.close()


def _migrate(url: str) -> None:
    database = Database(url)
    schema.upgrade(database)
    database.dispose()


def _name(url: str) -> str:
    """Return the file or the name of a database."""
    name = make_url(url).database
    assert name is not None
    return name
