"""Reaching the document signer: the configured one, or a child for as long as a command runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry.settings import Settings
from registry.signing.channel import Channel, mutual_tls, unix_socket
from registry.signing.children import signer_child
from registry.signing.client import SignerClient


def configured_signer(settings: Settings) -> SignerClient | None:
    """Return a client of the signer that the settings say is running, None where they do not."""
    signer = settings.signer
    if signer.tls is not None:
        return SignerClient(Channel(mutual_tls(signer.tls, timeout=signer.timeout)))
    if signer.socket is not None:
        return SignerClient(Channel(unix_socket(signer.socket, timeout=signer.timeout)))
    return None


@contextmanager
def open_signer(settings: Settings, *, may_generate: bool = False) -> Iterator[SignerClient]:
    """Yield a client of the configured signer, or of a child started for this purpose.

    Raises:
        KeystoreLockedError: The passphrase is missing or wrong.
        KeystoreDamagedError: The keystore is missing or malformed.
        SignerUnavailableError: The child did not start for another reason.
    """
    client = configured_signer(settings)
    if client is not None:
        try:
            yield client
        finally:
            client.close()
        return
    child = signer_child(
        "registry.signing.process",
        options=["--may-generate"] if may_generate else [],
        environment=_environment(settings),
        timeout=settings.signer.timeout,
    )
    with child as channel:
        yield SignerClient(channel)


def _environment(settings: Settings) -> dict[str, str]:
    """Return the child's environment: what the keys need, nothing about database or chain."""
    signer = settings.signer
    environment = {
        "LANCANG_HOME": str(settings.home.absolute()),
        "LANCANG_SIGNER__KEYSTORE": str(settings.document_keystore.absolute()),
    }
    if signer.passphrase_file is not None:
        environment["LANCANG_SIGNER__PASSPHRASE_FILE"] = str(signer.passphrase_file.absolute())
    if signer.passphrase is not None:
        environment["LANCANG_SIGNER__PASSPHRASE"] = signer.passphrase.get_secret_value()
    if signer.pkcs11 is not None:
        environment["LANCANG_SIGNER__PKCS11__MODULE"] = str(signer.pkcs11.module.absolute())
        environment["LANCANG_SIGNER__PKCS11__TOKEN"] = signer.pkcs11.token
    return environment
