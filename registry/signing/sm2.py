"""SM2 private keys through the OpenSSL of the machine. For the signer process alone.

`cryptography` has no SM2, so the library is called through ctypes (docs/adr/0014-sm2.md). A key is
held by OpenSSL and leaves it only as PKCS #8 for the keystore, which encrypts it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from contextlib import suppress
from ctypes import c_char_p, c_int, c_long, c_size_t, c_void_p
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from registry.signing.errors import NO_SM2, SigningRefusedError
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.sm2 import SM2_USER_ID
from verifier.openssl_sm2 import library_names, open_sm2, usable_libraries

_POINT_BYTES: Final = 65  # 04 || x || y
_MOST_SIGNATURE_BYTES: Final = 72  # DER of two integers of 33 bytes
_NUMBER: Final = 32

# Name: type of the result, types of the arguments.
_FUNCTIONS: Final[Mapping[str, tuple[type | None, tuple[type, ...]]]] = {
    "EVP_PKEY_CTX_new_from_name": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_PKEY_CTX_set1_id": (c_int, (c_void_p, c_char_p, c_size_t)),
    "EVP_PKEY_keygen_init": (c_int, (c_void_p,)),
    "EVP_PKEY_generate": (c_int, (c_void_p, c_void_p)),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_get_octet_string_param": (
        c_int,
        (c_void_p, c_char_p, c_void_p, c_size_t, c_void_p),
    ),
    "EVP_PKEY_is_a": (c_int, (c_void_p, c_char_p)),
    "EVP_PKEY2PKCS8": (c_void_p, (c_void_p,)),
    "i2d_PKCS8_PRIV_KEY_INFO": (c_int, (c_void_p, c_void_p)),
    "PKCS8_PRIV_KEY_INFO_free": (None, (c_void_p,)),
    "d2i_AutoPrivateKey": (c_void_p, (c_void_p, c_void_p, c_long)),
    "EVP_MD_CTX_new": (c_void_p, ()),
    "EVP_MD_CTX_free": (None, (c_void_p,)),
    "EVP_sm3": (c_void_p, ()),
    "EVP_DigestSignInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestSign": (c_int, (c_void_p, c_void_p, c_void_p, c_char_p, c_size_t)),
    "ERR_clear_error": (None, ()),
}


class Sm2Key:
    """An SM2 private key held by OpenSSL; implements `verifier.core.keys.Signer`."""

    def __init__(self, library: ctypes.CDLL, handle: int) -> None:
        self._library = library
        self._handle = handle
        self.public = PublicKey(Algorithm.SM2, self._point())

    def __del__(self) -> None:
        """Give the key back to OpenSSL, which wipes it."""
        with suppress(AttributeError):  # the constructor did not get far
            self._library.EVP_PKEY_free(self._handle)

    @classmethod
    def generate(cls) -> Sm2Key:
        """Make a new key from OpenSSL's randomness.

        Raises:
            SigningRefusedError: No usable OpenSSL is here (`sm2_unavailable`).
        """
        library = _library()
        context = library.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
        handle = c_void_p()
        try:
            if (
                library.EVP_PKEY_keygen_init(context) != 1
                or library.EVP_PKEY_generate(context, ctypes.byref(handle)) != 1
                or handle.value is None
            ):
                raise _failed("make a key")
            return cls(library, handle.value)
        finally:
            library.EVP_PKEY_CTX_free(context)
            library.ERR_clear_error()

    @classmethod
    def from_pkcs8(cls, der: bytes) -> Sm2Key:
        """Load an unencrypted PKCS #8 key.

        Raises:
            ValueError: The bytes hold no SM2 key.
            SigningRefusedError: No usable OpenSSL is here (`sm2_unavailable`).
        """
        library = _library()
        buffer = ctypes.create_string_buffer(der, len(der))
        position = c_void_p(ctypes.addressof(buffer))
        try:
            handle = library.d2i_AutoPrivateKey(None, ctypes.byref(position), len(der))
            if not handle:
                raise ValueError("no private key")
            if library.EVP_PKEY_is_a(handle, b"SM2") != 1:
                library.EVP_PKEY_free(handle)
                raise ValueError("no SM2 key")
            return cls(library, handle)
        finally:
            ctypes.memset(buffer, 0, len(der))
            library.ERR_clear_error()

    def pkcs8(self) -> bytes:
        """Return the unencrypted PKCS #8 encoding; for the keystore, which encrypts it."""
        library = self._library
        info = library.EVP_PKEY2PKCS8(self._handle)
        try:
            length = library.i2d_PKCS8_PRIV_KEY_INFO(info, None) if info else 0
            if length <= 0:
                raise _failed("encode a key")
            buffer = ctypes.create_string_buffer(length)
            position = c_void_p(ctypes.addressof(buffer))
            library.i2d_PKCS8_PRIV_KEY_INFO(info, ctypes.byref(position))
            encoded = buffer.raw
            ctypes.memset(buffer, 0, length)
            return encoded
        finally:
            library.PKCS8_PRIV_KEY_INFO_free(info)
            library.ERR_clear_error()

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm of the key."""
        return Algorithm.SM2

    @property
    def thumbprint(self) -> bytes:
        """The RFC 7638 thumbprint of the public key, 32 bytes."""
        return self.public.thumbprint()

    def sign(self, message: bytes) -> bytes:
        """Return the raw 64-byte signature over `message` under the user id of the format."""
        library = self._library
        context = library.EVP_MD_CTX_new()
        key_context = c_void_p()
        buffer = ctypes.create_string_buffer(_MOST_SIGNATURE_BYTES)
        length = c_size_t(len(buffer))
        try:
            if (
                library.EVP_DigestSignInit(
                    context, ctypes.byref(key_context), library.EVP_sm3(), None, self._handle
                )
                != 1
                or library.EVP_PKEY_CTX_set1_id(key_context, SM2_USER_ID, len(SM2_USER_ID)) != 1
                or library.EVP_DigestSign(
                    context, buffer, ctypes.byref(length), message, len(message)
                )
                != 1
            ):
                raise _failed("sign")
        finally:
            library.EVP_MD_CTX_free(context)
            library.ERR_clear_error()
        r, s = decode_dss_signature(buffer.raw[: length.value])
        return r.to_bytes(_NUMBER) + s.to_bytes(_NUMBER)

    def _point(self) -> bytes:
        buffer = ctypes.create_string_buffer(_POINT_BYTES)
        length = c_size_t()
        done = self._library.EVP_PKEY_get_octet_string_param(
            self._handle, b"pub", buffer, _POINT_BYTES, ctypes.byref(length)
        )
        if done != 1 or length.value != _POINT_BYTES or buffer.raw[0] != 4:  # noqa: PLR2004
            raise _failed("tell the public key of a key")
        return buffer.raw[1:]


@cache
def _library() -> ctypes.CDLL:
    """Return an OpenSSL that can sign with SM2.

    Raises:
        SigningRefusedError: There is none (`sm2_unavailable`).
    """
    for name in library_names():
        # The library must also pass the published example, which only verifying can do.
        for library in usable_libraries([name], _FUNCTIONS):
            if open_sm2((name,)) is not None:
                return library
    raise SigningRefusedError(NO_SM2, "no OpenSSL from 3 on with SM2 was found")


def _failed(what: str) -> SigningRefusedError:
    return SigningRefusedError("sm2_failed", f"OpenSSL could not {what}")
