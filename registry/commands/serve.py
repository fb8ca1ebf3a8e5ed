"""`lancang serve`: the HTTP application, and beside it anchoring where that is wanted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import click
import uvicorn

from registry.app import create_app
from registry.console import Application, pass_application, plain
from registry.kit.errors import RegistryError
from registry.kit.request_log import log_to_standard_error
from registry.settings import EMBEDDED, Environment
from registry.signing.connect import open_signer
from verifier.chain.embedded import EmbeddedChain
from verifier.core.errors import VerifierError


@click.command("serve")
@click.option("--host", help="Address to listen on; LANCANG_HTTP__HOST.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; LANCANG_HTTP__PORT.")
@click.option(
    "--anchor/--no-anchor",
    default=None,
    help="Anchor what is signed while serving. By default with the embedded chain alone.",
)
@click.option(
    "--sign/--no-sign",
    default=None,
    help="Start a signer of one's own for the desk. By default in a demonstration alone.",
)
@pass_application
def command(
    app: Application,
    host: str | None,
    port: int | None,
    *,
    anchor: bool | None,
    sign: bool | None,
) -> None:
    """Serve API and pages over HTTP until interrupted.

    Starts the embedded chain if the installation uses it. In production logs are JSON lines on
    standard error.
    """
    settings = app.settings
    in_production = settings.environment is Environment.PRODUCTION
    if in_production:
        log_to_standard_error()
    is_embedded = EMBEDDED in settings.chain.rpc_urls
    if is_embedded:
        endpoint = EmbeddedChain(settings.embedded_chain).ensure_running()
        app.err.print(f"development chain at {endpoint.url}")
    if anchor is None:
        anchor = is_embedded and settings.trust_profile.is_file()
    if sign is None:
        sign = not in_production and settings.document_keystore.is_dir()
    own_signer = sign and settings.signer.socket is None
    with (
        _anchoring(app) if anchor else nullcontext(),
        open_signer(settings) if own_signer else nullcontext() as signer,
    ):
        uvicorn.run(
            create_app(settings, signer=signer),
            host=host or settings.http.host,
            port=settings.http.port if port is None else port,
            access_log=False,  # addresses of checkers are nobody's business
            server_header=False,
            log_config=None if in_production else uvicorn.config.LOGGING_CONFIG,
        )


@contextmanager
def _anchoring(app: Application) -> Iterator[None]:
    """Work on the queue in a thread; whatever stops it is told, serving goes on without it."""
    # Imported here: an installation that only serves need not load web3.
    from registry.anchoring.crew import equip  # noqa: PLC0415
    from registry.anchoring.event_log import log_event, log_rounds  # noqa: PLC0415
    from registry.certificates.contents import open_contents  # noqa: PLC0415
    from registry.shift import Shift  # noqa: PLC0415

    contents = open_contents(app.settings, app.database)
    equipment = equip(app.settings, app.database, contents=contents)
    shift = Shift(equipment=equipment, observer=log_event, report=log_rounds)
    stop = threading.Event()

    def work() -> None:
        try:
            shift.work_until(stop)
        except (RegistryError, VerifierError) as error:
            app.err.print(plain(f"anchoring has stopped: {error.code}: {error}"), style="bold red")

    worker = threading.Thread(target=work, name="anchoring")
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()
