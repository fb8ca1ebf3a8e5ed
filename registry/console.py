"""What every command needs: settings and database on demand, coloured output, errors in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text
from sqlalchemy.exc import OperationalError, ProgrammingError

from registry.kit import schema
from registry.kit.database import Database
from registry.kit.errors import (
    ConflictError,
    RegistryError,
    UnavailableError,
    UnusableSettingsError,
)
from registry.settings import Settings, load_settings
from verifier.core.errors import VerifierError

_P = ParamSpec("_P")
_R = TypeVar("_R")


class DatabaseUnavailableError(UnavailableError):
    """The database does not answer, or cannot do what it is asked now."""

    code = "database_unavailable"


class SchemaOutdatedError(ConflictError):
    """The tables of the database are not those that this program works with."""

    code = "schema_outdated"


class Application:
    """One run of `lancang`: reads settings and opens the database only when a command asks.

    Attributes:
        out: Where results go (standard output).
        err: Where progress and problems go (standard error).
    """

    def __init__(self, *, no_color: bool = False) -> None:
        self.out = Console(no_color=no_color or None, soft_wrap=True, highlight=False)
        self.err = Console(no_color=no_color or None, soft_wrap=True, highlight=False, stderr=True)

    @cached_property
    def settings(self) -> Settings:
        """The settings of the installation."""
        return load_settings()

    @cached_property
    def database(self) -> Database:
        """The database of the installation."""
        # Imported here: most of the domains come with it, which `lancang --help` can do without.
        from registry.certificates.cold_contents import attach_object_store  # noqa: PLC0415

        try:
            database = Database(self.settings.database)
        except OSError as error:
            message = f"the folder of the database cannot be made: {error}"
            raise UnusableSettingsError(message) from error
        attach_object_store(database, self.settings)
        return database

    def progress(self) -> Progress:
        """Return a progress display on standard error, silent where that is not a terminal."""
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.err,
            disable=not self.err.is_terminal,
            transient=True,
        )

    def explain(self, error: OperationalError | ProgrammingError) -> RegistryError:
        """Return why the database refused: most often its tables are not those of this program.

        Raises:
            ProgrammingError: `error` itself, when it shows a defect of this program.
        """
        try:
            current, head = schema.current_revision(self.database), schema.head_revision()
        except (OperationalError, ProgrammingError):
            return DatabaseUnavailableError("the database does not answer")
        if current != head:
            found = "is empty" if current is None else f"is at revision {current}"
            return SchemaOutdatedError(f"the database {found}, not at {head}: run lancang migrate")
        if isinstance(error, ProgrammingError):
            raise error
        return DatabaseUnavailableError(str(error.orig))

    def close(self) -> None:
        """Close what was opened."""
        if "database" in self.__dict__:
            self.database.dispose()


def plain(text: str) -> Text:
    """Return text from outside for display: no markup, nothing that moves a terminal's cursor."""
    return Text("".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text))


def pass_application(
    function: Callable[Concatenate[Application, _P], _R],
) -> Callable[_P, _R]:
    """Hand the `Application` of this run to a command as its first argument."""
    return click.pass_obj(function)


class ReportingGroup(click.Group):
    """A group that turns errors raised on purpose into one line and exit status 1.

    Anything else is a defect and keeps its traceback.
    """

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  (click's signature)
        """Run the command; report a `RegistryError` or `VerifierError`."""
        try:
            return super().invoke(ctx)
        except (RegistryError, VerifierError) as error:
            _report(ctx, error)
            raise click.exceptions.Exit(1) from error
        except (OperationalError, ProgrammingError) as error:
            if not isinstance(ctx.obj, Application):
                raise
            _report(ctx, ctx.obj.explain(error))
            raise click.exceptions.Exit(1) from error


def _report(ctx: click.Context, error: RegistryError | VerifierError) -> None:
    console = ctx.obj.err if isinstance(ctx.obj, Application) else Console(stderr=True)
    console.print(Text.assemble((error.code, "bold red"), ": ", plain(str(error))))
