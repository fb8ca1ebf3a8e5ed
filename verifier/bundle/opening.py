"""From a file to a bundle that may be used under the checker's profile."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.bundle.content import decode_content
from verifier.bundle.file import BundleFile, parse_bundle_file
from verifier.bundle.records import Bundle, ChainRecord, GenerationRecord
from verifier.bundle.signatures import check_signatures, confirm
from verifier.chain.chain_profile import ChainProfile, Generation
from verifier.chain.profile import Profile
from verifier.core.errors import UntrustedBundleError


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedBundle:
    """A bundle that the profile accepts.

    Attributes:
        bundle: Its content.
        file: The file that it came in.
        signers: Names of those who vouch for it; none under a demonstration profile without any.
    """

    bundle: Bundle
    file: BundleFile
    signers: tuple[str, ...]


def open_bundle(data: bytes, profile: Profile) -> OpenedBundle:
    """Parse a bundle file and accept it under a profile. Its age is judged when it is asked.

    Raises:
        MalformedEvidenceError: It breaks the format.
        UntrustedBundleError: As `accept_bundle`.
    """
    return accept_bundle(parse_bundle_file(data), profile)


def accept_bundle(file: BundleFile, profile: Profile) -> OpenedBundle:
    """Accept an unpacked bundle file under a profile.

    Raises:
        MalformedEvidenceError: Its content breaks the format.
        UntrustedBundleError: It is about other chains or contracts (`other_contracts`), or as
            `check_signatures`.
    """
    vouchers = check_signatures(file, profile)
    bundle = decode_content(file.content)
    check_contracts(bundle, profile)
    signers = confirm(vouchers, file, bundle, profile)
    return OpenedBundle(bundle=bundle, file=file, signers=signers)


def check_contracts(bundle: Bundle, profile: Profile) -> None:
    """Refuse a bundle that is not about exactly the chains and contracts of a profile.

    Raises:
        UntrustedBundleError: `other_contracts`.
    """
    ours = [(chain.chain_id, chain.genesis) for chain in profile.chains]
    theirs = [(chain.chain_id, chain.genesis) for chain in bundle.chains]
    if ours != theirs:
        raise UntrustedBundleError("other_contracts", "it is about other chains than the profile")
    for chain, record in zip(profile.chains, bundle.chains, strict=True):
        begun = [each for each in chain.generations if each.from_block <= record.block]
        expected = [_pinned(each, record) for each in begun]
        if expected != [_recorded(each) for each in record.generations]:
            message = f"chain {chain.chain_id}: it is about other contracts than the profile"
            raise UntrustedBundleError("other_contracts", message)
    _check_covered(profile.chains[0], bundle.home)


def _check_covered(chain: ChainProfile, record: ChainRecord) -> None:
    if not any(generation.covers(record.block) for generation in chain.generations):
        message = f"the profile names no contracts for its block {record.block}"
        raise UntrustedBundleError("other_contracts", message)


def ended(generation: Generation, block: int) -> int | None:
    """Return the end of a generation if it was over at a block; a planned one is none yet."""
    until = generation.until_block
    return until if until is not None and until <= block else None


def _pinned(generation: Generation, record: ChainRecord) -> tuple[object, ...]:
    registry, ledger = generation.trust_registry, generation.certificate_ledger
    return (
        generation.from_block,
        ended(generation, record.block),
        (registry.address, registry.code_hash),
        (ledger.address, ledger.code_hash),
    )


def _recorded(generation: GenerationRecord) -> tuple[object, ...]:
    registry, ledger = generation.registry, generation.ledger
    return (
        generation.from_block,
        generation.until_block,
        (registry.address, registry.code_hash),
        (ledger.address, ledger.code_hash),
    )
