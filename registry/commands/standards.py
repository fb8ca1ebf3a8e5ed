"""`lancang standards`: the catalogue of standards."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.table import Table

from registry.console import Application, pass_application, plain
from registry.kit.actor import Actor
from registry.kit.clock import system_clock
from registry.kit.errors import InvalidInputError
from registry.standards import service
from registry.standards.domain import Filters, Hit
from registry.standards.errors import CatalogueImportRefusedError
from registry.standards.importing import MAX_FILE_BYTES, ReadFile, read_file, read_seed
from registry.standards.models import ImportFormat
from registry.standards.schemas import PageOut, RequirementsOut, StandardOut
from registry.standards.searching import count_facets, make_query, search
from standards_catalog.importers.report import Issue

_SHOWN_ISSUES = 50


@click.group("standards")
def command() -> None:
    """Search and keep the catalogue of standards."""


@command.command("import")
@click.argument(
    "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False
)
@click.option("--seed", is_flag=True, help="Import the catalogue that comes with Lancang.")
@click.option(
    "--format",
    "stated",
    type=click.Choice([member.value for member in ImportFormat]),
    help="Format of FILE; told from its content by default.",
)
@click.option(
    "--obtained",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day on which the file was obtained; today by default.",
)
@click.option("--by", default="operator", show_default=True, help="Who imports, for the record.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@pass_application
def import_command(
    app: Application,
    *,
    file: Path | None,
    seed: bool,
    stated: str | None,
    obtained: datetime | None,
    by: str,
    as_json: bool,
) -> None:
    """Import editions from FILE.

    FILE is our template as CSV or XLSX, ISO Open Data as JSON Lines or CSV, or the lines of a
    release with its relations and requirements.

    Every objection is listed with its row. If one of them is an error, nothing is imported.
    """
    if (file is None) == (not seed):
        raise click.UsageError("name a FILE or give --seed")
    now = system_clock()
    read_on = obtained.date() if obtained else now.date()
    read = read_seed(read_on=read_on) if file is None else _read(file, read_on, stated)
    try:
        with app.progress() as progress, app.database.begin() as session:
            task = progress.add_task("storing", total=len(read.editions))
            report = service.import_file(
                session, read, actor=Actor(by), at=now,
                tick=lambda done, total: progress.update(task, completed=done, total=total),
            )  # fmt: skip
    except CatalogueImportRefusedError as error:
        _print_issues(app, read, error.issues, as_json=as_json)
        raise
    if as_json:
        counts = {name: getattr(report, name) for name in _COUNTS}
        _print_json({"file": read.source, **counts, "issues": _issues(report.issues)})
        return
    if report.issues:
        _print_issues(app, read, report.issues, as_json=False)
    app.out.print(
        f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, "
        f"{report.superseded} facts ended, {len(report.issues)} records left out"
    )
    if report.attribution:
        app.out.print(plain(report.attribution))


_COUNTS = ("rows", "added", "changed", "unchanged", "superseded", "attribution")


@command.command("search")
@click.argument("words", nargs=-1)
@click.option("--country", default="", help="ISO 3166-1 alpha-2, INT, EU or EAEU.")
@click.option("--status", default="", help="What the publisher says, e.g. published.")
@click.option("--kind", default="", help="What it is about, e.g. test_method.")
@click.option("--ics", default="", help="Start of an ICS code, e.g. 91.100.")
@click.option("--hs", default="", help="Code or heading of the HS, e.g. 2523.29.")
@click.option("--on", default="", help="A day on which it may be in force, e.g. 2026-11-21.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--cursor", help="Go on from the `next` of an earlier page.")
@click.option("--facets", is_flag=True, help="Count hits by country, status and kind.")
@click.option("--json", "as_json", is_flag=True, help="Print the page as JSON.")
@pass_application
def search_command(
    app: Application,
    /,
    *,
    words: tuple[str, ...],
    limit: int,
    cursor: str | None,
    facets: bool,
    as_json: bool,
    **filters: str,
) -> None:
    """Find standards by the start of a code in any spelling, or by words in Chinese or English."""
    # A space at the end: the last word is complete, nobody is typing.
    query = make_query(" ".join(words) + " " * bool(words), Filters.parse(filters))
    with app.database.read() as session:
        page = search(session, query, cursor=cursor, limit=limit)
        counted = count_facets(session, query) if facets else None
    if as_json:
        _print_json(PageOut.from_domain(page, counted).model_dump(mode="json"))
        return
    table = Table("code", "title", "status", "country", "confidence", box=None)
    for hit in page.hits:
        record = hit.record
        table.add_row(
            plain(hit.code), plain(_title(hit)), record["status"], record["country"],
            record["confidence"],
        )  # fmt: skip
    app.out.print(table if page.hits else "nothing found")
    if counted is not None:
        for column, values in counted.counts.items():
            shown = ", ".join(f"{value} {count}" for value, count in values.items())
            app.out.print(plain(f"{column}: {shown}"))
    if page.next:
        app.out.print(plain(f"more: --cursor {page.next}"))


@command.command("show")
@click.argument("code")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@pass_application
def show_command(app: Application, *, code: str, as_json: bool) -> None:
    """Show a standard: its editions, relations and requirements, each with its source."""
    with app.database.read() as session:
        view = service.show(session, code)
    standard, demands = StandardOut.from_domain(view), RequirementsOut.from_domain(view)
    if as_json:
        _print_json({**standard.model_dump(mode="json"), "requirements": demands.items})
        return
    for name, value in standard.record.items():
        app.out.print(plain(f"{name:<15} {value}"))
    app.out.print(plain("editions        " + ", ".join(each.code for each in standard.editions)))
    relations = Table(
        "source", "relation", "degree", "target", "declared by", "confidence", box=None
    )
    for row in standard.relations:
        relations.add_row(
            *(plain(str(row.get(name, ""))) for name in _RELATION_COLUMNS),
            row["provenance"]["confidence"],
        )
    requirements = Table("parameter", "limit", "unit", "goods", "confidence", box=None)
    for row in demands.items:
        scope = row.get("scope", {})
        requirements.add_row(
            plain(row["parameter"]), plain(limit_text(row)), plain(row.get("unit", "")),
            plain(f"{scope.get('matrix', '')} {scope.get('grade', '')}".strip()),
            row["provenance"]["confidence"],
        )  # fmt: skip
    for table in (relations, requirements):
        if table.row_count:
            app.out.print(table)


_RELATION_COLUMNS = ("source", "type", "degree", "target", "declared_by")
_RELATION_HEADINGS = ("source", "relation", "degree", "target", "declared by", "confidence")


@command.command("release")
@click.option(
    "--effective",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day from which it is to be relied upon; today by default.",
)
@click.option("--by", default="operator", show_default=True, help="Who publishes, for the record.")
@click.option("--list", "listed", is_flag=True, help="List releases instead.")
@click.option("--write", "number", type=int, help="Write the lines of a release instead.")
@click.option("--output", type=click.File("wb", lazy=True), default="-", help="Where to write.")
@click.option("--json", "as_json", is_flag=True, help="Print releases as JSON.")
@pass_application
def release_command(
    app: Application,
    *,
    effective: datetime | None,
    by: str,
    listed: bool,
    number: int | None,
    output: BinaryIO,
    as_json: bool,
) -> None:
    """Publish the catalogue as it stands: one number, one digest over its canonical lines."""
    if number is not None:
        with app.database.read() as session:
            for line in service.release_lines(session, number):
                output.write(line + b"\n")
        return
    now = system_clock()
    if not listed:
        with app.database.begin() as session:
            service.publish_release(
                session,
                effective_on=effective.date() if effective else now.date(),
                actor=Actor(by),
                at=now,
            )
    with app.database.read() as session:
        rows = service.releases(session)
    for row in rows if listed else rows[:1]:
        shown = {
            "number": row.number,
            "digest": row.digest.hex(),
            "records": row.records,
            "effective_on": row.effective_on.isoformat(),
            "recorded_at": row.recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "recorded_by": row.recorded_by,
            "attributions": json.loads(row.attributions),
        }
        if as_json:
            _print_json(shown)
        else:
            app.out.print(plain("  ".join(f"{name} {value}" for name, value in shown.items())))


def limit_text(row: dict[str, Any]) -> str:
    """Return the limit of a requirement as people write it."""
    if "text" in row:
        return str(row["text"])
    lower, upper = row.get("lower"), row.get("upper")
    match row["operator"]:
        case "<=":
            return f"≤ {upper or '?'}"
        case ">=":
            return f"≥ {lower or '?'}"
        case "range":
            return f"{lower or '?'} … {upper or '?'}"
        case "=":
            return f"= {upper or lower or '?'}"
        case _:
            return f"not detected (≤ {upper or '?'})"


def _read(file: Path, read_on: date, stated: str | None) -> ReadFile:
    if file.stat().st_size > MAX_FILE_BYTES:
        raise InvalidInputError(f"{file.name} is larger than {MAX_FILE_BYTES} bytes")
    chosen = ImportFormat(stated) if stated else None
    return read_file(file.read_bytes(), source=file.name, read_on=read_on, stated=chosen)


def _print_issues(
    app: Application, read: ReadFile, issues: tuple[Issue, ...], *, as_json: bool
) -> None:
    if as_json:
        _print_json({"file": read.source, "issues": _issues(issues)})
        return
    table = Table("row", "column", "code", "message", "", box=None)
    for issue in issues[:_SHOWN_ISSUES]:
        table.add_row(
            str(issue.row), plain(" ".join(filter(None, (issue.sheet, issue.column)))), issue.code,
            plain(issue.message), issue.severity.value,
        )  # fmt: skip
    app.err.print(table)
    if len(issues) > _SHOWN_ISSUES:
        app.err.print(f"… and {len(issues) - _SHOWN_ISSUES} more")


def _issues(issues: tuple[Issue, ...]) -> list[dict[str, object]]:
    return [
        {
            "row": issue.row,
            "column": issue.column,
            "sheet": issue.sheet,
            "code": issue.code,
            "message": issue.message,
            "severity": issue.severity.value,
        }
        for issue in issues
    ]


def _title(hit: Hit) -> str:
    return hit.record.get("title_zh") or hit.record.get("title_en") or ""


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")), file=sys.stdout)
