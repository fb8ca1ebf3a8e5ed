"""Who vouches for a bundle: an offline key delegates to a short-lived one, which signs.

The delegation window is held against the block time of the bundle. That time is no claim of the
signer that anybody would have to believe: a bundle that pretends to be older than it is goes out of
date with the time that it pretends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self

from verifier.bundle.file import BundleFile, SignaturePair
from verifier.bundle.items import Items
from verifier.bundle.records import Bundle
from verifier.chain.profile import BundleSigner, Profile
from verifier.core.cose import parse_sign1, sign1
from verifier.core.errors import MalformedEvidenceError, UntrustedBundleError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.keys import TOKEN_ALGORITHMS, Algorithm, PublicKey, Signer
from verifier.core.strict_cbor import dump_cbor, parse_cbor

DELEGATION_TYP: Final = "lancang-delegation+cbor"
STATEMENT_TYP: Final = "lancang-bundle+cbor"
LONGEST_DELEGATION: Final = (
    92 * 24 * 3600
)  # seconds; a quarter: keys that are in use stay short-lived


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A signer lets a key sign bundles of one chain.

    Attributes:
        genesis: Hash of block 0 of the home chain.
        key: May sign.
        since: First block time for which it may, Unix seconds.
        until: First block time for which it no longer may.
    """

    genesis: bytes
    key: PublicKey
    since: int
    until: int

    def __post_init__(self) -> None:
        if not 0 < self.until - self.since <= LONGEST_DELEGATION:
            message = f"must last 1 to {LONGEST_DELEGATION} seconds"
            raise MalformedEvidenceError("delegation", message, reason="value")
        if self.key.algorithm not in TOKEN_ALGORITHMS:
            message = f"must not be to a key for {self.key.algorithm}"
            raise MalformedEvidenceError("delegation", message, reason="algorithm")

    def sign(self, signer: Signer) -> bytes:
        """Return the delegation, signed."""
        payload = dump_cbor(
            [self.genesis, self.key.algorithm.chain_code, self.key.raw, self.since, self.until]
        )
        return sign1(payload, typ=DELEGATION_TYP, signer=signer).encode()

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """Parse the payload of a signed delegation."""
        what = "delegation"
        items = Items.of_list(parse_cbor(payload, what=what), what)
        genesis = items.octets(DIGEST_BYTES)
        algorithm = Algorithm.from_chain_code(items.integer())
        key = PublicKey(algorithm, items.octets())
        delegation = cls(genesis=genesis, key=key, since=items.integer(), until=items.integer())
        items.done()
        return delegation


def sign_bundle(file: BundleFile, bundle: Bundle, signer: Signer, delegation: bytes) -> BundleFile:
    """Return a bundle file with one more signature.

    Args:
        file: The file; earlier signatures stay.
        bundle: Its content.
        signer: The key that the delegation names.
        delegation: A signed delegation.
    """
    statement = sign1(_statement(file, bundle), typ=STATEMENT_TYP, signer=signer).encode()
    return BundleFile(file.content, (*file.signatures, SignaturePair(delegation, statement)))


def check_signatures(file: BundleFile, bundle: Bundle, profile: Profile) -> tuple[str, ...]:
    """Return the names of those who vouch for a bundle, if they are enough for the profile.

    Every signer counts once and so does every key, so that nobody reaches a threshold of two with
    one key that two people delegated to.

    Raises:
        UntrustedBundleError: `no_signers` when a production profile names none,
            `too_few_signatures` when not enough of them vouch for it.
    """
    if not profile.bundle_signers:
        if profile.demonstration:
            return ()
        message = "the profile names nobody who may sign trust bundles, so it accepts none"
        raise UntrustedBundleError("no_signers", message)
    found: dict[PublicKey, str] = {}
    problems: list[str] = []
    signers = {signer.key.thumbprint(): signer for signer in profile.bundle_signers}
    for pair in file.signatures:
        try:
            signer, key = _vouching(pair, file, bundle, profile, signers.values())
        except MalformedEvidenceError as error:
            problems.append(str(error))
            continue
        if key not in found and signer.name not in found.values():
            found[key] = signer.name
    if len(found) < profile.bundle_threshold:
        told = f" ({'; '.join(problems)})" if problems else ""
        message = (
            f"{len(found)} of the {profile.bundle_threshold} signatures that the profile "
            f"demands hold{told}"
        )
        raise UntrustedBundleError("too_few_signatures", message)
    return tuple(found.values())


def _vouching(
    pair: SignaturePair,
    file: BundleFile,
    bundle: Bundle,
    profile: Profile,
    signers: Iterable[BundleSigner],
) -> tuple[BundleSigner, PublicKey]:
    """Return who vouches for the bundle and with which key.

    Raises:
        MalformedEvidenceError: This pair does not count; the message says why.
    """
    message = parse_sign1(pair.delegation, typ=DELEGATION_TYP, what="delegation")
    known = (each for each in signers if each.key.thumbprint() == message.thumbprint)
    signer = next(known, None)
    if signer is None or not message.verify(signer.key):
        raise _refused("is by nobody whom the profile names")
    delegation = Delegation.read(message.payload)
    for problem in _problems(delegation, bundle, profile, signer):
        raise _refused(problem)
    statement = parse_sign1(pair.statement, typ=STATEMENT_TYP, what="bundle signature")
    if not statement.verify(delegation.key) or statement.payload != _statement(file, bundle):
        raise _refused(f"of {signer.name} is about another bundle or by another key")
    return signer, delegation.key


def _problems(
    delegation: Delegation, bundle: Bundle, profile: Profile, signer: BundleSigner
) -> Iterator[str]:
    home = bundle.home
    if delegation.genesis != home.genesis:
        yield f"of {signer.name} is for another chain"
    if not delegation.since <= home.time < delegation.until:
        yield f"of {signer.name} is not for the time of this block"
    if delegation.key in {each.key for each in profile.bundle_signers}:
        yield f"of {signer.name} is to a key that must stay off line"
    for key in (signer.key, delegation.key):
        if not profile.allows(key.algorithm, at=home.time):
            yield f"of {signer.name} uses {key.algorithm}, which the profile no longer accepts"


def _statement(file: BundleFile, bundle: Bundle) -> bytes:
    """Return what is signed: hash and size of the content, and which block it is about."""
    home = bundle.home
    return dump_cbor(
        [file.digest, len(file.content), home.genesis, home.block, home.block_hash, home.time]
    )


def _refused(message: str) -> MalformedEvidenceError:
    return MalformedEvidenceError("bundle signature", message, reason="signature")
