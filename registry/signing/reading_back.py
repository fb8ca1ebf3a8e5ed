"""Verifying what the signer answered, before it is stored or believed."""

from __future__ import annotations

from registry.signing.errors import SignerUnavailableError
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.sm2 import Sm2Verify
from verifier.openssl_sm2 import open_sm2


def is_signed(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature is by `key`, whatever its algorithm.

    Raises:
        SignerUnavailableError: It is an SM2 key, and nothing on this machine verifies SM2.
    """
    if key.algorithm is Algorithm.SM2:
        return key.verify_sm2(signature, message, sm2=needed_sm2())
    return key.verify(signature, message)


def needed_sm2() -> Sm2Verify:
    """Return what verifies SM2 signatures.

    Raises:
        SignerUnavailableError: Nothing on this machine does.
    """
    sm2 = open_sm2()
    if sm2 is None:
        raise SignerUnavailableError("SM2 signatures need an OpenSSL from 3 on with SM2")
    return sm2
