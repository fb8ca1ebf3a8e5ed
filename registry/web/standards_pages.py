"""`/standards` and `/standards/{id}`: search, and what is known about a standard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup, escape

from registry.kit.clock import system_clock
from registry.standards.domain import Facets, Filters, Hit, Page, slug_of
from registry.standards.errors import (
    SearchTooCostlyError,
    StandardNotFoundError,
    UnusableCursorError,
    UnusableFilterError,
)
from registry.standards.router import DatabaseDep
from registry.standards.schemas import attributions
from registry.standards.searching import count_facets, make_query, search
from registry.standards.service import StandardView, show
from registry.web.drawings import draw_graph, draw_timeline
from registry.web.pages import Pages, PagesDep, language_of
from standards_catalog.editions import Kind, Status
from standards_catalog.loading import seed_catalogue
from standards_catalog.releases import edition_record
from standards_catalog.requirements import Operator, Requirement
from standards_catalog.search_terms import MAX_QUERY_CHARS

router: Final = APIRouter(prefix="/standards", include_in_schema=False)

_FILTERS: Final = ("country", "status", "kind", "ics", "hs", "on")
_SHOWN_APART: Final = frozenset({"code", "title_en", "title_zh"})
_SHOWN: Final = ("published", "effective", "withdrawn", "ics")  # where they are recorded
_LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Found:
    """One hit as the page shows it."""

    id: str
    code: Markup
    title: Markup
    other: Markup
    record: Mapping[str, str]


@router.get("")
def search_page(
    request: Request,
    pages: PagesDep,
    database: DatabaseDep,
    q: Annotated[str, Query(max_length=MAX_QUERY_CHARS)] = "",
    cursor: Annotated[str, Query(max_length=_LONGEST)] = "",
) -> Response:
    """Show the search and its hits; `?part=results` gives the hits alone, while one types."""
    members = request.query_params
    values = {name: members.get(name, "")[:40] for name in _FILTERS}
    problem, page, facets, words = "", Page(hits=(), next=None), None, q
    try:
        query = make_query(q, Filters.parse(values))
        words = query.text
        with database.read() as session:
            page = search(session, query, cursor=cursor or None, limit=20)
            facets = None if cursor else count_facets(session, query)
    except (UnusableFilterError, UnusableCursorError, SearchTooCostlyError) as error:
        problem = str(error)
    part = members.get("part") == "results"
    language = language_of(request)
    return pages.render(
        request,
        "standards_results.html" if part else "standards.html",
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        headers={"X-Robots-Tag": "noindex"} if part else None,
        words=words,
        values=values,
        problem=problem,
        hits=[_found(hit, language) for hit in page.hits],
        page=page,
        first=not cursor,
        facets=facets,
        groups=_groups(facets, values),
        statuses=[member.value for member in Status],
        kinds=[member.value for member in Kind],
        attributions=attributions([hit.record for hit in page.hits]),
    )


@router.get("/{id:path}")
def standard_page(id: str, request: Request, pages: PagesDep, database: DatabaseDep) -> Response:  # noqa: A002
    """Show a standard: editions on a time line, relations, requirements, sources."""
    language = language_of(request)
    try:
        with database.read() as session:
            view = show(session, id)
    except StandardNotFoundError as error:
        return _not_found(request, pages, error, language)
    return pages.render(request, "standard.html", **_context(view, language))


def _context(view: StandardView, language: str) -> dict[str, Any]:
    """Return what the page of a standard shows."""
    today = system_clock().date()
    record = edition_record(view.edition)
    main, other = _titles(record, language)
    return {
        "code": view.edition.code,
        "id": slug_of(view.edition.code),
        "title": main,
        "other_title": other,
        "record": {name: text for name, text in record.items() if name not in _SHOWN_APART},
        "links": {"replaces", "replaced_by", "amendments"},
        "slug_of": slug_of,
        "today": today.isoformat(),
        "standing": _standing(view, today),
        "timeline": draw_timeline(view.editions, today),
        "graph": draw_graph(view.edition.code, view.relations),
        "relations": view.relations,
        "requirements": [(row, limit_words(row)) for row in view.requirements],
        "no_limits": view.no_limits,
        "names": partial(_parameter_name, language),
        "versions": view.versions,
        "attributions": attributions([record]),
    }


def _parameter_name(language: str, code: str) -> str:
    """Return the name of a parameter with its code, the code alone where it has no name."""
    known = seed_catalogue().parameters.get(code)
    name = dict(known.names).get(language, "") if known else ""
    return f"{name} ({code})" if name else code


def _standing(view: StandardView, today: date) -> str:
    """Return what the edition is worth today, counting the editions that replace it."""
    starts = [
        start
        for edition in view.editions
        if view.edition.code in edition.replaces
        and (start := edition.effective or edition.published) is not None
    ]
    replaced = min(starts, key=lambda start: start.first, default=None)
    return view.edition.standing(today, replaced=replaced).value


def limit_words(row: Requirement) -> tuple[str, str]:
    """Return a limit as people write it, and the limit of detection where none may be detected."""
    if row.text is not None:
        return row.text, ""
    lower = "?" if row.lower is None else f"{row.lower:f}"
    upper = "?" if row.upper is None else f"{row.upper:f}"
    words = {
        Operator.AT_MOST: f"≤ {upper}",
        Operator.AT_LEAST: f"≥ {lower}",
        Operator.RANGE: f"{lower} – {upper}",
        Operator.EQUAL: f"= {upper if row.upper is not None else lower}",
        Operator.NOT_DETECTED: "",
    }
    return words[row.operator], upper if row.operator is Operator.NOT_DETECTED else ""


def _not_found(
    request: Request, pages: Pages, error: StandardNotFoundError, language: str
) -> Response:
    """Return the page for a standard that is not there, with near ones."""
    chosen = f"?lang={language}" if "lang" in request.query_params else ""
    return pages.render(
        request,
        "error.html",
        status=HTTPStatus.NOT_FOUND,
        heading=pages.text("standards.not_found", language),
        detail=str(error),
        code=error.code,
        near_heading=pages.text("standards.near", language),
        near=[{"href": f"/standards/{slug_of(code)}{chosen}", "name": code} for code in error.near],
        back=f"/standards{chosen}",
    )


def _found(hit: Hit, language: str) -> Found:
    """Return a hit with its marks, the title in the reader's language first."""
    names = ("title_zh", "title_en") if language == "zh" else ("title_en", "title_zh")
    shown = [name for name in names if name in hit.record]
    marked = [_marked(hit.record[name], hit.spots.get(name, ())) for name in shown]
    empty = Markup("")
    return Found(
        id=slug_of(hit.code),
        code=_marked(hit.code, hit.spots.get("code", ())),
        title=marked[0] if marked else empty,
        other=marked[1] if len(marked) > 1 else empty,
        record=dict.fromkeys(_SHOWN, "") | dict(hit.record),
    )


def _marked(text: str, spots: Sequence[tuple[int, int]]) -> Markup:
    """Return a text with its spots inside <mark>."""
    pieces, at = [Markup("")], 0
    for start, end in spots:
        pieces += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        at = end
    return Markup("").join([*pieces, escape(text[at:])])


def _titles(record: Mapping[str, str], language: str) -> tuple[str, str]:
    zh, en = record.get("title_zh", ""), record.get("title_en", "")
    first, second = (zh, en) if language == "zh" else (en, zh)
    return (first, second) if first else (second, "")


def _groups(facets: Facets | None, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the values by which hits can be narrowed further."""
    if facets is None:
        return []
    return [
        {"name": name, "values": list(counts.items())}
        for name, counts in asdict(facets)["counts"].items()
        if not values.get(name) and len(counts) > 1
    ]
