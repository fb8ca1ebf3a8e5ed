"""SM2 signatures with SM3 written down from the standard: slow, with chosen random numbers.

An oracle for tests and the source of the examples of the documentation, whose bytes must be the
same on every run. Numbers are affine, nothing is constant in time.

Source: GB/T 32918.1-2016 and GB/T 32918.2-2016, sections 5.5, 6.1 and 7.1.
"""

from __future__ import annotations

from hashlib import shake_256
from typing import Final

from cryptography.hazmat.primitives.hashes import SM3, Hash

from verifier.core.keys import Algorithm, PublicKey

P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G: Final = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
USER_ID: Final = b"1234567812345678"

Point = tuple[int, int] | None


def sm3(data: bytes) -> bytes:
    """Return the SM3 digest, 32 bytes."""
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


def add(left: Point, right: Point) -> Point:
    """Add two points of the curve."""
    if left is None or right is None:
        return right if left is None else left
    if left[0] == right[0] and (left[1] + right[1]) % P == 0:
        return None
    if left == right:
        slope = (3 * left[0] ** 2 + A) * pow(2 * left[1], -1, P)
    else:
        slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, P)
    x = (slope**2 - left[0] - right[0]) % P
    return x, (slope * (left[0] - x) - left[1]) % P


def multiply(factor: int, point: Point) -> Point:
    """Multiply a point."""
    total: Point = None
    while factor:
        if factor & 1:
            total = add(total, point)
        point, factor = add(point, point), factor >> 1
    return total


def public_of(private: int) -> bytes:
    """Return x || y of the public key."""
    point = multiply(private, G)
    assert point is not None
    return point[0].to_bytes(32) + point[1].to_bytes(32)


def identity_digest(public: bytes, user_id: bytes = USER_ID) -> bytes:
    """Return Z of a signer, 32 bytes."""
    numbers = b"".join(number.to_bytes(32) for number in (A, B, *G))
    return sm3((8 * len(user_id)).to_bytes(2) + user_id + numbers + public)


def message_digest(public: bytes, message: bytes, user_id: bytes = USER_ID) -> bytes:
    """Return e, the digest that is signed, 32 bytes."""
    return sm3(identity_digest(public, user_id) + message)


def sign(private: int, message: bytes, *, k: int, user_id: bytes = USER_ID) -> bytes:
    """Return r || s made with the random number `k`."""
    e = int.from_bytes(message_digest(public_of(private), message, user_id))
    point = multiply(k, G)
    assert point is not None
    r = (e + point[0]) % N
    s = pow(1 + private, -1, N) * (k - r * private) % N
    assert r not in (0, N - k)
    assert s != 0
    return r.to_bytes(32) + s.to_bytes(32)


def verify(public: bytes, signature: bytes, message: bytes, user_id: bytes = USER_ID) -> bool:
    """Tell whether a signature is by this key; implements `Sm2Verify`."""
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    t = (r + s) % N
    if not (0 < r < N and 0 < s < N and t):
        return False
    key = int.from_bytes(public[:32]), int.from_bytes(public[32:])
    point = add(multiply(s, G), multiply(t, key))
    e = int.from_bytes(message_digest(public, message, user_id))
    return point is not None and (e + point[0]) % N == r


class FixedSm2Signer:
    """Signs with a key made from a small number and a k made from key and message."""

    algorithm = Algorithm.SM2

    def __init__(self, number: int = 1, user_id: bytes = USER_ID) -> None:
        self._private = number + 0x1000
        self._user_id = user_id
        self.public_key = PublicKey(Algorithm.SM2, public_of(self._private))
        self.thumbprint = self.public_key.thumbprint()

    def sign(self, message: bytes) -> bytes:
        """Return the raw signature; the same for the same message."""
        k = int.from_bytes(shake_256(self._private.to_bytes(32) + message).digest(40)) % (N - 1) + 1
        return sign(self._private, message, k=k, user_id=self._user_id)
