"""The example bundle of docs/trust-bundle.md, and contents that must be refused.

Everything follows from fixed keys and small numbers, so that every run gives the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from tests.support.summaries import FixedSigner
from verifier.bundle.content import decode_content, encode_content
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
    WORD_BYTES,
    AnchorRow,
    EventRow,
    LeafRow,
    replay,
)
from verifier.bundle.signatures import Delegation, sign_bundle
from verifier.bundle.table import Table
from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import leaf_digest
from verifier.core.ids import body_id
from verifier.core.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_DEPTH
from verifier.core.merkle import Tree
from verifier.core.strict_cbor import dump_cbor, parse_cbor
from verifier.core.strict_json import canonical_json

DAY: Final = 24 * 3600
TIME: Final = 1_770_900_000  # of the block
SINCE: Final = TIME - 30 * DAY
DID: Final = "did:web:lab.example"
GENESIS: Final = hashlib.sha256(b"the genesis block of the example").digest()
ROOT_KEY: Final = FixedSigner(number=7)
DAILY_KEY: Final = FixedSigner(number=8)
CERTIFICATE_KEY: Final = FixedSigner(number=3)


def numbered_tree(size: int) -> Tree:
    """Return the tree whose leaf i is over the entry u32(i)."""
    return Tree.build(leaf_digest(number.to_bytes(4)) for number in range(size))


def example(*, later: bool = False) -> Bundle:
    """Return the example bundle, or what it became a day later: another batch, a revoked leaf."""
    large, small = numbered_tree(1500), numbered_tree(7)
    anchors = [
        AnchorRow(root=large.root, size=1500, ordinal=0, operator=0, block=90, time=TIME - 900),
        AnchorRow(root=small.root, size=7, ordinal=1, operator=0, block=95, time=TIME - 600),
    ]
    leaves = []
    if later:
        tree = numbered_tree(8)
        anchors.append(
            AnchorRow(
                root=tree.root, size=8, ordinal=2, operator=0, block=150, time=TIME + DAY // 2
            )
        )
        leaves.append(
            LeafRow(body=0, leaf=leaf_digest(b""), block=160, position=0, time=TIME + DAY, reason=3)
        )
    events = _events()
    ledger = LedgerRecord(
        address="0x" + "22" * 20,
        code_hash=hashlib.sha256(b"code of the ledger").digest(),
        anchors=Table.of((anchor.pack() for anchor in anchors), ANCHOR_BYTES),
        heads=b"".join(large.subtree_heads()),
        words=Table.of((word.pack() for word in replay(events)), WORD_BYTES),
        events=Table.of((event.pack() for event in events), EVENT_BYTES),
        leaves=Table.of((leaf.pack() for leaf in leaves), LEAF_BYTES),
    )
    scope = _scope()
    chain = ChainRecord(
        chain_id=4242,
        genesis=GENESIS,
        block=170 if later else 100,
        block_hash=hashlib.sha256(b"a later block" if later else b"the block").digest(),
        time=TIME + DAY if later else TIME,
        generations=(
            GenerationRecord(
                from_block=0,
                until_block=None,
                retired_at=None,
                registry=_registry(hashlib.sha256(scope).digest()),
                ledger=ledger,
            ),
        ),
    )
    return Bundle(chains=(chain,), documents={hashlib.sha256(scope).digest(): scope})


def _events() -> list[EventRow]:
    """A suspension by the party that it lifted again, and a revocation."""
    suspended = EventRow(
        body=0,
        list_number=0,
        word=2,
        block=96,
        position=0,
        time=TIME - 500,
        kind="suspended",
        by_party=True,
        reason=7,
        mask=1 << 5,
    )
    return [
        suspended,
        replace(suspended, block=97, time=TIME - 400, kind="resumed"),
        replace(
            suspended,
            word=188,
            block=98,
            position=3,
            time=TIME - 300,
            kind="revoked",
            by_party=False,
            reason=2,
            mask=1 << 85,
        ),
    ]


def _registry(scope: bytes) -> RegistryRecord:
    key = CERTIFICATE_KEY.public_key
    body = BodyRecord(
        party=0,
        did=DID,
        kind=1,
        registered_at=SINCE,
        statuses=(StatusRecord(state=1, effective_from=SINCE, recorded_at=SINCE),),
        scopes=(
            ScopeRecord(
                document_hash=scope,
                effective_from=SINCE - DAY,
                effective_until=None,
                recorded_at=SINCE,
            ),
        ),
        keys=(
            KeyRecord(
                thumbprint=key.thumbprint(),
                algorithm=1,
                purpose=1,
                registered_at=SINCE,
                sign_until=TIME + 365 * DAY,
                anchor_until=None,
                revoked_at=None,
                revocation_recorded_at=None,
                compromised_since=None,
                public_key=key.raw,
            ),
        ),
    )
    return RegistryRecord(
        address="0x" + "11" * 20,
        code_hash=hashlib.sha256(b"code of the registry").digest(),
        parties=(PartyRecord(party="CN", country="CN", added_at=SINCE - DAY, removed_at=None),),
        bodies=(body,),
        operators=(OperatorRecord(address="0x" + "33" * 20, since=SINCE, until=None),),
    )


def _scope() -> bytes:
    return canonical_json(
        {
            "scope": 1,
            "party": "CN",
            "did": DID,
            "body": body_id("CN", DID).hex(),
            "kind": "laboratory",
            "name": {"en": "Example Laboratory"},
            "country": "CN",
            "identifiers": {},
            "demonstration": True,
            "rows": [],
        }
    )


def delegation() -> bytes:
    """Return the signed delegation of the example."""
    return Delegation(
        genesis=GENESIS, key=DAILY_KEY.public_key, since=SINCE, until=SINCE + 60 * DAY
    ).sign(ROOT_KEY)


def signed(bundle: Bundle) -> BundleFile:
    """Return a bundle with its signature."""
    return sign_bundle(BundleFile(encode_content(bundle)), bundle, DAILY_KEY, delegation())


Edit = Callable[[Any], None]


def refused() -> Iterator[dict[str, str]]:
    """Yield contents that must be refused, with the reason."""
    content = encode_content(example())
    yield _refused("cut off", content[:-1])
    yield _refused("something behind the end", content + b"\x00")
    yield _refused(
        "a list of unknown length",
        content.replace(b"\x69documents\x81", b"\x69documents\x9f") + b"\xff",
    )
    for title, edit in _EDITS.items():
        value: Any = parse_cbor(
            content, what="example", max_bytes=MAX_BUNDLE_BYTES, max_depth=MAX_BUNDLE_DEPTH
        )
        edit(value)
        yield _refused(title, dump_cbor(value))


def _refused(title: str, content: bytes) -> dict[str, str]:
    try:
        decode_content(content)
    except MalformedEvidenceError as error:
        return {"title": title, "reason": error.reason, "content": content.hex()}
    raise SystemExit(f"{title}: was accepted")


def _registry_of(value: Any) -> Any:
    return value["chains"][0]["generations"][0]["trust_registry"]


def _ledger_of(value: Any) -> Any:
    return value["chains"][0]["generations"][0]["certificate_ledger"]


def _swapped(rows: bytes, width: int) -> bytes:
    return rows[width : 2 * width] + rows[:width] + rows[2 * width :]


_EDITS: Final[dict[str, Edit]] = {
    "another version": lambda v: v.update(bundle=2),
    "an unknown member": lambda v: v.update(colour=1),
    "no chain": lambda v: v.update(chains=[]),
    "a document too few": lambda v: v.update(documents=[]),
    "a document too many": lambda v: v["documents"].insert(0, b"{}"),
    "a document twice": lambda v: v["documents"].append(v["documents"][0]),
    "a key too few": lambda v: _registry_of(v)["bodies"][0][6].clear(),
    "a body of no party": lambda v: _registry_of(v)["bodies"][0].__setitem__(0, 1),
    "an anchor too few": lambda v: _ledger_of(v).update(
        anchors=_ledger_of(v)["anchors"][:ANCHOR_BYTES]
    ),
    "anchors out of order": lambda v: _ledger_of(v).update(
        anchors=_swapped(_ledger_of(v)["anchors"], ANCHOR_BYTES)
    ),
    "half a row": lambda v: _ledger_of(v).update(words=_ledger_of(v)["words"][:-1]),
    "a head too few": lambda v: _ledger_of(v).update(heads=_ledger_of(v)["heads"][:-32]),
    "a change too few": lambda v: _ledger_of(v).update(
        events=_ledger_of(v)["events"][EVENT_BYTES:]
    ),
    "a word that does not follow": lambda v: _ledger_of(v).update(words=b""),
    "a flag in a second spelling": lambda v: _ledger_of(v).update(
        events=_ledger_of(v)["events"][:33] + b"\x02" + _ledger_of(v)["events"][34:]
    ),
    "an anchor before its operator": lambda v: _registry_of(v)["operators"][0].__setitem__(1, TIME),
    "half an end of a generation": lambda v: v["chains"][0]["generations"][0].update(until_block=9),
}
