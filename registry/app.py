"""The composition root of the HTTP application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Final

from fastapi import FastAPI

from registry import health, metrics_page
from registry.access.connect import open_gate
from registry.access.router import router as access_router
from registry.anchoring.router import router as anchoring_router
from registry.anchoring.trees import TreeShelf
from registry.authority.router import router as authority_router
from registry.authority.service import Authority
from registry.bundles.router import router as bundles_router
from registry.bundles.service import BundleShelf
from registry.certificates.cold_contents import attach_object_store
from registry.certificates.print_jobs import open_print_shop
from registry.certificates.router import router as receipts_router
from registry.health import Readiness
from registry.http_limits import allowances_of, limit_of
from registry.kit import problems
from registry.kit.body_limit import BodyLimit
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.kit.metrics import Metrics
from registry.kit.rate_limit import RateLimit
from registry.kit.request_log import RequestLog
from registry.laboratory.requests_router import router as requests_router
from registry.laboratory.router import router as laboratory_router
from registry.laboratory.service import Laboratory
from registry.laboratory.submissions import router as submissions_router
from registry.object_store import open_object_store
from registry.people.router import router as people_router
from registry.settings import Settings
from registry.signing.client import SignerClient
from registry.signing.connect import configured_signer
from registry.standards.router import router as standards_router
from registry.status_lists.router import router as status_lists_router
from registry.status_lists.service import OpenLedger, StatusLists
from registry.tenant_directory import RegisteredTenants
from registry.trusted_chain import reachable
from registry.verifications.router import router as verifications_router
from registry.verifications.service import OpenSource, StoredReceipts, Verifications
from registry.web import (
    bodies,
    certificate_pages,
    conformity_pages,
    desk,
    pages,
    printing_pages,
    reconciliation_page,
    requests_pages,
    sign_in,
    standards_pages,
    verify,
)
from verifier.chain.profile import Profile, load_profile
from verifier.chain.source import RpcTrustSource
from verifier.checks.facts import TrustSource

TITLE: Final = "Lancang"


def create_app(
    settings: Settings,
    *,
    clock: Clock = system_clock,
    open_source: OpenSource | None = None,
    signer: SignerClient | None = None,
) -> FastAPI:
    """Build the application of one installation.

    Args:
        settings: The installation.
        clock: Time of checks.
        open_source: Replaces the chain, for tests.
        signer: A signer that the caller opened and closes; None for the configured one.

    Raises:
        UntrustedProfileError: The installed trust profile is malformed or not allowed.
    """
    database = Database(settings.database)
    attach_object_store(database, settings)
    objects = open_object_store(settings)
    trees = TreeShelf(objects)
    profile = load_profile(settings.trust_profile) if settings.trust_profile.is_file() else None
    source = open_source or _chain_of(settings)
    configured = None if signer is not None else configured_signer(settings)
    signer = signer or configured
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        print_shop.close()
        database.dispose()
        if configured is not None:
            configured.close()

    app = FastAPI(title=TITLE, version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.database = database
    app.state.trees = trees
    app.state.bundles = BundleShelf.of(settings)
    app.state.gate = open_gate(settings, database, clock=clock)
    app.state.tenants = RegisteredTenants()
    app.state.verifications = Verifications(
        profile=profile, open_source=source, receipts=StoredReceipts(database, trees)
    )
    app.state.status_lists = StatusLists(
        database=database,
        open_ledger=None if profile is None else _ledger_opener(settings, profile, clock),
        signer=signer,
        clock=clock,
    )
    app.state.metrics = metrics
    app.state.authority = Authority(database=database, clock=clock)
    app.state.laboratory = Laboratory(
        database=database,
        trees=trees,
        verifier_host=settings.verifier_host,
        signer=signer,
        clock=clock,
    )
    app.state.print_shop = print_shop = open_print_shop(settings, database, trees, clock)
    app.state.readiness = Readiness(
        database=database,
        clock=clock,
        signer=signer,
        objects=objects,
        read_head=None if profile is None else _head_reader(profile, source, clock),
    )
    problems.install(app)
    pages.install(app)
    app.add_middleware(BodyLimit, limit_of=limit_of)
    allowances = allowances_of(settings.http)
    app.add_middleware(RateLimit, allowances=allowances, metrics=metrics)
    app.add_middleware(RequestLog, metrics=metrics)  # added last: sees every answer
    for router in (
        health.router,
        metrics_page.router,
        access_router,
        anchoring_router,
        people_router,
        authority_router,
        laboratory_router,
        submissions_router,
        requests_router,
        receipts_router,
        verifications_router,
        bundles_router,
        status_lists_router,
        verify.router,
        sign_in.router,
        bodies.router,
        printing_pages.router,
        desk.router,
        certificate_pages.router,
        requests_pages.router,
        reconciliation_page.router,
        standards_router,
        standards_pages.router,
        conformity_pages.router,
    ):
        app.include_router(router)
    return app


def _chain_of(settings: Settings) -> OpenSource:
    """Return how to reach the chain of a profile; the embedded one is started if need be."""

    def open_source(
        profile: Profile, *, now: int, history: bool
    ) -> AbstractContextManager[TrustSource]:
        return RpcTrustSource(reachable(settings, profile), now=now, history=history)

    return open_source


def _ledger_opener(settings: Settings, profile: Profile, clock: Clock) -> OpenLedger:
    """Return how to read the ledger of a profile for publishing."""
    return lambda: RpcTrustSource(reachable(settings, profile), now=int(clock().timestamp()))


def _head_reader(profile: Profile, open_source: OpenSource, clock: Clock) -> Callable[[], object]:
    def read_head() -> object:
        now = int(clock().timestamp())
        with open_source(profile, now=now, history=False) as source:
            return source.head()

    return read_head
