"""Hard limits on everything that arrives (docs/evidence-format.md, section "Input limits")."""

from __future__ import annotations

from typing import Final

MAX_DOCUMENT_BYTES: Final = 256 * 1024  # a 300-result certificate has 105 KB; bounds parsing work
MAX_PDF_BYTES: Final = 20 * 1024 * 1024  # scanned pages with pictures stay below
MAX_PICTURE_BYTES: Final = 20 * 1024 * 1024  # a phone photograph stays below
MAX_PICTURE_PIXELS: Final = 64_000_000  # a 600 dpi A4 page has 35 million; stops pixel bombs
MAX_CODE_CHARS: Final = 4296  # capacity of the largest QR code in alphanumeric mode
MAX_JSON_DEPTH: Final = 32  # our documents have 8 levels; stops stack exhaustion
MAX_SAFE_INTEGER: Final = 2**53 - 1  # beyond it JSON readers disagree (RFC 8259, section 6)
MAX_INTEGER_DIGITS: Final = 16  # checked before conversion: a long literal costs quadratic time
MAX_CBOR_BYTES: Final = 4096  # an offline code has 700 bytes
MAX_CBOR_DEPTH: Final = 8
MAX_DISCLOSURES: Final = 4096  # 300 results need 350
MAX_PATH_NODES: Final = 40  # a tree of 2^40 leaves; bounds the work of a hostile proof
MAX_BATCH_LEAVES: Final = 2**20  # one anchored batch; the contract refuses more
SUBTREE_LEAVES: Final = 1024  # an offline code carries the path to the head of its subtree
MAX_SUBTREE_PATH: Final = 10  # log2(SUBTREE_LEAVES)
MAX_STATUS_LIST_ENTRIES: Final = 2**20  # one published list; eight of the registry's own lists
MAX_BUNDLE_BYTES: Final = 64 * 1024 * 1024  # content of a trust bundle: a million batches
MAX_BUNDLE_ITEMS: Final = 1_000_000  # two thousand bodies with twenty keys each; bounds memory
MAX_BUNDLE_DEPTH: Final = 12  # the members of a key have 11
MAX_BUNDLE_FILE_BYTES: Final = MAX_BUNDLE_BYTES + 1024 * 1024  # deflated, with its signatures
MAX_BUNDLE_SIGNATURES: Final = 64  # as many as a profile can name signers
MAX_BUNDLE_DELTAS: Final = 400  # one a day, more than any bundle may be behind
