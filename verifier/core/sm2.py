"""What the format fixes of SM2 with SM3: the curve, the user id, and the shape of signatures.

The arithmetic of a signature is not done here. Whoever verifies passes in an `Sm2Verify`, because
the only one at hand needs a shared library that not every machine has (docs/adr/0014-sm2.md).

Source: GB/T 32918.2-2016 and the recommended curve of GB/T 32918.5-2017.
"""

from __future__ import annotations

from typing import Final, Protocol

SM2_ORDER: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
# The id that a verifier assumes where none is agreed (GB/T 35276-2017): 16 bytes of ASCII digits.
SM2_USER_ID: Final = b"1234567812345678"

_PRIME: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93


class Sm2Verify(Protocol):
    """Port to an implementation of SM2 signatures with SM3 under `SM2_USER_ID`."""

    def __call__(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        """Tell whether the signature is by this key.

        Args:
            public_key: x || y, 64 bytes, a point of the curve.
            signature: r || s, 64 bytes, both in range.
            message: The signed bytes, not their digest.
        """
        ...


def is_sm2_point(raw: bytes) -> bool:
    """Tell whether x || y, 64 bytes, is a point of the curve other than infinity.

    The curve has prime order, so every such point is of full order.
    """
    x, y = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    return (
        x < _PRIME and y < _PRIME and (y * y - (x * x * x - 3 * x + _B)) % _PRIME == 0  # a = p - 3
    )


def is_sm2_signature(raw: bytes) -> bool:
    """Tell whether r || s, 64 bytes, are both between 1 and the order less 1, and r + s is not it.

    A signature has no twin as it has in ECDSA: with r the other s would need another r + s.

    Source: GB/T 32918.2-2016, section 7.1, steps B1, B2 and B5.
    """
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    return 0 < r < SM2_ORDER and 0 < s < SM2_ORDER and r + s != SM2_ORDER
