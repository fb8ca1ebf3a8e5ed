"""Printing at the desk: choose certificates, watch them being printed, fetch the pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from registry.access.domain import Action, Reach, Tenant
from registry.access.principal import require
from registry.bodies.domain import Body
from registry.bodies.service import get_body
from registry.certificates.errors import ContentErasedError
from registry.certificates.print_jobs import PrintShop
from registry.certificates.print_orders import ERASED, WAITING, PrintJob, PrintJobNotFoundError
from registry.certificates.printing import Selection, Standing
from registry.certificates.rendering.merging import merged_pdf
from registry.kit.errors import InvalidInputError
from registry.kit.zip_stream import zip_stream
from registry.web.expiries import bodies_within
from registry.web.pages import PagesDep
from registry.web.visitors import NO_STORE, PageRoute, ProvedFormDep, Visitor, VisitorDep

router: Final = APIRouter(prefix="/desk/print", include_in_schema=False, route_class=PageRoute)

MAX_MERGED: Final = 500  # 80 MB at once in memory; more is fetched as an archive
_SHOWN: Final = 50


def get_print_shop(request: Request) -> PrintShop:
    """Provide the print shop of this installation."""
    return cast("PrintShop", request.app.state.print_shop)


ShopDep = Annotated[PrintShop, Depends(get_print_shop)]


@router.get("")
def show_printing(
    request: Request, pages: PagesDep, visitor: VisitorDep, shop: ShopDep
) -> Response:
    """Show what can be chosen and the visitor's own jobs."""
    jobs = shop.jobs_of(visitor.principal.actor)
    return pages.render(
        request,
        "printing.html",
        headers=NO_STORE,
        visitor=visitor,
        bodies=_bodies(shop, visitor),
        standings=[standing.value for standing in Standing],
        jobs=[(job, shop.progress(job)) for job in jobs],
    )


@router.post("")
def begin_printing(visitor: VisitorDep, form: ProvedFormDep, shop: ShopDep) -> Response:
    """Choose certificates of bodies that the visitor delivers for, and begin."""
    alias = form.text("body")
    chosen = [body for body in _bodies(shop, visitor) if alias in ("", body.alias)]
    if not chosen:
        raise InvalidInputError("choose a body")
    try:
        standing = Standing(form.text("standing"))
    except ValueError as error:
        raise InvalidInputError("choose which certificates") from error
    since, last = _day(form.text("since")), _day(form.text("last"))
    selection = Selection(
        standing=standing,
        since=since,
        until=None if last is None else last + timedelta(days=1),
        within=Reach(everywhere=False, parties=frozenset(), bodies=frozenset(b.id for b in chosen)),
    )
    job = shop.open_job(selection, visitor.principal.actor)
    return RedirectResponse(f"/desk/print/{job.id}", HTTPStatus.SEE_OTHER)


@router.get("/{identifier}")
def show_job(
    identifier: str,
    request: Request,
    pages: PagesDep,
    visitor: VisitorDep,
    shop: ShopDep,
) -> Response:
    """Show how far a job is; one that was interrupted goes on."""
    job = _own_job(identifier, visitor, shop)
    progress = shop.progress(job)
    if not progress.finished:
        shop.resume(job)
    left_out = {reason: progress.left_out(reason) for reason in (WAITING, ERASED)}
    return pages.render(
        request,
        "print_job.html",
        headers=NO_STORE,
        visitor=visitor,
        job=job,
        progress=progress,
        printed=progress.done - sum(map(len, left_out.values())),
        left_out=left_out,
        shown=_SHOWN,
        may_merge=progress.total <= MAX_MERGED,
    )


@router.get("/{identifier}/pages.zip")
def read_archive(identifier: str, visitor: VisitorDep, shop: ShopDep) -> Response:
    """Hand the printed pages out as an archive, with a folder for each body."""
    job = _own_job(identifier, visitor, shop)
    archive = zip_stream(shop.pages(job), at=job.created_at)
    return StreamingResponse(
        archive, media_type="application/zip", headers=_file_headers(job, "zip")
    )


@router.get("/{identifier}/pages.pdf")
def read_merged(identifier: str, request: Request, visitor: VisitorDep, shop: ShopDep) -> Response:
    """Hand the printed pages out as one PDF for the printer, in the order of signing."""
    job = _own_job(identifier, visitor, shop)
    if len(job.certificates) > MAX_MERGED:
        raise InvalidInputError(f"more than {MAX_MERGED} certificates are fetched as an archive")
    both_sides = request.query_params.get("sides") == "2"
    printed = [page for _, page in shop.pages(job)]
    if not printed:
        raise ContentErasedError("nothing that was printed is still here")
    merged = merged_pdf(printed, both_sides=both_sides)
    return StreamingResponse(
        _portions(merged), media_type="application/pdf", headers=_file_headers(job, "pdf")
    )


@router.post("/{identifier}/discard")
def discard_job(
    identifier: str, visitor: VisitorDep, _form: ProvedFormDep, shop: ShopDep
) -> Response:
    """Clear a job away."""
    shop.discard(_own_job(identifier, visitor, shop))
    return RedirectResponse("/desk/print", HTTPStatus.SEE_OTHER)


def _own_job(identifier: str, visitor: Visitor, shop: PrintShop) -> PrintJob:
    """Return a job of the visitor, who must still deliver for each of its bodies."""
    job = shop.find(identifier, visitor.principal.actor)
    missing = PrintJobNotFoundError("there is no such print job")
    with shop.database.read() as session:
        for body_id in shop.bodies_of(job):
            tenant = Tenant.of_body(body_id, party=get_body(session, body_id).body.party)
            require(visitor.principal, Action.CERTIFICATES_DELIVER, tenant, missing=missing)
    return job


def _bodies(shop: PrintShop, visitor: Visitor) -> list[Body]:
    with shop.database.read() as session:
        return bodies_within(session, visitor.principal.reach(Action.CERTIFICATES_DELIVER))


def _day(text: str) -> datetime | None:
    """Return the first moment (UTC) of a day as a form sends it, None for none."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError as error:
        raise InvalidInputError("a day is written 2026-11-21") from error


def _file_headers(job: PrintJob, ending: str) -> dict[str, str]:
    name = f"certificates-{job.created_at:%Y%m%d-%H%M}.{ending}"
    return {
        **NO_STORE,
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def _portions(data: bytes, size: int = 1 << 18) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
