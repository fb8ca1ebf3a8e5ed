"""`lancang profile`: what a trust profile says, and the fingerprint to compare over the phone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from registry.console import Application, pass_application, plain
from verifier.chain.chain_profile import ChainProfile
from verifier.chain.profile import Profile, load_profile

_file = click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@click.group("profile")
def command() -> None:
    """Show trust profiles. FILE is by default the profile of this installation.

    Whoever installs a profile for the first time compares its fingerprint with the publisher over
    a second channel, such as the telephone.
    """


@command.command("fingerprint")
@_file
@pass_application
def fingerprint(app: Application, file: Path | None) -> None:
    """Print the fingerprint: eight groups of four digits, then all of it."""
    profile = load_profile(file or app.settings.trust_profile)
    app.out.print(profile.printed_fingerprint())
    app.out.print(profile.fingerprint())


@command.command("show")
@_file
@pass_application
def show(app: Application, file: Path | None) -> None:
    """Print what the profile trusts."""
    profile = load_profile(file or app.settings.trust_profile)
    app.out.print(plain(f"{profile.name} (for {profile.kind})"), style="bold")
    app.out.print(f"fingerprint  {profile.printed_fingerprint()}")
    for party in profile.parties:
        app.out.print(plain(f"party        {party.party} ({party.country})"))
    for chain in profile.chains:
        for line in _chain_lines(chain):
            app.out.print(plain(line))
    for line in _algorithm_lines(profile):
        app.out.print(plain(line))
    signers = ", ".join(signer.name for signer in profile.bundle_signers) or "nobody"
    app.out.print(plain(f"bundles      signed by {profile.bundle_threshold} of: {signers}"))


def _chain_lines(chain: ChainProfile) -> list[str]:
    finality = chain.finality
    rule = str(finality.rule) if finality.depth is None else f"{finality.rule} {finality.depth}"
    lines = [
        f"chain        {chain.chain_id}, final by rule {rule}, "
        f"head at most {chain.max_head_age_seconds} s old"
    ]
    for generation in chain.generations:
        until = "on" if generation.until_block is None else f"to {generation.until_block}"
        lines.append(f"  contracts  from block {generation.from_block} {until}")
        lines.append(f"             trust registry {generation.trust_registry.address}")
        lines.append(f"             certificate ledger {generation.certificate_ledger.address}")
    lines.append(f"  nodes      {chain.quorum} must agree of:")
    lines += [f"             {each.url} ({each.operator})" for each in chain.endpoints]
    return lines


def _algorithm_lines(profile: Profile) -> list[str]:
    return [
        f"algorithm    {algorithm}"
        + ("" if cut_off is None else f", until {datetime.fromtimestamp(cut_off, UTC):%Y-%m-%d}")
        for algorithm, cut_off in profile.algorithms
    ]
