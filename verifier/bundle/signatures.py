"""Who vouches for a bundle: an offline key delegates to a short-lived one, which signs.

The delegation window is held against the block time of the bundle. That time is no claim of the
signer that anybody would have to believe: a bundle that pretends to be older than it is goes out of
date with the time that it pretends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is signed: hash and size of a content, and the block of the home chain it is about."""

    digest: bytes
    size: int
    genesis: bytes
    block: int
    block_hash: bytes
    time: int

    @classmethod
    def of(cls, file: BundleFile, bundle: Bundle) -> Self:
        """Return the statement that is true of a bundle."""
        home = bundle.home
        return cls(
            digest=file.digest,
            size=len(file.content),
            genesis=home.genesis,
            block=home.block,
            block_hash=home.block_hash,
            time=home.time,
        )

    def encode(self) -> bytes:
        """Return the payload of the signed message."""
        return dump_cbor(
            [self.digest, self.size, self.genesis, self.block, self.block_hash, self.time]
        )

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """Parse the payload of a signed message."""
        what = "bundle signature"
        items = Items.of_list(parse_cbor(payload, what=what), what)
        statement = cls(
            digest=items.octets(DIGEST_BYTES),
            size=items.integer(),
            genesis=items.octets(DIGEST_BYTES),
            block=items.integer(),
            block_hash=items.octets(DIGEST_BYTES),
            time=items.integer(),
        )
        items.done()
        return statement


@dataclass(frozen=True, slots=True)
class Voucher:
    """A signer of the profile who vouches for a file, by a key of his, and what he says of it."""

    name: str
    key: PublicKey
    statement: Statement


def sign_bundle(file: BundleFile, bundle: Bundle, signer: Signer, delegation: bytes) -> BundleFile:
    """Return a bundle file with one more signature.

    Args:
        file: The file; earlier signatures stay.
        bundle: Its content.
        signer: The key that the delegation names.
        delegation: A signed delegation.
    """
    payload = Statement.of(file, bundle).encode()
    statement = sign1(payload, typ=STATEMENT_TYP, signer=signer).encode()
    return BundleFile(file.content, (*file.signatures, SignaturePair(delegation, statement)))


def check_signatures(file: BundleFile, profile: Profile) -> tuple[Voucher, ...]:
    """Return who vouches for a file, if they are enough for the profile.

    The content is not looked at: what nobody vouches for is not worth the work of reading it. What
    they say about it is compared by `confirm`.

    Raises:
        UntrustedBundleError: `no_signers` when a production profile names none,
            `too_few_signatures` when not enough of them vouch for it.
    """
    if not profile.bundle_signers:
        if profile.demonstration:
            return ()
        message = "the profile names nobody who may sign trust bundles, so it accepts none"
        raise UntrustedBundleError("no_signers", message)
    found: list[Voucher] = []
    problems: list[str] = []
    for pair in file.signatures:
        try:
            found.append(_voucher(pair, file, profile))
        except MalformedEvidenceError as error:
            problems.append(str(error))
    return _enough(found, profile, problems)


def confirm(
    vouchers: Sequence[Voucher], file: BundleFile, bundle: Bundle, profile: Profile
) -> tuple[str, ...]:
    """Return the names of those whose statement is true of the content, if they are enough.

    Raises:
        UntrustedBundleError: `too_few_signatures`.
    """
    if not profile.bundle_signers:
        return ()
    truth = Statement.of(file, bundle)
    confirmed = [each for each in vouchers if each.statement == truth]
    problems = [
        f"bundle signature of {each.name} is about another block"
        for each in vouchers
        if each.statement != truth
    ]
    return tuple(each.name for each in _enough(confirmed, profile, problems))


def _enough(
    found: Sequence[Voucher], profile: Profile, problems: Sequence[str]
) -> tuple[Voucher, ...]:
    """Return vouchers of which every signer and every key counts once, if they are enough.

    Nobody reaches a threshold of two with one key that two people delegated to.
    """
    counted: list[Voucher] = []
    for voucher in found:
        if all(voucher.name != one.name and voucher.key != one.key for one in counted):
            counted.append(voucher)
    if len(counted) < profile.bundle_threshold:
        told = f" ({'; '.join(problems)})" if problems else ""
        message = (
            f"{len(counted)} of the {profile.bundle_threshold} signatures that the profile "
            f"demands hold{told}"
        )
        raise UntrustedBundleError("too_few_signatures", message)
    return tuple(counted)


def _voucher(pair: SignaturePair, file: BundleFile, profile: Profile) -> Voucher:
    """Return who vouches for the file.

    Raises:
        MalformedEvidenceError: This pair does not count; the message says why.
    """
    message = parse_sign1(pair.delegation, typ=DELEGATION_TYP, what="delegation")
    known = (each for each in profile.bundle_signers if each.key.thumbprint() == message.thumbprint)
    signer = next(known, None)
    if signer is None or not message.verify(signer.key):
        raise _refused("is by nobody whom the profile names")
    delegation = Delegation.read(message.payload)
    signed = parse_sign1(pair.statement, typ=STATEMENT_TYP, what="bundle signature")
    if not signed.verify(delegation.key):
        raise _refused(f"of {signer.name} is by another key than his delegation names")
    statement = Statement.read(signed.payload)
    for problem in _problems(delegation, statement, file, profile, signer):
        raise _refused(f"of {signer.name} {problem}")
    return Voucher(signer.name, delegation.key, statement)


def _problems(
    delegation: Delegation,
    statement: Statement,
    file: BundleFile,
    profile: Profile,
    signer: BundleSigner,
) -> Iterator[str]:
    if (statement.digest, statement.size) != (file.digest, len(file.content)):
        yield "is about another bundle"
    genesis = profile.chains[0].genesis
    if not delegation.genesis == statement.genesis == genesis:
        yield "is for another chain"
    if not delegation.since <= statement.time < delegation.until:
        yield "is not for the time of this block"
    if delegation.key in {each.key for each in profile.bundle_signers}:
        yield "is by a key that must stay off line"
    for key in (signer.key, delegation.key):
        if not profile.allows(key.algorithm, at=statement.time):
            yield f"uses {key.algorithm}, which the profile no longer accepts"


def _refused(message: str) -> MalformedEvidenceError:
    return MalformedEvidenceError("bundle signature", message, reason="signature")
