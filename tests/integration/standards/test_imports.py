from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.standards import service
from registry.standards.errors import (
    CatalogueImportRefusedError,
    ReleaseNotFoundError,
    ReleaseUnchangedError,
    StandardNotFoundError,
)
from registry.standards.importing import read_file
from registry.standards.models import StandardEditionRow, StandardImportRow
from standards_catalog.editions import Status
from standards_catalog.importers.template_csv import write_template_csv
from standards_catalog.loading import seed_catalogue
from standards_catalog.releases import edition_record, make_release, record_line
from tests.support.standards import (
    NOW,
    TODAY,
    day,
    edition,
    found,
    store,
    store_file,
    store_seed,
)

LATER = NOW + timedelta(days=1)


def publish(database: Database, *, at: object = NOW) -> service.Release:
    with database.begin() as session:
        release, _ = service.publish_release(
            session, effective_on=TODAY, actor=Actor("editor"), at=at
        )
    return release


def test_release_of_the_seed_has_the_digest_of_the_seed(database: Database) -> None:
    report = store_seed(database)
    release = publish(database)

    assert release == make_release(seed_catalogue(), number=1, released_on=TODAY)
    assert report.added == release.records == report.rows


def test_importing_the_same_again_changes_nothing(database: Database) -> None:
    first = store_seed(database)
    again = store_seed(database)

    assert (again.added, again.changed, again.superseded) == (0, 0, 0)
    assert again.unchanged == first.added


def test_change_replaces_and_keeps_what_was_said_before(database: Database) -> None:
    store(database, edition("GB 175-2007", "通用硅酸盐水泥"))
    changed = edition(
        "GB 175-2007", "硅酸盐水泥", status=Status.SUPERSEDED, withdrawn=day("2024-06-01")
    )
    report = store(database, changed, at=LATER)

    assert (report.added, report.changed) == (0, 1)
    assert found(database, "通用") == []
    assert found(database, "硅酸盐") == found(database, "GB 175") == ["GB 175-2007"]
    with database.read() as session:
        versions = service.show(session, "GB 175-2007").versions
    assert [(recorded, ended) for recorded, ended, _ in versions] == [(LATER, None), (NOW, LATER)]


def test_old_release_can_be_written_after_changes(database: Database) -> None:
    store(database, edition("GB 175-2007", "水泥"), edition("GB 1-2000", "导则"))
    first = publish(database)
    store(database, edition("GB 175-2007", "硅酸盐水泥"), at=LATER)
    second = publish(database, at=LATER)

    assert (first.number, second.number) == (1, 2)
    assert first.digest != second.digest
    with database.read() as session:
        old = b"\n".join(service.release_lines(session, 1)).decode()
        new = b"\n".join(service.release_lines(session, 2)).decode()
    assert '"title_zh":"水泥"' in old
    assert '"title_zh":"硅酸盐水泥"' in new


def test_lines_of_a_release_import_into_an_empty_catalogue(database: Database) -> None:
    store_seed(database)
    release = publish(database)
    with database.read() as session:
        lines = b"".join(line + b"\n" for line in service.release_lines(session, 1))

    read = read_file(lines, source="release.jsonl", read_on=TODAY)
    assert read.issues == ()
    assert len(read.editions) + len(read.facts) == release.records


def test_release_ends_facts_that_it_no_longer_states(database: Database) -> None:
    store_seed(database)
    publish(database)
    with database.read() as session:
        lines = list(service.release_lines(session, 1))
    kept = [line for line in lines if b'"record":"requirement"' not in line]
    data = b"\n".join(kept)

    report = store_file(database, read_file(data, source="r", read_on=TODAY), at=LATER)

    assert report.superseded == len(lines) - len(kept) > 0
    with database.read() as session:
        assert service.show(session, "GB 175-2023").requirements == ()
        assert len(list(service.release_lines(session, 1))) == len(lines)


def test_unchanged_catalogue_is_not_released_twice(database: Database) -> None:
    store_seed(database)
    publish(database)
    with pytest.raises(ReleaseUnchangedError):
        publish(database, at=LATER)
    with database.read() as session, pytest.raises(ReleaseNotFoundError):
        next(service.release_lines(session, 2))


BAD_ROWS = {
    "code_twice": ("GB 1-2000", {}),
    "identifier_unrecognised": ("nonsense", {}),
    "dates_contradict": ("GB 2-2000", {"published": "2020-01-02", "withdrawn": "2019-01-01"}),
    "date_malformed": ("GB 2-2000", {"published": "2020-13"}),
    "value_missing": ("GB 2-2000", {"source": ""}),
    "ics_malformed": ("GB 2-2000", {"ics": "9.1"}),
    "value_unknown": ("GB 2-2000", {"status": "valid"}),
}


@pytest.mark.parametrize("problem", BAD_ROWS)
def test_one_bad_row_and_nothing_is_imported(database: Database, problem: str) -> None:
    code, changes = BAD_ROWS[problem]
    header, row = write_template_csv([edition("GB 1-2000", "好")]).splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True)) | {"code": code} | changes
    data = "\n".join([header, row, ",".join(cells.values())]).encode()

    with pytest.raises(CatalogueImportRefusedError) as caught:
        store_file(database, read_file(data, source="bad.csv", read_on=TODAY))

    assert [(issue.row, issue.code) for issue in caught.value.issues] == [(3, problem)]
    assert found(database, "") == []
    with database.read() as session:
        assert session.scalars(select(StandardImportRow)).all() == []


def test_fact_about_an_unknown_standard_undoes_the_whole_import(database: Database) -> None:
    store_seed(database)
    publish(database)
    with database.read() as session:
        lines = list(service.release_lines(session, 1))
    relation = next(line for line in lines if b'"record":"relation"' in line)
    broken = re.sub(rb'"source":"GB[^"]*","status"', b'"source":"GB 98765-2020","status"', relation)
    assert broken != relation
    extra = record_line("edition", edition_record(edition("GB/T 987654-2020", "新")))
    data = b"\n".join([*lines, extra, broken])

    with pytest.raises(CatalogueImportRefusedError, match="standard_unknown"):
        store_file(database, read_file(data, source="r", read_on=TODAY), at=LATER)

    assert found(database, "GB/T 987654") == []


def test_iso_open_data_shows_its_attribution(database: Database) -> None:
    data = (
        b'{"id":1,"deliverableType":"IS","reference":"ISO 679:2009","title":{"en":"Cement"},'
        b'"publicationDate":"2009-05-01","icsCode":["91.100.10"],"currentStage":9093}\n'
    )
    read = read_file(data, source="iso.jsonl", read_on=date(2026, 1, 1))
    report = store_file(database, read)

    assert report.attribution == "Contains data from ISO Open Data, ODC-By 1.0"
    assert found(database, "iso679") == ["ISO 679:2009"]


def test_the_database_refuses_to_edit_history(database: Database) -> None:
    store(database, edition("GB 1-2000", "好"))
    edit = update(StandardEditionRow).values(content="{}")
    with database.begin() as session, pytest.raises(IntegrityError, match="never edited"):
        session.execute(edit)


class TestShow:
    def test_undated_code_means_the_newest_edition_that_stands(self, database: Database) -> None:
        store(
            database,
            edition("GB 175-2007", status=Status.SUPERSEDED),
            edition("GB 175-2023"),
            edition("GB 175-2030", status=Status.DRAFT),
        )
        with database.read() as session:
            view = service.show(session, "gb175")
        assert view.edition.code == "GB 175-2023"
        assert [each.code for each in view.editions] == [
            "GB 175-2007", "GB 175-2023", "GB 175-2030",
        ]  # fmt: skip

    def test_unknown_code_names_near_ones(self, database: Database) -> None:
        store_seed(database)
        with database.read() as session, pytest.raises(StandardNotFoundError) as caught:
            service.show(session, "GB 1755-2023")
        assert "GB 175-2023" in caught.value.near

    @pytest.mark.parametrize("asked", ["GB~T_17671-2021", "gbt 17671-2021", "GB/T 17671—2021"])
    def test_any_spelling(self, database: Database, asked: str) -> None:
        store_seed(database)
        with database.read() as session:
            assert service.show(session, asked).edition.code == "GB/T 17671-2021"
