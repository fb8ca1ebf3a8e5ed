"""`/desk/operations`: is everything anchored, and do database, store and chain agree?"""

from __future__ import annotations

import json
from typing import Any, Final, cast

from fastapi import APIRouter, Request, Response

from registry.access.domain import INSTALLATION, Action
from registry.access.principal import require
from registry.anchoring.domain import WriteState
from registry.anchoring.models import ReconciliationRow
from registry.anchoring.overview import batch_page, is_alarming, pipeline_status, reconciliations
from registry.anchoring.router import DatabaseDep
from registry.health import Readiness
from registry.web.pages import PagesDep
from registry.web.visitors import NO_STORE, PageRoute, VisitorDep

router: Final = APIRouter(prefix="/desk/operations", include_in_schema=False, route_class=PageRoute)

_MOST_SHOWN: Final = 200  # discrepancies of one report; the API has all of them


@router.get("")
def show_operations(
    request: Request, pages: PagesDep, visitor: VisitorDep, database: DatabaseDep
) -> Response:
    """Show the pipeline and what the newest comparisons found."""
    require(visitor.principal, Action.OPERATIONS_READ, INSTALLATION)
    now = cast("Readiness", request.app.state.readiness).clock()
    with database.read() as session:
        status = pipeline_status(session, now=now)
        newest = batch_page(session, limit=20)
        aside = batch_page(session, state=WriteState.QUARANTINED, limit=200)
        history = reconciliations(session)
    return pages.render(
        request,
        "operations.html",
        headers=NO_STORE,
        visitor=visitor,
        pipeline=status,
        alarming=is_alarming(status),
        batches=newest.items,
        quarantined=aside.items,
        history=history,
        found=_found(status.last),
        now=now,
    )


def _found(row: ReconciliationRow | None) -> list[dict[str, Any]]:
    """Return what the newest comparison found, each with its data in words."""
    if row is None:
        return []
    found = json.loads(row.report).get("discrepancies", [])
    return [
        {"code": each["code"], "data": [f"{name}: {value}" for name, value in each["data"].items()]}
        for each in found[:_MOST_SHOWN]
    ]
