"""Liveness and readiness. Readiness asks every part for a real piece of work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final, cast

import orjson
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from registry.anchoring.domain import Delay
from registry.anchoring.queue import queue_status
from registry.bodies.service import active_keys
from registry.kit import schema
from registry.kit.clock import Clock
from registry.kit.database import Database
from registry.kit.errors import RegistryError
from registry.kit.objects import ObjectStore
from registry.signing.client import SignerClient
from verifier.core.errors import VerifierError

router: Final = APIRouter(prefix="/healthz", tags=["health"])
_NO_STORE: Final = {"Cache-Control": "no-store"}


class Health(StrEnum):
    """Outcome of one check."""

    OK = "ok"
    FAILED = "failed"
    NOT_CONFIGURED = "not_configured"


@dataclass(frozen=True, slots=True)
class Check:
    """Outcome with the stable code of its reason; no details, which would help an attacker."""

    health: Health
    code: str = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Checks that this process can do its work.

    Attributes:
        database: Must answer, with the tables of this program.
        clock: Time of the check.
        signer: Must prove the use of every active key; None where this process does not sign.
        objects: Must answer, and keep versions where it is a bucket. Certificates are issued while
            it is away, and wait to be anchored.
        read_head: Reads the final block of the chain; None where no profile is installed.
    """

    database: Database
    clock: Clock
    signer: SignerClient | None
    objects: ObjectStore
    read_head: Callable[[], object] | None

    def check(self) -> Mapping[str, Check]:
        """Run every check, whatever the others say."""
        return {
            "database": _guarded(self._check_database),
            "queue": _guarded(self._check_queue),
            "signer": _guarded(self._check_signer),
            "objects": _guarded(self._check_objects),
            "chain": _guarded(self._check_chain),
        }

    def _check_database(self) -> Check:
        if schema.current_revision(self.database) != schema.head_revision():
            return Check(Health.FAILED, "schema_outdated")
        return Check(Health.OK)

    def _check_queue(self) -> Check:
        with self.database.read() as session:
            delay = queue_status(session, now=self.clock()).delay
        late = delay >= Delay.ALARM
        return Check(Health.FAILED if late else Health.OK, delay.name.lower())

    def _check_signer(self) -> Check:
        if self.signer is None:
            return Check(Health.NOT_CONFIGURED, "not_configured")
        with self.database.read() as session:
            keys = active_keys(session, at=self.clock())
        for key in keys:
            self.signer.probe(key.public_key)
        return Check(Health.OK)

    def _check_objects(self) -> Check:
        self.objects.probe()
        return Check(Health.OK)

    def _check_chain(self) -> Check:
        if self.read_head is None:
            return Check(Health.NOT_CONFIGURED, "no_profile")
        self.read_head()
        return Check(Health.OK)


@router.get("/live", summary="The process runs")
def live() -> Response:
    """Return 200 for as long as the process answers at all."""
    return Response(orjson.dumps({"status": Health.OK}), headers=_NO_STORE)


@router.get(
    "/ready",
    summary="The process can do its work",
    responses={503: {"description": "At least one part failed."}},
)
def ready(request: Request) -> Response:
    """Return 200 when no part failed, 503 otherwise, with the outcome of each."""
    checks = cast("Readiness", request.app.state.readiness).check()
    failed = any(check.health is Health.FAILED for check in checks.values())
    status = HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK
    body = {
        "status": Health.FAILED if failed else Health.OK,
        "checks": {
            name: {"status": check.health, "code": check.code} for name, check in checks.items()
        },
    }
    return Response(
        orjson.dumps(body),
        status_code=int(status),
        media_type="application/json",
        headers=_NO_STORE,
    )


def _guarded(check: Callable[[], Check]) -> Check:
    try:
        return check()
    except (RegistryError, VerifierError) as error:
        return Check(Health.FAILED, error.code)
    except SQLAlchemyError:
        return Check(Health.FAILED, "database_unavailable")
