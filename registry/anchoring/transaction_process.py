"""The transaction signer's process. Transaction keys are opened here, and in no other process."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from registry.anchoring.errors import NotDeployedError
from registry.anchoring.passphrase import passphrase_path
from registry.anchoring.transaction_desk import TransactionDesk
from registry.anchoring.transaction_keys import read_passphrase
from registry.anchoring.transaction_rules import Bounds
from registry.anchoring.transaction_vault import AccountVault, KeystoreVault
from registry.kit.clock import system_clock
from registry.kit.errors import RegistryError
from registry.settings import DEVELOPMENT_CHAIN_IDS, Environment, Settings, load_settings
from registry.signing.children import serve_until_input_ends
from registry.signing.listening import protect_process
from verifier.chain.contracts import CERTIFICATE_LEDGER, TRUST_REGISTRY
from verifier.chain.profile import load_profile


def bounds_of(settings: Settings) -> Bounds:
    """Return where the accounts may act now.

    The contracts are those that the settings name, otherwise those of every generation in the trust
    profile. A demonstration that has neither is being founded, on a development chain.

    Raises:
        NotDeployedError: There is neither, and this is no demonstration.
        UntrustedProfileError: The trust profile cannot be used.
    """
    chain = settings.chain
    budget = chain.account_daily_budget
    path = settings.trust_profile
    pinned = load_profile(path).chains[0] if path.exists() else None
    if chain.trust_registry is not None and chain.certificate_ledger is not None:
        contracts = {
            TRUST_REGISTRY: frozenset({chain.trust_registry.lower()}),
            CERTIFICATE_LEDGER: frozenset({chain.certificate_ledger.lower()}),
        }
    elif pinned is not None:
        generations = pinned.generations
        contracts = {
            TRUST_REGISTRY: frozenset(each.trust_registry.address for each in generations),
            CERTIFICATE_LEDGER: frozenset(each.certificate_ledger.address for each in generations),
        }
    elif settings.environment is Environment.DEMONSTRATION:
        return Bounds(chain_ids=DEVELOPMENT_CHAIN_IDS, contracts=None, daily_budget=budget)
    else:
        raise NotDeployedError("neither settings nor trust profile name the contracts")
    known = {chain.chain_id, None if pinned is None else pinned.chain_id} - {None}
    chain_ids = {chain.chain_id} if chain.chain_id is not None else known
    return Bounds(
        chain_ids=frozenset(each for each in chain_ids or DEVELOPMENT_CHAIN_IDS if each),
        contracts=contracts,
        daily_budget=budget,
    )


def open_transaction_desk(settings: Settings, *, may_generate: bool) -> TransactionDesk:
    """Open the transaction keys behind a desk; from here on the process is protected.

    Raises:
        KeystoreError: There is no usable passphrase.
        KeystoreLockedError: The PIN does not open the token.
        SignerUnavailableError: The token does not answer.
    """
    protect_process()
    passphrase = read_passphrase(passphrase_path(settings))
    vaults: list[AccountVault] = [KeystoreVault(settings.transaction_keystore, passphrase)]
    if settings.chain.pkcs11 is not None:
        # Imported here: only installations with a token have the library.
        from registry.anchoring.transaction_token import TokenAccountVault  # noqa: PLC0415
        from registry.signing.pkcs11_token import Token  # noqa: PLC0415

        pin = passphrase.get_secret_value().encode()
        vaults.insert(0, TokenAccountVault(Token(settings.chain.pkcs11, pin)))
    for vault in vaults:
        vault.accounts()
    return TransactionDesk(
        vaults,
        bounds=lambda: bounds_of(settings),
        clock=system_clock,
        may_generate=may_generate,
    )


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--may-generate", is_flag=True)
def main(path: Path, *, may_generate: bool) -> None:
    """Serve on PATH until standard input closes."""
    try:
        desk = open_transaction_desk(load_settings(), may_generate=may_generate)
    except RegistryError as error:
        click.echo(f"{error.code}: {error}", err=True)
        sys.exit(1)
    serve_until_input_ends(path, desk)


if __name__ == "__main__":
    main()
