"""`lancang serve`: the HTTP application."""

from __future__ import annotations

import click
import uvicorn

from registry.app import create_app
from registry.console import Application, pass_application
from registry.settings import EMBEDDED
from verifier.chain.embedded import EmbeddedChain


@click.command("serve")
@click.option("--host", help="Address to listen on; LANCANG_HTTP__HOST.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; LANCANG_HTTP__PORT.")
@pass_application
def command(app: Application, host: str | None, port: int | None) -> None:
    """Serve receipts and verifications over HTTP until interrupted.

    Starts the embedded chain if the installation uses it.
    """
    settings = app.settings
    if EMBEDDED in settings.chain.rpc_urls:
        endpoint = EmbeddedChain(settings.embedded_chain).ensure_running()
        app.err.print(f"development chain at {endpoint.url}")
    uvicorn.run(
        create_app(settings),
        host=host or settings.http.host,
        port=settings.http.port if port is None else port,
        access_log=False,  # addresses of checkers are nobody's business
        server_header=False,
    )
