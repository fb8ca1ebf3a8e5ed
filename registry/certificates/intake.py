"""Files in, drafts out: JSON and tables checked together, stored together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from registry.bodies.service import bodies
from registry.certificates import service
from registry.certificates.domain import Draft
from registry.certificates.importers import ImportFile, Item, drafts_of, read_file, read_plain_file
from registry.certificates.service import ImportOutcome
from registry.certificates.tables.reading import is_table, read_table
from registry.kit.actor import Actor
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.kit.import_problems import FileProblem, ImportRefusedError


class Stage(StrEnum):
    """What is being done, for progress displays."""

    CHECK = "check"
    STORE = "store"
    APPROVE = "approve"
    SIGN = "sign"


Progress = Callable[[Stage, int, int], object]
"""Told the stage, how many documents it has done and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes documents in.

    Attributes:
        database: Where they are stored.
        maker: Who hands the documents in.
        clock: Time of storing.
        progress: Told about the advance.
    """

    database: Database
    maker: Actor
    clock: Clock = field(default=system_clock)
    progress: Progress = field(default=lambda _stage, _done, _total: None)

    def check(self, files: Sequence[tuple[str, bytes]]) -> list[Draft]:
        """Return the drafts of files in which nothing at all is wrong; stores nothing.

        Args:
            files: Names and contents; the name tells CSV and XLSX, anything else is JSON.

        Raises:
            ImportRefusedError: With every problem of every file.
        """
        drafts = self._check_quickly(files)
        return self._check_thoroughly(files) if drafts is None else drafts

    def _check_quickly(self, files: Sequence[tuple[str, bytes]]) -> list[Draft] | None:
        """Return the drafts if nothing at all needs a closer look; None says nothing."""
        items: list[Item] = []
        for name, data in files:
            content = None if is_table(name) else read_plain_file(data, source=name)
            if content is None:
                return None
            items += content.documents
        drafts, problems = self._drafts(items)
        return None if problems or not items else drafts

    def _check_thoroughly(self, files: Sequence[tuple[str, bytes]]) -> list[Draft]:
        contents = {name: read_import(data, source=name) for name, data in files}
        problems = [problem for content in contents.values() for problem in content.problems]
        items = [item for content in contents.values() for item in content.documents]
        if not items and not problems:
            problems = [_nothing_in(files[0][0] if files else "import")]
        drafts, wrong = self._drafts(items)
        cells = {_cell(problem) for problem in problems if problem.column is not None}
        located = (contents[problem.source].locate(problem) for problem in wrong)
        # What is missing because its cell could not be read has been said already.
        problems += [problem for problem in located if _cell(problem) not in cells]
        if problems:
            raise ImportRefusedError(problems)
        return drafts

    def _drafts(self, items: Sequence[Item]) -> tuple[list[Draft], list[FileProblem]]:
        """Return the drafts of documents and everything that is wrong with them."""
        done = 0

        def advance(number: int) -> None:
            nonlocal done
            done += number
            self.progress(Stage.CHECK, done, len(items))

        with self.database.read() as session:
            known = {each.body.alias: each.body for each in bodies(session)}
        drafts, wrong = drafts_of(items, known, progress=advance)
        with self.database.read() as session:
            wrong += service.draft_problems(session, drafts)
        return drafts, wrong

    def store(self, drafts: Sequence[Draft]) -> ImportOutcome:
        """Store drafts, all of them or none; what is there already is left as it is.

        Raises:
            ImportRefusedError: Something contradicts what was stored meanwhile.
            NumberTakenError: Somebody else stored the same number at the same moment.
        """
        self.progress(Stage.STORE, 0, len(drafts))
        with self.database.begin() as session:
            outcome = service.import_drafts(session, drafts, maker=self.maker, at=self.clock())
        self.progress(Stage.STORE, len(drafts), len(drafts))
        return outcome


def read_import(data: bytes, *, source: str) -> ImportFile:
    """Read an import file of any format.

    Args:
        data: The bytes of the file.
        source: Its name; `.csv` and `.xlsx` are tables, anything else is JSON.
    """
    if is_table(source):
        return read_table(data, source=source)
    return read_file(data, source=source)


def _cell(problem: FileProblem) -> tuple[str, str | None, int | None, str | None]:
    return problem.source, problem.sheet, problem.row, problem.column


def _nothing_in(source: str) -> FileProblem:
    return FileProblem(source=source, pointer="", code="empty", message="holds no document")
