"""The signer process. Private keys are opened here, and in no other process."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from registry.kit.clock import system_clock
from registry.kit.errors import RegistryError
from registry.settings import Settings, load_settings
from registry.signing.children import serve_until_input_ends
from registry.signing.keystore import Keystore
from registry.signing.listening import protect_process
from registry.signing.passphrase import make_demonstration_passphrase, read_passphrase
from registry.signing.server import SigningDesk
from registry.signing.vault import KeyVault


def open_vault(settings: Settings, *, may_generate: bool) -> KeyVault:
    """Open the keystore or token of the settings.

    A signer that may generate makes the keystore if there is none.

    Raises:
        KeystoreLockedError: The passphrase is missing or wrong.
        KeystoreDamagedError: The keystore is missing or malformed.
        SignerUnavailableError: The token does not answer.
    """
    if settings.signer.pkcs11 is not None:
        # Imported here: only installations with a token have the library.
        from registry.signing.pkcs11_vault import Pkcs11Vault  # noqa: PLC0415

        return Pkcs11Vault.open(settings.signer.pkcs11, read_passphrase(settings))
    if may_generate and not Keystore.exists(settings.document_keystore):
        make_demonstration_passphrase(settings)
        return Keystore.create(settings.document_keystore, read_passphrase(settings))
    return Keystore.open(settings.document_keystore, read_passphrase(settings))


def open_desk(settings: Settings, *, may_generate: bool) -> SigningDesk:
    """Open the keys of the settings behind a desk; from here on the process is protected.

    Raises:
        RegistryError: As `open_vault`.
    """
    protect_process()
    vault = open_vault(settings, may_generate=may_generate)
    return SigningDesk(vault, clock=system_clock, may_generate=may_generate)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--may-generate", is_flag=True)
def main(path: Path, *, may_generate: bool) -> None:
    """Serve on PATH until standard input closes."""
    try:
        desk = open_desk(load_settings(), may_generate=may_generate)
    except RegistryError as error:
        click.echo(f"{error.code}: {error}", err=True)
        sys.exit(1)
    serve_until_input_ends(path, desk)


if __name__ == "__main__":
    main()
