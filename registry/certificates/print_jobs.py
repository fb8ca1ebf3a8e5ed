"""Print jobs of people at the desk: hundreds of pages made in the background, fetched when ready.

A job is a folder: what was chosen, one file for each page, and a line for each certificate that is
dealt with. One thread of the process prints, a certificate at a time, so that a request never waits
for more than a look at the folder. Whatever ends the process leaves a job that goes on where it
ended as soon as somebody looks at it; two processes on one folder do not work on the same job.

The folder holds content in clear. It is readable by its owner alone, given away for a day at most,
and what was erased from the registry meanwhile is never given away.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import select

from registry.anchoring.trees import TreeShelf
from registry.certificates.contents import present
from registry.certificates.delivery import note_delivery
from registry.certificates.errors import ContentErasedError
from registry.certificates.models import CertificateRow
from registry.certificates.print_orders import (
    ERASED,
    WAITING,
    NothingToPrintError,
    Outcome,
    PrintJob,
    PrintJobNotFoundError,
    Progress,
    TooManyToPrintError,
    dump_job,
    parse_job,
)
from registry.certificates.printing import PrintRun, Selection
from registry.certificates.rendering.paper import font_directories
from registry.kit.actor import Actor
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.kit.files import write_atomically
from registry.kit.identifiers import is_id, new_id
from registry.settings import Settings

MAX_CERTIFICATES: Final = 2000  # two minutes of one processor; more is a matter of `lancang print`
KEPT_FOR: Final = timedelta(hours=24)
_JOB: Final = "job.json"
_OUTCOMES: Final = "outcomes.jsonl"
_LOCK: Final = "lock"
_log: Final = logging.getLogger("lancang.printing")


class PrintShop:
    """Where print jobs of one installation are done.

    Args:
        folder: Holds a folder for each job.
        open_run: Returns what prints; called when something is to be printed, since it wants fonts.
        database: Where certificates are.
        clock: Time of jobs.

    Attributes:
        database: Likewise.
    """

    def __init__(
        self,
        folder: Path,
        open_run: Callable[[], PrintRun],
        *,
        database: Database,
        clock: Clock = system_clock,
    ) -> None:
        self._folder = folder
        self.database = database
        self._open_run = open_run
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="printing")
        self._running: dict[str, Future[None]] = {}
        self._guard = threading.Lock()
        self._stop = threading.Event()

    def open_job(self, selection: Selection, owner: Actor) -> PrintJob:
        """Choose certificates and begin to print them.

        Raises:
            NothingToPrintError: There are none.
            TooManyToPrintError: There are more than `MAX_CERTIFICATES`.
            FontsMissingError: The installation cannot print.
        """
        self._clear_away()
        chosen = self._open_run().chosen(selection)
        if not chosen:
            raise NothingToPrintError("no certificate is chosen")
        if len(chosen) > MAX_CERTIFICATES:
            message = f"{len(chosen)} are chosen, at most {MAX_CERTIFICATES} are printed at once"
            raise TooManyToPrintError(message)
        job = PrintJob(
            id=new_id(), owner=owner, created_at=self._clock(), certificates=tuple(chosen)
        )
        write_atomically(self._folder / job.id / _JOB, dump_job(job))
        self.resume(job)
        return job

    def find(self, identifier: str, owner: Actor) -> PrintJob:
        """Return a job of somebody.

        Raises:
            PrintJobNotFoundError: He has none of that id, or it was cleared away.
        """
        job = self._load(identifier) if is_id(identifier) else None
        if job is None or job.owner.person != owner.person or self._is_old(job):
            raise PrintJobNotFoundError("there is no such print job")
        return job

    def jobs_of(self, owner: Actor) -> list[PrintJob]:
        """Return the jobs of somebody, the newest first."""
        found = [self._load(path.name) for path in self._folder.glob("*") if is_id(path.name)]
        own = [
            job
            for job in found
            if job is not None and job.owner.person == owner.person and not self._is_old(job)
        ]
        return sorted(own, key=lambda job: job.created_at, reverse=True)

    def progress(self, job: PrintJob) -> Progress:
        """Return how far a job is."""
        with self._guard:
            running = self._running.get(job.id)
        failed = running is not None and running.done() and running.exception() is not None
        return Progress(
            outcomes=tuple(self._outcomes(job)), total=len(job.certificates), failed=failed
        )

    def resume(self, job: PrintJob) -> None:
        """Go on with a job, if it is not finished and nobody works on it."""
        with self._guard:
            running = self._running.get(job.id)
            if self._stop.is_set() or (running is not None and not running.done()):
                return
            self._running[job.id] = self._thread.submit(self._work, job)

    def pages(self, job: PrintJob) -> Iterator[tuple[str, bytes]]:
        """Yield names and contents of the printed pages, without those erased meanwhile."""
        named = {each.certificate: each.name for each in self._outcomes(job) if each.name}
        with self.database.read() as session:
            here = present(session, named)
        for certificate, name in named.items():
            page = self._page(job, certificate)
            if certificate in here:
                yield name, page.read_bytes()
            else:
                page.unlink(missing_ok=True)

    def bodies_of(self, job: PrintJob) -> set[bytes]:
        """Return the ids of the bodies whose certificates a job prints."""
        chosen = CertificateRow.id.in_(job.certificates)
        with self.database.read() as session:
            return set(session.scalars(select(CertificateRow.body_id).where(chosen).distinct()))

    def discard(self, job: PrintJob) -> None:
        """Clear a job away, finished or not."""
        shutil.rmtree(self._folder / job.id, ignore_errors=True)

    def wait(self) -> None:
        """Wait until this process has nothing to print."""
        with self._guard:
            running = list(self._running.values())
        wait(running)

    def close(self) -> None:
        """Stop after the certificate that is being printed; jobs go on another time."""
        self._stop.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _work(self, job: PrintJob) -> None:
        try:
            with self._claimed(job) as is_ours:
                if is_ours:
                    self._print(job)
        except Exception:
            _log.exception("print job stopped")
            raise

    def _print(self, job: PrintJob) -> None:
        run = self._open_run()
        dealt_with = {each.certificate for each in self._outcomes(job)}
        for certificate in job.certificates:
            if certificate in dealt_with:
                continue
            if self._stop.is_set() or not (self._folder / job.id / _JOB).is_file():
                return
            self._note(job, self._print_one(run, job, certificate))

    def _print_one(self, run: PrintRun, job: PrintJob, certificate: str) -> Outcome:
        try:
            delivery, body, letterhead = run.deliver(certificate)
        except ContentErasedError:
            with self.database.read() as session:
                number = session.get_one(CertificateRow, certificate).number
            return Outcome(certificate=certificate, number=number, left_out=ERASED)
        if not delivery.sealed:
            return Outcome(certificate=certificate, number=delivery.number, left_out=WAITING)
        write_atomically(self._page(job, certificate), run.page(delivery, body, letterhead))
        with self.database.begin() as session:
            note_delivery(session, delivery, actor=job.owner, at=self._clock())
        name = f"{body.alias}/{delivery.stem}.pdf"
        return Outcome(certificate=certificate, number=delivery.number, name=name)

    def _page(self, job: PrintJob, certificate: str) -> Path:
        return self._folder / job.id / "pages" / certificate

    def _outcomes(self, job: PrintJob) -> list[Outcome]:
        """Return what is dealt with; a line that was cut off by the end of a process is not."""
        try:
            lines = (self._folder / job.id / _OUTCOMES).read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        return [Outcome(**json.loads(line)) for line in lines if _is_whole(line)]

    def _note(self, job: PrintJob, outcome: Outcome) -> None:
        line = json.dumps(
            {
                "certificate": outcome.certificate,
                "number": outcome.number,
                "name": outcome.name,
                "left_out": outcome.left_out,
            }
        )
        with (self._folder / job.id / _OUTCOMES).open("ab") as file:
            # A new line first ends one that was cut off.
            file.write(f"\n{line}\n".encode())

    @contextmanager
    def _claimed(self, job: PrintJob) -> Iterator[bool]:
        """Hold the lock of a job; False where another process does, or it was cleared away."""
        try:
            descriptor = os.open(self._folder / job.id / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        except FileNotFoundError:
            yield False
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            os.close(descriptor)

    def _load(self, identifier: str) -> PrintJob | None:
        try:
            return parse_job((self._folder / identifier / _JOB).read_bytes())
        except FileNotFoundError:
            return None

    def _is_old(self, job: PrintJob) -> bool:
        return job.created_at + KEPT_FOR <= self._clock()

    def _clear_away(self) -> None:
        for path in self._folder.glob("*"):
            job = self._load(path.name) if is_id(path.name) else None
            if job is not None and self._is_old(job):
                self.discard(job)


def open_print_shop(
    settings: Settings, database: Database, trees: TreeShelf, clock: Clock
) -> PrintShop:
    """Return the print shop of an installation."""

    def open_run() -> PrintRun:
        return PrintRun(
            database=database,
            trees=trees,
            fonts=font_directories(settings.fonts),
            home=settings.home,
            verifier_host=settings.verifier_host,
        )

    return PrintShop(settings.home / "prints", open_run, database=database, clock=clock)


def _is_whole(line: bytes) -> bool:
    return line.startswith(b"{") and line.endswith(b"}\n")
