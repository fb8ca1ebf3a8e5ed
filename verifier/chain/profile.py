"""The trust profile: what a checker decided to trust (docs/schemas/profile.schema.json).

Everything that a verdict rests on is named here: chains with their genesis block, contracts with
the hash of their code, endpoints with their operators, parties, algorithms. Nothing in a
certificate, a receipt or a registry's answer can add to it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from verifier.chain.chain_profile import ChainProfile, check_chain, read_chain
from verifier.chain.endpoint import Endpoint, authority
from verifier.core.errors import MalformedEvidenceError, UntrustedProfileError
from verifier.core.ids import check_party
from verifier.core.json_members import Members
from verifier.core.keys import TOKEN_ALGORITHMS, Algorithm, PublicKey
from verifier.core.limits import MAX_DOCUMENT_BYTES
from verifier.core.strict_json import canonical_json, parse_json_object

PROFILE_VERSION: Final = 1
MAX_CHAINS: Final = 8
_FINGERPRINT_GROUPS: Final = 8  # 128 bits are what two people can compare by voice
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_NAME: Final = re.compile(r"\S(.*\S)?")


class ProfileKind(StrEnum):
    """What a profile is for; a demonstration marks every verdict as one."""

    PRODUCTION = "production"
    DEMONSTRATION = "demonstration"


@dataclass(frozen=True, slots=True)
class TrustedParty:
    """A party that the checker trusts, with its country (ISO 3166-1 alpha-2)."""

    party: str
    country: str


@dataclass(frozen=True, slots=True)
class BundleSigner:
    """Somebody who may sign offline trust bundles."""

    name: str
    key: PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A checked trust profile.

    Attributes:
        name: For people.
        kind: Production or demonstration.
        chains: The first is the home, whose final block is the head of a verification. Facts are
            looked up on all of them.
        parties: Those that are trusted, and no others.
        bundle_signers: Keys that may sign a trust bundle.
        bundle_threshold: How many of them must.
        algorithms: Allowed algorithms, each with the Unix time from which its signatures count
            no more, None for no such time.
        document: The profile as RFC 8785 JSON, as it was read; the fingerprint covers it.
    """

    name: str
    kind: ProfileKind
    chains: tuple[ChainProfile, ...]
    parties: tuple[TrustedParty, ...]
    bundle_signers: tuple[BundleSigner, ...]
    bundle_threshold: int
    algorithms: tuple[tuple[Algorithm, int | None], ...]
    document: bytes

    @property
    def demonstration(self) -> bool:
        """Whether the profile is for demonstration."""
        return self.kind is ProfileKind.DEMONSTRATION

    def fingerprint(self) -> str:
        """Return SHA-256 over the canonical document as 64 lower-case hexadecimal digits."""
        return hashlib.sha256(self.document).hexdigest()

    def printed_fingerprint(self) -> str:
        """Return the first 128 bits of the fingerprint as 8 groups of 4 hexadecimal digits."""
        digits = self.fingerprint()
        return " ".join(digits[4 * group : 4 * group + 4] for group in range(_FINGERPRINT_GROUPS))

    def country_of(self, party: str) -> str | None:
        """Return the country of a trusted party, None for a party that is not trusted."""
        return next((known.country for known in self.parties if known.party == party), None)

    def allows(self, algorithm: Algorithm, *, at: int) -> bool:
        """Tell whether a signature with this algorithm counts at a moment.

        Args:
            algorithm: That of the registered key.
            at: Unix time that proves the signature, which is that of its anchor.
        """
        return any(
            name is algorithm and (cut_off is None or at < cut_off)
            for name, cut_off in self.algorithms
        )

    def with_endpoints(self, urls: Sequence[str], *, quorum: int | None = None) -> Profile:
        """Return the profile with other endpoints for its only chain.

        Host and port stand for the operator, so two URLs on one server are one witness. The
        fingerprint stays that of the installed document.

        Args:
            urls: What to ask instead; empty keeps the endpoints of the profile.
            quorum: How many operators must agree, None for the number in the profile.

        Raises:
            UntrustedProfileError: The profile has several chains, a URL may not be asked, or the
                rules for the profile's kind would be broken.
        """
        if len(self.chains) != 1:
            raise UntrustedProfileError(
                "endpoints can only be given for a profile with one chain; "
                f"{self.name!r} has {len(self.chains)}"
            )
        chain = self.chains[0]
        endpoints = tuple(Endpoint(url, authority(url)) for url in urls) or chain.endpoints
        agreeing = chain.quorum if quorum is None else quorum
        changed = replace(self, chains=(replace(chain, endpoints=endpoints, quorum=agreeing),))
        _check_rules(changed)
        return changed


def parse_profile(data: bytes) -> Profile:
    """Parse and check a trust profile.

    Raises:
        UntrustedProfileError: It is malformed or breaks the rules for its kind.
    """
    try:
        document = parse_json_object(data, what="profile")
        profile = _read(Members(document, "profile"), canonical_json(document))
    except MalformedEvidenceError as error:
        raise UntrustedProfileError(str(error)) from error
    _check_rules(profile)
    return profile


def load_profile(path: Path) -> Profile:
    """Read a trust profile from a file.

    Raises:
        UntrustedProfileError: As `parse_profile`, or the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise UntrustedProfileError(f"profile {path}: {error.strerror or error}") from error
    return parse_profile(data)


def _read(members: Members, document: bytes) -> Profile:
    members.expect(
        "profile",
        "name",
        "kind",
        "chains",
        "parties",
        "bundle_signers",
        "bundle_threshold",
        "algorithms",
    )
    members.integer("profile", least=PROFILE_VERSION, most=PROFILE_VERSION)
    kinds = re.compile("|".join(kind.value for kind in ProfileKind))
    return Profile(
        name=members.text("name", pattern=_NAME, longest=128),
        kind=ProfileKind(members.text("kind", pattern=kinds)),
        chains=tuple(map(read_chain, members.children("chains"))),
        parties=tuple(map(_party, members.children("parties"))),
        bundle_signers=tuple(map(_bundle_signer, members.children("bundle_signers"))),
        bundle_threshold=members.integer("bundle_threshold", most=64),
        algorithms=_algorithms(members.child("algorithms")),
        document=document,
    )


def _party(members: Members) -> TrustedParty:
    members.expect("id", "country")
    return TrustedParty(check_party(members.text("id")), members.text("country", pattern=_COUNTRY))


def _bundle_signer(members: Members) -> BundleSigner:
    members.expect("name", "jwk")
    key = PublicKey.from_jwk(members.child("jwk").value)
    if key.algorithm not in TOKEN_ALGORITHMS:
        raise members.malformed("jwk", f"must be no {key.algorithm} key", reason="algorithm")
    return BundleSigner(members.text("name", pattern=_NAME, longest=128), key)


def _algorithms(members: Members) -> tuple[tuple[Algorithm, int | None], ...]:
    known = {algorithm.value for algorithm in Algorithm}
    for name in members.value:
        if name not in known:
            raise members.malformed(name, "is an unknown algorithm", reason="members")
    return tuple(
        (Algorithm(name), None if cut_off is None else members.integer(name))
        for name, cut_off in sorted(members.value.items())
    )


def _check_rules(profile: Profile) -> None:
    production = profile.kind is ProfileKind.PRODUCTION
    if not 1 <= len(profile.chains) <= MAX_CHAINS:
        raise UntrustedProfileError(f"a profile must name 1 to {MAX_CHAINS} chains")
    for chain in profile.chains:
        check_chain(chain, production=production)
    _check_distinct("chain", (chain.chain_id for chain in profile.chains))
    _check_distinct("party", (party.party for party in profile.parties))
    _check_distinct("bundle signer", (signer.key for signer in profile.bundle_signers))
    if not profile.parties:
        raise UntrustedProfileError("a profile must trust at least one party")
    if not profile.algorithms:
        raise UntrustedProfileError("a profile must allow at least one algorithm")
    least = 1 if profile.bundle_signers else 0
    if not least <= profile.bundle_threshold <= len(profile.bundle_signers):
        raise UntrustedProfileError(
            f"{profile.bundle_threshold} of {len(profile.bundle_signers)} bundle signers "
            "is no rule: at least one must sign, and no more than there are"
        )


def _check_distinct(what: str, keys: Iterable[Hashable]) -> None:
    listed = list(keys)
    if len(set(listed)) < len(listed):
        raise UntrustedProfileError(f"a {what} is listed twice")
