"""A migrated registry database with the demonstration parties, bodies and keys."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from registry.kit import schema
from registry.kit.database import Database

NOW = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)


def make_template(folder: Path) -> Path:
    """Migrate an empty SQLite database once; tests copy the file."""
    path = folder / "template.db"
    database = Database(f"sqlite:///{path}")
    schema.upgrade(database)
    database.dispose()
    return path


@contextmanager
def copy_of(template: Path, folder: Path) -> Iterator[Database]:
    """Yield a database that starts as a copy of `template`."""
    path = folder / "registry.db"
    shutil.copyfile(template, path)
    database = Database(f"sqlite:///{path}")
    try:
        yield database
    finally:
        database.dispose()
