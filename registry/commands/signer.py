"""`lancang signer`: the process that holds the document keys."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType

import click

from registry.console import Application, pass_application


@click.command("signer")
@click.option("--socket", "path", type=click.Path(path_type=Path), help="Where to listen.")
@click.option("--may-generate", is_flag=True, help="Allow new keys to be made (a ceremony).")
@click.option("--allow-user", "users", type=int, multiple=True, help="User id that may connect.")
@pass_application
def command(
    app: Application, path: Path | None, users: tuple[int, ...], *, may_generate: bool
) -> None:
    """Hold the document keys and sign for the registry, until interrupted.

    Listens on --socket or LANCANG_SIGNER__SOCKET. The passphrase is the first line of
    LANCANG_SIGNER__PASSPHRASE_FILE. Only processes of the same user, and of users named with
    --allow-user, are answered.
    """
    # Imported here: no other command may load code that opens private keys.
    from registry.signing.process import serve  # noqa: PLC0415

    path = path or app.settings.signer.socket
    if path is None:
        raise click.UsageError("give --socket or set LANCANG_SIGNER__SOCKET")
    path.unlink(missing_ok=True)
    with serve(
        app.settings, path, may_generate=may_generate, allowed_users=frozenset(users)
    ) as server:
        signal.signal(signal.SIGTERM, _interrupt)
        app.err.print(f"signer listens on {path}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            app.err.print("signer stops")
        finally:
            path.unlink(missing_ok=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
