"""Calldata of the contracts, made from the committed ABI."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

from eth_abi.abi import decode, encode

from registry.anchoring.domain import RFC9162_SHA256
from registry.anchoring.errors import ChainFaultError

TRUST_REGISTRY: Final = "TrustRegistry"
CERTIFICATE_LEDGER: Final = "CertificateLedger"


@cache
def artifact(contract: str) -> dict[str, Any]:
    """Return ABI, bytecode and selectors of a contract, as exported from its source."""
    text = files("verifier.chain").joinpath("abi", f"{contract}.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def encode_call(contract: str, signature: str, *arguments: object) -> bytes:
    """Return the calldata of a function.

    Args:
        contract: Name of the contract.
        signature: Of the function, such as "anchor(uint8,bytes32,uint32)".
        arguments: One for each parameter.
    """
    selector = bytes.fromhex(artifact(contract)["methods"][signature][2:])
    return selector + encode(_types(signature), arguments)


def event_topic(contract: str, signature: str) -> bytes:
    """Return the topic under which a contract logs an event."""
    return bytes.fromhex(artifact(contract)["events"][signature][2:])


def decode_answer(types: list[str], answer: bytes) -> tuple[Any, ...]:
    """Decode what a call returned.

    Raises:
        ChainFaultError: The answer is empty or of another shape. There is no contract at the
            address, or the node is broken; it never means "not there".
    """
    if not answer:
        raise ChainFaultError("a node answered a call with nothing (0x)")
    try:
        return tuple(decode(types, answer))
    except Exception as error:  # the decoder has no common base for what it raises
        raise ChainFaultError("a node answered a call with something of another shape") from error


def anchor_call(root: bytes, size: int) -> bytes:
    """Return the call that anchors a root over `size` leaves."""
    signature = "anchor(uint8,bytes32,uint32)"
    return encode_call(CERTIFICATE_LEDGER, signature, RFC9162_SHA256, root, size)


def status_call(
    act: str, body_id: bytes, list_number: int, words: dict[int, int], reason: int
) -> bytes:
    """Return the call that revokes, suspends or resumes entries of a status list.

    Args:
        act: "revoke", "suspend" or "resume".
        body_id: Body whose list it is, 32 bytes.
        list_number: Number of the list.
        words: Mask of the changed bits by number of the word.
        reason: Code of the reason, 1 to 7.
    """
    return encode_call(
        CERTIFICATE_LEDGER,
        f"{act}(bytes32,uint32,uint32[],uint256[],uint8)",
        body_id,
        list_number,
        list(words),
        list(words.values()),
        reason,
    )


def revoke_leaf_call(body_id: bytes, leaf: bytes, reason: int) -> bytes:
    """Return the call that revokes a leaf of a body."""
    signature = "revokeLeaf(bytes32,bytes32,uint8)"
    return encode_call(CERTIFICATE_LEDGER, signature, body_id, leaf, reason)


def _types(signature: str) -> list[str]:
    inside = signature[signature.index("(") + 1 : -1]
    return inside.split(",") if inside else []
