"""Trust bundles that say what an in-memory world says, and keys that vouch for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.support.evidence_builders import CHAIN_ID, CONTRACT, DAY, NOW, World, trust_profile
from tests.support.summaries import FixedSigner
from verifier.bundle.content import encode_content
from verifier.bundle.file import BundleFile
from verifier.bundle.records import (
    BodyRecord,
    Bundle,
    ChainRecord,
    GenerationRecord,
    KeyRecord,
    LedgerRecord,
    OperatorRecord,
    PartyRecord,
    RegistryRecord,
    ScopeRecord,
    StatusRecord,
)
from verifier.bundle.rows import (
    ANCHOR_BYTES,
    EVENT_BYTES,
    LEAF_BYTES,
    WORD_BITS,
    WORD_BYTES,
    AnchorRow,
    EventRow,
    LeafRow,
    replay,
)
from verifier.bundle.signatures import Delegation, sign_bundle
from verifier.bundle.table import Table
from verifier.chain.profile import Profile
from verifier.checks.facts import BodyFacts, StatusEvent
from verifier.core.keys import Algorithm

GENESIS: Final = bytes(32)
CODE_HASH: Final = bytes(32)
OPERATOR: Final = "0x" + "22" * 20


def bundle_of(
    world: World, *, heads: Mapping[bytes, bytes] | None = None, **changes: Any
) -> Bundle:
    """Return the bundle of what a world's chain says.

    Args:
        world: Bodies, keys, anchors and statuses.
        heads: Subtree heads by root, of trees with more than 1024 leaves.
        **changes: Members of the chain's record that are to be others.
    """
    source = world.source
    parties = list(dict.fromkeys(body.party for body in source.bodies.values()))
    numbers = {body: number for number, body in enumerate(source.bodies)}
    events = _events(world, numbers)
    anchors = sorted(source.anchors.values(), key=lambda anchor: anchor.time)
    anchor_table = Table.of(
        (
            AnchorRow(
                root=anchor.root,
                size=anchor.size,
                ordinal=ordinal,
                operator=0,
                block=anchor.block,
                time=anchor.time,
            ).pack()
            for ordinal, anchor in enumerate(anchors)
        ),
        ANCHOR_BYTES,
    )
    countries = {body.party: body.country for body in source.bodies.values()}
    generation = GenerationRecord(
        from_block=0,
        until_block=None,
        retired_at=None,
        registry=RegistryRecord(
            address=CONTRACT,
            code_hash=CODE_HASH,
            parties=tuple(
                PartyRecord(
                    party=party,
                    country=countries[party],
                    added_at=world.registered_at,
                    removed_at=None,
                )
                for party in parties
            ),
            bodies=tuple(
                _body(world, body, parties.index(body.party)) for body in source.bodies.values()
            ),
            operators=(OperatorRecord(address=OPERATOR, since=0, until=None),),
        ),
        ledger=LedgerRecord(
            address=CONTRACT,
            code_hash=CODE_HASH,
            anchors=anchor_table,
            heads=b"".join((heads or {}).get(row[:32], b"") for row in anchor_table),
            words=Table.of((word.pack() for word in replay(events)), WORD_BYTES),
            events=Table.of((event.pack() for event in events), EVENT_BYTES),
            leaves=Table.of((leaf.pack() for leaf in _leaves(world, numbers)), LEAF_BYTES),
        ),
    )
    head = source.block
    chain = ChainRecord(
        chain_id=CHAIN_ID,
        genesis=GENESIS,
        block=head.block,
        block_hash=head.block_hash,
        time=head.time,
        generations=(generation,),
    )
    named = {scope.document_hash for body in source.bodies.values() for scope in body.scopes}
    return Bundle(
        chains=(replace(chain, **changes),),
        documents={digest: world.documents[digest] for digest in sorted(named)},
    )


def _body(world: World, body: BodyFacts, party: int) -> BodyRecord:
    return BodyRecord(
        party=party,
        did=body.did,
        kind=body.kind.value,
        registered_at=body.registered_at,
        statuses=tuple(
            StatusRecord(
                state=each.state.value,
                effective_from=each.effective_from,
                recorded_at=each.recorded_at,
            )
            for each in body.statuses
        ),
        scopes=tuple(
            ScopeRecord(
                document_hash=each.document_hash,
                effective_from=each.effective_from,
                effective_until=each.effective_until,
                recorded_at=each.recorded_at,
            )
            for each in body.scopes
        ),
        keys=tuple(
            KeyRecord(
                thumbprint=thumbprint,
                algorithm=key.public_key.algorithm.chain_code,
                purpose=key.purpose.value,
                registered_at=key.registered_at,
                sign_until=key.sign_until,
                anchor_until=key.anchor_until,
                revoked_at=key.revoked_at,
                revocation_recorded_at=key.revocation_recorded_at,
                compromised_since=key.compromised_since,
                public_key=key.public_key.raw,
            )
            for (owner, thumbprint), key in world.source.keys.items()
            if owner == body.body_id
        ),
    )


def _events(world: World, numbers: Mapping[bytes, int]) -> list[EventRow]:
    rows = [
        _event(numbers[body], list_number, index, position, event)
        for (body, list_number, index), status in world.source.statuses.items()
        for position, event in enumerate(status.events)
    ]
    return sorted(rows, key=EventRow.pack)


def _event(body: int, list_number: int, index: int, position: int, event: StatusEvent) -> EventRow:
    word, bit = divmod(index, WORD_BITS)
    return EventRow(
        body=body,
        list_number=list_number,
        word=word,
        block=event.block,
        position=position,
        time=event.time,
        kind=event.kind,
        by_party=event.by_party,
        reason=event.reason,
        mask=1 << bit,
    )


def _leaves(world: World, numbers: Mapping[bytes, int]) -> Iterable[LeafRow]:
    for leaf, status in world.source.revoked_leaves.items():
        for position, event in enumerate(status.events):
            yield LeafRow(
                body=next(iter(numbers.values())),
                leaf=leaf,
                block=event.block,
                position=position,
                time=event.time,
                reason=event.reason,
            )


@dataclass(frozen=True)
class Vouching:
    """Signers of bundles with the short-lived keys that they delegate to.

    Attributes:
        names: One signer each.
        threshold: How many the profile demands.
    """

    names: tuple[str, ...] = ("Kunming", "Vientiane")
    threshold: int = 2
    roots: dict[str, FixedSigner] = field(init=False)
    keys: dict[str, FixedSigner] = field(init=False)

    def __post_init__(self) -> None:
        for name, kind in (("roots", 700), ("keys", 800)):
            signers = {
                signer: FixedSigner(Algorithm.ES256, number=kind + at)
                for at, signer in enumerate(self.names)
            }
            object.__setattr__(self, name, signers)

    def profile(self, *, demonstration: bool = False, **changes: Any) -> Profile:
        """Return a profile that names the signers."""
        signers = [
            {"name": name, "jwk": root.public_key.jwk()} for name, root in self.roots.items()
        ]
        members = {"bundle_signers": signers, "bundle_threshold": self.threshold} | changes
        return trust_profile(demonstration=demonstration, **json.loads(json.dumps(members)))

    def delegation(self, name: str, *, root: str | None = None, **changes: Any) -> bytes:
        """Return a signed delegation of a signer to the key of `name`."""
        sound = Delegation(
            genesis=GENESIS,
            key=self.keys[name].public_key,
            since=NOW - 10 * DAY,
            until=NOW + 10 * DAY,
        )
        return replace(sound, **changes).sign(self.roots[root or name])

    def sign(self, bundle: Bundle, *names: str) -> BundleFile:
        """Return a bundle file signed by these signers, by all when none is named."""
        file = BundleFile(encode_content(bundle))
        for name in names or self.names:
            file = sign_bundle(file, bundle, self.keys[name], self.delegation(name))
        return file
