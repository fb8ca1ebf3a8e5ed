"""Importing into the catalogue, publishing releases of it, and looking a standard up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from sqlalchemy.orm import Session

from registry.kit.actor import Actor
from registry.kit.identifiers import new_id
from registry.standards import repository
from registry.standards.domain import code_of, standing_class
from registry.standards.errors import (
    CatalogueImportRefusedError,
    ReleaseDiffersError,
    ReleaseNotFoundError,
    ReleaseUnchangedError,
    StandardNotFoundError,
)
from registry.standards.importing import ReadFile
from registry.standards.models import (
    FactKind,
    ImportFormat,
    StandardEditionRow,
    StandardImportRow,
    StandardReleaseRow,
)
from registry.standards.repository import Fact, NewEdition
from standards_catalog.catalogue import NoLimit, standard_key
from standards_catalog.editions import Edition
from standards_catalog.errors import CatalogueError
from standards_catalog.identifiers import StandardId, parse_identifier, sort_key
from standards_catalog.identifiers.nearness import compact_key
from standards_catalog.importers.report import Issue
from standards_catalog.record_reading import read_record
from standards_catalog.relations import Relation
from standards_catalog.releases import Release, content_digest
from standards_catalog.requirements import Requirement

MAX_NEAR: Final = 5
_SHORTEST_NEAR: Final = 3


class Tick(Protocol):
    """Hears how far a long work is."""

    def __call__(self, done: int, total: int) -> None:
        """Note progress."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did.

    Attributes:
        added: Editions and facts that the catalogue did not hold.
        changed: Editions that it held with another content.
        unchanged: Editions and facts that it held already.
        superseded: Facts that the newer release no longer states.
        issues: Records that were left out, each with its reason.
        rows: How many records the file has.
        attribution: Words that must be shown wherever these data are shown.
    """

    added: int
    changed: int
    unchanged: int
    superseded: int
    issues: tuple[Issue, ...]
    rows: int
    attribution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardView:
    """Everything that is known about a standard.

    Attributes:
        edition: The edition that was asked for, or the newest one that stands.
        editions: Every edition, in the order of their years.
        relations: Relations that the edition, or the standard as such, is part of.
        requirements: Requirements of the edition.
        no_limits: Recorded absences of a limit.
        versions: What was recorded about the edition and when, the newest first: (recorded at,
            superseded at, name of the file).
    """

    edition: Edition
    editions: tuple[Edition, ...]
    relations: tuple[Relation, ...]
    requirements: tuple[Requirement, ...]
    no_limits: tuple[NoLimit, ...]
    versions: tuple[tuple[datetime, datetime | None, str], ...]


def import_file(
    session: Session, file: ReadFile, *, actor: Actor, at: datetime, tick: Tick | None = None
) -> ImportReport:
    """Store what a file says; all of it or nothing.

    Editions are added or replace what was known under the same code; none is ever removed. A
    release states all facts (relations, requirements, absences of a limit), so that those which it
    no longer holds end; other files state none and leave them alone.

    Raises:
        CatalogueImportRefusedError: Something is wrong with the file, or a fact names a standard
            that neither the file nor the catalogue has.
    """
    if not file.acceptable:
        raise CatalogueImportRefusedError(file.source, file.issues)
    repository.lock_catalogue(session)
    sequence = repository.last_sequence(session)
    lines = [repository.line_of(edition) for edition in file.editions]
    known = repository.current_editions(session, [line.code for line in lines])
    new: list[NewEdition] = []
    changed: list[int] = []
    for done, (edition, line) in enumerate(zip(file.editions, lines, strict=True), start=1):
        stored = known.get(line.code)
        if stored is not None and stored.content == line.content:
            continue
        if stored is not None:
            changed.append(stored.number)
        sequence += 1
        new.append(repository.prepare(edition, line, sequence))
        if tick is not None and done % 1000 == 0:
            tick(done, len(file.editions))
    facts, ended, same = _compare_facts(session, file)
    import_id = new_id()
    session.add(
        StandardImportRow(
            id=import_id,
            source=file.source[:255],
            format=file.format,
            sha256=file.sha256,
            licence=file.licence,
            attribution=file.attribution,
            read_on=file.read_on,
            rows=file.rows,
            added=len(new) - len(changed) + len(facts),
            changed=len(changed),
            unchanged=len(file.editions) - len(new) + same,
            skipped=len(file.issues),
            last_sequence=sequence,
            recorded_at=at,
            recorded_by=actor.name,
        )
    )
    session.flush()
    repository.supersede_editions(session, changed, at=at)
    repository.insert_editions(session, new, import_id=import_id, at=at)
    repository.supersede_facts(session, ended, at=at)
    repository.insert_facts(session, facts, import_id=import_id, at=at)
    _refuse_dangling(session, file, facts)
    if new:
        repository.refresh_statistics(session)
    return ImportReport(
        added=len(new) - len(changed) + len(facts),
        changed=len(changed),
        unchanged=len(file.editions) - len(new) + same,
        superseded=len(ended),
        issues=file.issues,
        rows=file.rows,
        attribution=file.attribution,
    )


def _compare_facts(session: Session, file: ReadFile) -> tuple[list[Fact], list[int], int]:
    """Return the facts to add, the numbers of those that end, and how many stay."""
    if file.format is not ImportFormat.RELEASE:
        return [], [], 0
    stored = repository.current_facts(session)
    stated = {(fact.kind, fact.content): fact for fact in file.facts}
    added = [fact for name, fact in stated.items() if name not in stored]
    ended = [number for name, number in stored.items() if name not in stated]
    return added, ended, len(stated) - len(added)


def _refuse_dangling(session: Session, file: ReadFile, facts: Sequence[Fact]) -> None:
    """Refuse facts about standards that the catalogue does not hold."""
    issues = []
    standards: dict[str, bool] = {}
    for fact in facts:
        for code in (fact.source, fact.target):
            if code and code not in standards:
                standards[code] = _is_known(session, code)
            if code and not standards[code]:
                message = f"{fact.kind.value} names {code}"
                issues.append(Issue(row=0, code="standard_unknown", message=message))
    if issues:
        raise CatalogueImportRefusedError(file.source, issues)


def _is_known(session: Session, code: str) -> bool:
    if repository.find_edition(session, code) is not None:
        return True
    return bool(repository.editions_of(session, [str(standard_key(parse_identifier(code)))]))


def publish_release(
    session: Session, *, effective_on: date, actor: Actor, at: datetime
) -> tuple[Release, StandardReleaseRow]:
    """Publish the catalogue as it stands.

    Args:
        session: A writing transaction.
        effective_on: Day from which the release is to be relied upon.
        actor: Who publishes.
        at: Time of recording.

    Raises:
        ReleaseUnchangedError: The newest release says the same.
    """
    repository.lock_catalogue(session)
    attributions: set[str] = set()
    digest, records = content_digest(_lines(session, None, attributions))
    stored = repository.releases(session)
    if any(row.digest == digest for row in stored):
        raise ReleaseUnchangedError(f"release with digest {digest.hex()} exists already")
    release = Release(
        number=stored[0].number + 1 if stored else 1,
        released_on=effective_on,
        digest=digest,
        records=records,
        attributions=tuple(sorted(attributions)),
    )
    row = StandardReleaseRow(
        number=release.number,
        digest=digest,
        records=records,
        effective_on=effective_on,
        attributions=json.dumps(release.attributions, ensure_ascii=False),
        recorded_at=at,
        recorded_by=actor.name,
    )
    session.add(row)
    session.flush()
    return release, row


def releases(session: Session) -> list[StandardReleaseRow]:
    """Return every release, the newest first."""
    return repository.releases(session)


def release_lines(session: Session, number: int) -> Iterator[bytes]:
    """Yield the lines of a release, taken from what the catalogue said when it was made.

    Raises:
        ReleaseNotFoundError: There is no such release.
        ReleaseDiffersError: After the last line: the lines do not have its digest.
    """
    row = next((r for r in repository.releases(session) if r.number == number), None)
    if row is None:
        raise ReleaseNotFoundError(f"there is no release {number}")
    state = hashlib.sha256()
    for line in _lines(session, row.recorded_at, set()):
        state.update(line + b"\n")
        yield line
    if state.digest() != row.digest:
        raise ReleaseDiffersError(f"release {number} was {row.digest.hex()}")


def _lines(session: Session, at: datetime | None, attributions: set[str]) -> Iterator[bytes]:
    """Yield the canonical lines of a moment; notes of licensed rows are added on the way."""
    standing = repository.codes_standing(session, at)
    standing.sort(key=lambda pair: sort_key(parse_identifier(pair[1])))
    for content in repository.contents(session, [number for number, _ in standing]):
        if '"licence":' in content:
            record = json.loads(content)
            if record.get("licence") and record.get("note"):
                attributions.add(record["note"])
        yield content.encode()
    lines = repository.fact_lines(session, at=at)
    for kind, order in _FACT_ORDERS:
        yield from sorted((line.encode() for k, line in lines if k is kind), key=order)


def _relation_order(line: bytes) -> Any:  # noqa: ANN401  (tuples of mixed depth)
    """Return the key by which releases sort relations."""
    record = json.loads(line)
    source, target = parse_identifier(record["source"]), parse_identifier(record["target"])
    anonymous = line.replace(b'"record":"relation"', b'"record":""', 1)
    return sort_key(source), sort_key(target), record["type"], anonymous


def _as_it_is(line: bytes) -> Any:  # noqa: ANN401
    return line


_FACT_ORDERS: Final[tuple[tuple[FactKind, Callable[[bytes], Any]], ...]] = (
    (FactKind.RELATION, _relation_order),
    (FactKind.REQUIREMENT, _as_it_is),
    (FactKind.NO_LIMIT, _as_it_is),
)


def show(session: Session, asked: str) -> StandardView:
    """Return what is known about a standard, by its code in any spelling or its address form.

    Raises:
        StandardNotFoundError: The catalogue holds none, or the text is no code.
    """
    standard = _parsed(session, asked)
    row = repository.find_edition(session, str(standard))
    siblings = repository.editions_of(session, [str(standard_key(standard))])
    if row is None and standard.year is None and siblings:
        best = min(standing_class(each.id) for each in siblings)
        row = max(
            (each for each in siblings if standing_class(each.id) == best),
            key=lambda each: sort_key(parse_identifier(each.code)),
        )
    if row is None:
        raise StandardNotFoundError(asked, near=near_codes(session, str(standard)))
    return _view(session, row, siblings)


def _view(
    session: Session, row: StandardEditionRow, siblings: Sequence[StandardEditionRow]
) -> StandardView:
    edition = _edition(row)
    editions = sorted(map(_edition, siblings or [row]), key=lambda each: sort_key(each.id))
    found = repository.facts_about(session, list(dict.fromkeys((row.code, row.standard))))
    facts = [read_record(line) for _, line in found]
    recorded = repository.versions_of(session, row.code)
    files = repository.imports(session, {version.import_id for version in recorded})
    return StandardView(
        edition=edition,
        editions=tuple(editions),
        relations=tuple(fact for fact in facts if isinstance(fact, Relation)),
        requirements=tuple(fact for fact in facts if isinstance(fact, Requirement)),
        no_limits=tuple(fact for fact in facts if isinstance(fact, NoLimit)),
        versions=tuple(
            (version.recorded_at, version.superseded_at, files[version.import_id].source)
            for version in recorded
        ),
    )


def near_codes(session: Session, asked: str) -> tuple[str, ...]:
    """Return codes that begin like the one asked for, the likest first."""
    key = compact_key(asked)
    found: dict[str, None] = {}
    while len(key) >= _SHORTEST_NEAR and len(found) < MAX_NEAR:
        found |= dict.fromkeys(repository.codes_with_prefix(session, key, limit=MAX_NEAR))
        key = key[:-1]
    return tuple(found)[:MAX_NEAR]


def _parsed(session: Session, asked: str) -> StandardId:
    try:
        return parse_identifier(code_of(asked))
    except CatalogueError as error:
        raise StandardNotFoundError(asked, near=near_codes(session, asked)) from error


def _edition(row: StandardEditionRow) -> Edition:
    found = read_record(row.content)
    assert isinstance(found, Edition)  # noqa: S101  (only such lines are stored there)
    return found
