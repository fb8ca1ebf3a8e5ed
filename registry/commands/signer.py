"""`lancang signer`: the processes that hold private keys."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import click

from registry.console import Application, pass_application
from registry.kit.errors import UnavailableError
from registry.settings import MutualTls
from registry.signing.listening import Desk, SignerServer, TlsSignerServer


class CannotListenError(UnavailableError):
    """The socket or port of a signer cannot be bound, or its certificate cannot be used."""

    code = "signer_cannot_listen"


@click.command("signer")
@click.option(
    "--transactions",
    is_flag=True,
    help="Hold the transaction keys instead of the document keys; a process of its own.",
)
@click.option("--socket", "path", type=click.Path(path_type=Path), help="Where to listen.")
@click.option("--may-generate", is_flag=True, help="Allow new keys to be made (a ceremony).")
@click.option("--allow-user", "users", type=int, multiple=True, help="User id that may connect.")
@pass_application
def command(
    app: Application,
    *,
    path: Path | None,
    users: tuple[int, ...],
    transactions: bool,
    may_generate: bool,
) -> None:
    """Hold private keys and sign for the registry, until interrupted.

    Document keys are held by one process and transaction keys by another. Each listens on
    --socket, on the socket of the settings, or over mutual TLS where the settings say so, and
    unlocks its keys with the first line of its own passphrase file. On a socket only processes of
    the same user, and of users named with --allow-user, are answered.
    """
    settings = app.settings
    configured = settings.chain.signer_socket if transactions else settings.signer.socket
    tls = settings.chain.signer_tls if transactions else settings.signer.tls
    path = path or (None if tls else configured)
    if path is None and tls is None:
        raise click.UsageError("give --socket, or set where the signer listens")
    desk = _desk(app, transactions=transactions, may_generate=may_generate)
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda _signal, _frame: stop.set())
    with _listen(desk, path, tls, users) as server:
        thread = threading.Thread(target=server.serve_forever, name="signer")
        thread.start()
        try:
            app.err.print(f"signer listens on {path or server.server_address}")
            stop.wait()
        finally:  # a reader of that line may be gone, and a server without its socket never ends
            server.shutdown()
            thread.join()
            if path is not None:
                path.unlink(missing_ok=True)


def _desk(app: Application, *, transactions: bool, may_generate: bool) -> Desk:
    # Imported here: no other command may load code that opens private keys.
    if transactions:
        from registry.anchoring.transaction_process import open_transaction_desk  # noqa: PLC0415

        return open_transaction_desk(app.settings, may_generate=may_generate)
    from registry.signing.process import open_desk  # noqa: PLC0415

    return open_desk(app.settings, may_generate=may_generate)


def _listen(
    desk: Desk, path: Path | None, tls: MutualTls | None, users: tuple[int, ...]
) -> SignerServer | TlsSignerServer:
    try:
        if path is None and tls is not None:
            return TlsSignerServer(tls, desk)
        if path is None:
            raise click.UsageError("give --socket, or set where the signer listens")
        path.unlink(missing_ok=True)
        return SignerServer(path, desk, allowed_users=frozenset(users) | {os.getuid()})
    except OSError as error:
        raise CannotListenError(f"the signer cannot listen: {error}") from error
