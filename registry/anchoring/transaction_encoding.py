"""EIP-1559 transactions in bytes: what is signed, and what is sent. Pure.

Source: EIP-1559, section "Specification"; EIP-2718; RLP as in the Yellow Paper, appendix B.
"""

from __future__ import annotations

from typing import Final

import rlp  # type: ignore[import-untyped]
from eth_hash.auto import keccak

from registry.anchoring.ports import SignedTransaction, UnsignedTransaction
from verifier.core.strict_json import JsonObject

TYPE: Final = b"\x02"
SIGNATURE_BYTES: Final = 65  # r, s, parity of y
_FIELDS: Final = 12
_NUMBER: Final = 32
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def signing_digest(transaction: UnsignedTransaction) -> bytes:
    """Return the 32 bytes that the account signs."""
    return keccak(TYPE + _encode(_fields(transaction)))


def signed_transaction(transaction: UnsignedTransaction, signature: bytes) -> SignedTransaction:
    """Return a transaction ready to be sent.

    Args:
        transaction: What was signed.
        signature: r and s in 32 bytes each, then the parity of y in one; s not above half the
            order, as nodes demand.
    """
    r = int.from_bytes(signature[:_NUMBER])
    s = int.from_bytes(signature[_NUMBER : 2 * _NUMBER])
    raw = TYPE + _encode([*_fields(transaction), _number(signature[-1]), _number(r), _number(s)])
    return SignedTransaction(raw=raw, hash=keccak(raw))


def signature_in(raw: bytes) -> bytes:
    """Return the signature in a transaction that somebody else signed, in our form.

    Raises:
        ValueError: It is no EIP-1559 transaction.
    """
    try:
        fields = rlp.decode(raw[1:])
    except rlp.exceptions.RLPException as error:
        raise ValueError(str(error)) from error
    if raw[:1] != TYPE or not isinstance(fields, list) or len(fields) != _FIELDS:
        raise ValueError("no EIP-1559 transaction")
    parity, r, s = fields[-3:]
    if parity not in (b"", b"\x01") or not all(
        isinstance(part, bytes) and 0 < len(part) <= _NUMBER for part in (r, s)
    ):
        raise ValueError("the signature is malformed")
    return bytes(r.rjust(_NUMBER, b"\x00") + s.rjust(_NUMBER, b"\x00") + (parity or b"\x00"))


def transaction_to_json(transaction: UnsignedTransaction) -> JsonObject:
    """Return a transaction as it is sent to the signer: numbers as text, bytes in hexadecimal."""
    return {
        "chain_id": str(transaction.chain_id),
        "data": transaction.data.hex(),
        "gas": str(transaction.gas_limit),
        "max_fee": str(transaction.fees.max_fee),
        "nonce": str(transaction.nonce),
        "priority": str(transaction.fees.priority),
        "to": transaction.to,
    }


def low_s_signature(r_s: bytes) -> bytes:
    """Return r and s of 32 bytes each with s in the lower half, as nodes demand."""
    s = int.from_bytes(r_s[_NUMBER:])
    return r_s[:_NUMBER] + min(s, _ORDER - s).to_bytes(_NUMBER)


def address_of(point: bytes) -> str:
    """Return the account of a public key x || y of 64 bytes: "0x" and 40 lower-case digits."""
    return "0x" + keccak(point)[-20:].hex()


def _fields(transaction: UnsignedTransaction) -> list[bytes | list[bytes]]:
    to = b"" if transaction.to is None else bytes.fromhex(transaction.to.removeprefix("0x"))
    no_value, no_access_list = b"", list[bytes]()
    return [
        _number(transaction.chain_id),
        _number(transaction.nonce),
        _number(transaction.fees.priority),
        _number(transaction.fees.max_fee),
        _number(transaction.gas_limit),
        to,
        no_value,
        transaction.data,
        no_access_list,
    ]


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8)


def _encode(fields: list[bytes | list[bytes]]) -> bytes:
    return bytes(rlp.encode(fields))
