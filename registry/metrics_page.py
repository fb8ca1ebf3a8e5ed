"""`GET /metrics`: for the monitoring of the operator; the proxy keeps it from everybody else."""

from __future__ import annotations

from typing import Final, cast

from fastapi import APIRouter, Request, Response

from registry.anchoring.queue import queue_status
from registry.health import Readiness
from registry.kit.metrics import MEDIA_TYPE, Metrics

router: Final = APIRouter(include_in_schema=False)


@router.get("/metrics")
def read_metrics(request: Request) -> Response:
    """Return the counters of this process, and the queue as the database has it now."""
    metrics = cast("Metrics", request.app.state.metrics)
    readiness = cast("Readiness", request.app.state.readiness)
    now = readiness.clock()
    with readiness.database.read() as session:
        queue = queue_status(session, now=now)
    age = 0 if queue.oldest_at is None else int((now - queue.oldest_at).total_seconds())
    gauges = {
        "lancang_queue_leaves": ("Leaves in no batch yet.", queue.queued),
        "lancang_queue_unpublished_leaves": ("Leaves in unpublished batches.", queue.in_progress),
        "lancang_queue_oldest_seconds": ("Age of the oldest unpublished leaf.", age),
        "lancang_queue_delay": ("How late that one is: 0 in time to 3 very late.", queue.delay),
    }
    return Response(metrics.render(gauges), media_type=MEDIA_TYPE)
