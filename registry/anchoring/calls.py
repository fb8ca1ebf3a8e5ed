"""Calls of the CertificateLedger, in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from verifier.chain.contracts import CERTIFICATE_LEDGER, RFC9162_SHA256, contract

_LEDGER: Final = contract(CERTIFICATE_LEDGER)


def anchor_call(root: bytes, size: int) -> bytes:
    """Return the call that anchors a root over `size` leaves."""
    return _LEDGER.encode_call("anchor", RFC9162_SHA256, root, size)


def status_call(
    act: str, body_id: bytes, list_number: int, words: Mapping[int, int], reason: int
) -> bytes:
    """Return the call that revokes, suspends or resumes entries of a status list.

    Args:
        act: "revoke", "suspend" or "resume".
        body_id: Body whose list it is, 32 bytes.
        list_number: Number of the list.
        words: Mask of the changed bits by number of the word.
        reason: Code of the reason, 1 to 7.
    """
    numbers, masks = list(words), list(words.values())
    return _LEDGER.encode_call(act, body_id, list_number, numbers, masks, reason)


def revoke_leaf_call(body_id: bytes, leaf: bytes, reason: int) -> bytes:
    """Return the call that revokes a leaf of a body."""
    return _LEDGER.encode_call("revokeLeaf", body_id, leaf, reason)
