"""The database: declarative base, column types, and transactions on SQLite and PostgreSQL.

A transaction is opened and committed by `Database` alone; services and repositories `flush`. The
chain, the signer and files are never waited for inside a transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeAlias, TypeVar

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Uuid,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import DataError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, sessionmaker
from sqlalchemy.types import TypeDecorator

from registry.kit.errors import InvalidInputError

BUSY_TIMEOUT: Final = timedelta(seconds=30)  # how long a writer waits for another one

NAMING_CONVENTION: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_READ_ONLY: Final = "lancang_read_only"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. Naive values are refused, values read back are aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value.isoformat()} cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_Member = TypeVar("_Member", bound=IntEnum)


class Number(TypeDecorator[_Member]):
    """A member of an `IntEnum` whose numbers are fixed elsewhere (by a contract), stored as such.

    Used as `mapped_column(Number(KeyPurpose))`.
    """

    impl = SmallInteger
    cache_ok = True

    def __init__(self, members: type[_Member]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: _Member | None, dialect: Dialect) -> int | None:
        """Store the number of the member."""
        del dialect
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> _Member | None:
        """Return the member."""
        del dialect
        return None if value is None else self.members(value)


Digest: TypeAlias = Annotated[bytes, mapped_column(LargeBinary(32))]
"""A 32-byte digest, thumbprint, leaf or body id."""

RandomId: TypeAlias = Annotated[str, mapped_column(Uuid(as_uuid=False))]
"""A 128-bit random id as UUID text, see `registry.kit.identifiers`."""


def _values(members: type[StrEnum]) -> list[str]:
    return [member.value for member in members]


class Base(DeclarativeBase):
    """Declarative base of every table: named constraints, types derived from annotations."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[Mapping[Any, Any]] = {
        datetime: UtcDateTime(),
        bytes: LargeBinary(),
        # SQLite gives row ids only to columns declared INTEGER.
        int: BigInteger().with_variant(Integer(), "sqlite"),
        StrEnum: Enum(
            StrEnum, native_enum=False, length=32, values_callable=_values, validate_strings=True
        ),
    }


class Database:
    """One database and its transactions.

    SQLite runs in WAL mode with foreign keys on and full synchronisation; a writing transaction
    takes the write lock at its beginning, so that it cannot fail half-way for want of it.

    Attributes:
        engine: The SQLAlchemy engine, for migrations and health checks.
        info: What every session is told in its own `info`, by the names of those who put it there.
    """

    def __init__(self, url: str, *, busy_timeout: timedelta = BUSY_TIMEOUT) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.engine = create_engine(
                parsed,
                connect_args={"timeout": busy_timeout.total_seconds()},
                hide_parameters=True,
            )
            _prepare_sqlite(self.engine)
        else:
            milliseconds = int(busy_timeout / timedelta(milliseconds=1))
            options = f"-c lock_timeout={milliseconds} -c timezone=UTC"
            self.engine = create_engine(
                parsed,
                connect_args={"options": options},
                pool_pre_ping=True,
                hide_parameters=True,  # they hold documents, and errors go to the log
            )
        self.info: dict[Any, Any] = {}
        self._writers = sessionmaker(self.engine, expire_on_commit=False, info=self.info)
        reading: dict[str, Any] = {_READ_ONLY: True}
        if self.engine.dialect.name == "postgresql":
            # SQLite's readers see one state anyhow; here each statement would see another.
            reading |= {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
        readers = self.engine.execution_options(**reading)
        self._readers = sessionmaker(
            readers, expire_on_commit=False, autoflush=False, info=self.info
        )

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Open a writing transaction; commit at the end, roll back on any exception.

        Raises:
            InvalidInputError: A value cannot be stored, see `_refused_values`.
        """
        with _refused_values(), self._writers.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that sees one state and is refused every write.

        Raises:
            InvalidInputError: A value cannot be compared, see `_refused_values`.
        """
        with _refused_values(), self._readers() as session:
            yield session

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


@contextmanager
def _refused_values() -> Iterator[None]:
    """Tell what the database says of a value as an error of whoever sent the value.

    PostgreSQL takes no zero byte in a text and no text that is longer than its column, not even to
    compare; SQLite takes all of them and finds nothing.
    """
    try:
        yield
    except DataError as error:
        raise InvalidInputError("a value cannot be stored or looked for") from error


def _prepare_sqlite(engine: Engine) -> None:
    """Set the connection up, and begin transactions ourselves.

    Python's driver begins transactions late and only before certain statements (its legacy
    control, the only one in Python 3.11); a read followed by a write would then fail with "busy"
    under load.
    """

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = bool(connection.get_execution_options().get(_READ_ONLY))
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
