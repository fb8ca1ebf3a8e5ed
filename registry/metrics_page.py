"""`GET /metrics`: for the monitoring of the operator; the proxy keeps it from everybody else."""

from __future__ import annotations

from typing import Final, cast

from fastapi import APIRouter, Request, Response

from registry.anchoring.overview import pipeline_gauges
from registry.health import Readiness
from registry.kit.metrics import MEDIA_TYPE, Metrics

router: Final = APIRouter(include_in_schema=False)


@router.get("/metrics")
def read_metrics(request: Request) -> Response:
    """Return the counters of this process, and the pipeline as the database has it now."""
    metrics = cast("Metrics", request.app.state.metrics)
    readiness = cast("Readiness", request.app.state.readiness)
    with readiness.database.read() as session:
        gauges = pipeline_gauges(session, now=readiness.clock())
    return Response(metrics.render(gauges), media_type=MEDIA_TYPE)
