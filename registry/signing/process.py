"""The signer process. Private keys are opened here, and in no other process."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import click

from registry.kit.clock import system_clock
from registry.kit.errors import RegistryError
from registry.settings import Settings, load_settings
from registry.signing.connect import READY
from registry.signing.errors import SignerUnavailableError
from registry.signing.keystore import Keystore
from registry.signing.passphrase import make_demonstration_passphrase, read_passphrase
from registry.signing.server import SignerServer, SigningDesk, protect_process


def serve(
    settings: Settings,
    path: Path,
    *,
    may_generate: bool,
    allowed_users: frozenset[int] = frozenset(),
) -> SignerServer:
    """Open the keystore and bind the socket; the caller runs `serve_forever` and closes.

    A signer that may generate makes the keystore if there is none.

    Raises:
        KeystoreLockedError: The passphrase is missing or wrong.
        KeystoreDamagedError: The keystore is missing or malformed.
        SignerUnavailableError: The socket cannot be bound.
    """
    protect_process()
    if may_generate and not Keystore.exists(settings.document_keystore):
        make_demonstration_passphrase(settings)
        keystore = Keystore.create(settings.document_keystore, read_passphrase(settings))
    else:
        keystore = Keystore.open(settings.document_keystore, read_passphrase(settings))
    desk = SigningDesk(keystore, clock=system_clock, may_generate=may_generate)
    try:
        return SignerServer(path, desk, allowed_users=allowed_users | {os.getuid()})
    except OSError as error:
        raise SignerUnavailableError(f"cannot listen on {path}: {error.strerror}") from error


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--may-generate", is_flag=True)
def main(path: Path, *, may_generate: bool) -> None:
    """Serve on PATH until standard input closes."""
    try:
        server = serve(load_settings(), path, may_generate=may_generate)
    except RegistryError as error:
        click.echo(f"{error.code}: {error}", err=True)
        sys.exit(1)
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        sys.stdin.buffer.read()
        server.shutdown()


if __name__ == "__main__":
    main()
