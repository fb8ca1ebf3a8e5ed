"""Alembic's entry point: gathers the tables of every domain and runs on the given connection."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from alembic import context
from sqlalchemy import Connection

import registry
from registry.kit.database import Base


def import_models() -> None:
    """Import `registry.<domain>.models` of every domain, so that `Base.metadata` is complete."""
    for domain in iter_modules(registry.__path__):
        if domain.ispkg:
            package = import_module(f"registry.{domain.name}")
            if any(module.name == "models" for module in iter_modules(package.__path__)):
                import_module(f"registry.{domain.name}.models")


def run() -> None:
    """Run the migrations on the connection that `registry.kit.schema` handed over."""
    import_models()
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


run()
