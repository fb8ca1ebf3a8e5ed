"""What the parts of a bundle must say about each other, so that no reader meets a contradiction."""

from __future__ import annotations

from verifier.bundle.records import BodyRecord, Bundle, ChainRecord, GenerationRecord, LedgerRecord
from verifier.bundle.rows import AnchorRow, EventRow, LeafRow, replay
from verifier.chain.chain_profile import MAX_GENERATIONS
from verifier.chain.profile import MAX_CHAINS
from verifier.checks.facts import BodyKind, BodyState, KeyPurpose
from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.ids import check_did, check_party
from verifier.core.limits import MAX_BATCH_LEAVES, SUBTREE_LEAVES
from verifier.core.merkle import subtree_count
from verifier.core.moments import LAST_SECOND


def check_bundle(bundle: Bundle) -> None:
    """Refuse a bundle whose chains or documents do not fit each other.

    Raises:
        MalformedEvidenceError: `inconsistent`.
    """
    _require(1 <= len(bundle.chains) <= MAX_CHAINS, "has no chain, or too many")
    ids = [chain.chain_id for chain in bundle.chains]
    _require(len(set(ids)) == len(ids), "holds a chain twice")
    for chain in bundle.chains:
        _check_chain(chain)
    named = {
        scope.document_hash
        for chain in bundle.chains
        for generation in chain.generations
        for body in generation.registry.bodies
        for scope in body.scopes
    }
    _require(named == set(bundle.documents), "holds other documents than its bodies name")


def check_generation(generation: GenerationRecord) -> None:
    """Refuse a generation whose tables do not fit its lists or each other.

    Raises:
        MalformedEvidenceError: `inconsistent`.
    """
    retired = generation.until_block is not None
    _require(retired == (generation.retired_at is not None), "has half an end of a generation")
    registry, ledger = generation.registry, generation.ledger
    for party in registry.parties:
        check_party(party.party)
        country = party.country
        plain = country.isascii() and country.isalpha() and country.isupper()
        _require(len(country) == 2 and plain, "holds a country that is no code")  # noqa: PLR2004
    _distinct([party.party for party in registry.parties], "a party")
    for body in registry.bodies:
        _check_body(body, len(registry.parties))
    _distinct([(body.party, body.did) for body in registry.bodies], "a body")
    _distinct([operator.address for operator in registry.operators], "an operator")
    _check_anchors(generation)
    _check_status(ledger, len(registry.bodies))


def _check_chain(chain: ChainRecord) -> None:
    _require(chain.time <= LAST_SECOND, "has a block of no time")
    generations = chain.generations
    _require(len(generations) <= MAX_GENERATIONS, "has too many generations")
    beginning = 0
    for number, generation in enumerate(generations):
        until = generation.until_block
        last = number == len(generations) - 1
        _require(beginning <= generation.from_block <= chain.block, "has generations out of order")
        _require(until is not None or last, "has two generations in charge")
        if until is not None:
            _require(generation.from_block < until <= chain.block, "has a generation of no block")
            beginning = until


def _check_body(body: BodyRecord, parties: int) -> None:
    check_did(body.did)
    _require(body.party < parties, "holds a body of no party")
    _require(body.kind in set(BodyKind), "holds a body of an unknown kind")
    known = all(status.state in set(BodyState) for status in body.statuses)
    _require(known, "holds an unknown state of a body")
    purposes = all(key.purpose in set(KeyPurpose) for key in body.keys)
    _require(purposes, "holds a key of an unknown purpose")
    _distinct([key.thumbprint for key in body.keys], "a key of a body")


def _check_anchors(generation: GenerationRecord) -> None:
    """Every place of the ledger once, every size in bounds, heads for every tree that has some."""
    operators = generation.registry.operators
    anchors = generation.ledger.anchors
    seen = bytearray(len(anchors))
    heads = 0
    tree = b""
    for row in anchors:
        anchor = AnchorRow.unpack(row)
        sound = anchor.ordinal < len(seen) and not seen[anchor.ordinal]
        _require(sound, "holds a place of the ledger twice or not at all")
        seen[anchor.ordinal] = 1
        _require(1 <= anchor.size <= MAX_BATCH_LEAVES, "holds a tree of no size")
        _require(anchor.operator < len(operators), "holds an anchor of no operator")
        operator = operators[anchor.operator]
        # An anchor may stand in the block that withdraws its operator.
        ended = operator.until is not None and anchor.time > operator.until
        _require(operator.since <= anchor.time and not ended, "holds an anchor without authority")
        if anchor.size > SUBTREE_LEAVES and row[: DIGEST_BYTES + 4] != tree:
            heads += subtree_count(anchor.size)
        tree = row[: DIGEST_BYTES + 4]
    _require(len(generation.ledger.heads) == heads * DIGEST_BYTES, "lacks heads of its trees")


def _check_status(ledger: LedgerRecord, bodies: int) -> None:
    """Words are what the recorded changes lead to, and every change is of a body."""
    try:
        events = [EventRow.unpack(row) for row in ledger.events]
    except KeyError:
        raise _inconsistent("holds a change of an unknown kind") from None
    # A flag has two spellings only.
    spelt = all(event.pack() == row for event, row in zip(events, ledger.events, strict=True))
    _require(spelt, "holds a change that is written otherwise")
    words = b"".join(word.pack() for word in replay(events))
    _require(words == ledger.words.data, "has status words that do not follow from their changes")
    leaves = (LeafRow.unpack(row).body for row in ledger.leaves)
    known = all(body < bodies for body in (*(event.body for event in events), *leaves))
    _require(known, "holds a change of status of no body")


def _distinct(names: list[object], what: str) -> None:
    _require(len(set(names)) == len(names), f"holds {what} twice")


def _require(sound: bool, message: str) -> None:
    if not sound:
        raise _inconsistent(message)


def _inconsistent(message: str) -> MalformedEvidenceError:
    return MalformedEvidenceError("trust bundle", message, reason="inconsistent")
