"""Alembic's entry point: gathers the tables of every domain and runs on the given connection."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Enum

import registry
from registry.kit.database import Base, Number, UtcDateTime


def import_models() -> None:
    """Import `registry.<domain>.models` of every domain, so that `Base.metadata` is complete."""
    for domain in iter_modules(registry.__path__):
        if domain.ispkg:
            package = import_module(f"registry.{domain.name}")
            if any(module.name == "models" for module in iter_modules(package.__path__)):
                import_module(f"registry.{domain.name}.models")


def render_type(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Write our column types into new revisions in a form that does not depend on the models."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        autogen.imports.add("from registry.kit.database import UtcDateTime")
        return "UtcDateTime()"
    if isinstance(item, Number):
        return "sa.SmallInteger()"
    if isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out what migrations make by hand: the inverted index and its shadow tables."""
    return kind != "table" or not (name or "").startswith("standard_search")


def run() -> None:
    """Run the migrations on the connection that `registry.kit.schema` handed over."""
    import_models()
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_item=render_type,
        include_name=include_name,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


run()
