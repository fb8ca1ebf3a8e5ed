"""SM2 signatures verified by the OpenSSL of the machine, from version 3 on, through ctypes.

`cryptography` has no SM2. The library is looked for under its own names, tried on the published
example of the standard, and not used unless it gets that right: some distributions leave SM2 out
(docs/adr/0014-sm2.md). No private key is ever handled here.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Mapping
from ctypes import c_char_p, c_int, c_long, c_size_t, c_void_p
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from verifier.core.sm2 import SM2_USER_ID, Sm2Verify

_OLDEST: Final = 3  # before, SM2 needed other calls, and nobody mends it any more

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "linux": ("libcrypto.so.3", "libcrypto.so.4"),
    "darwin": (
        "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib",
        "/usr/local/opt/openssl@3/lib/libcrypto.3.dylib",
    ),
    "win32": ("libcrypto-3-x64.dll", "libcrypto-3-arm64.dll"),
}

# Name: type of the result, types of the arguments. A pointer without its type would be cut to
# 32 bits.
_FUNCTIONS: Final[Mapping[str, tuple[type | None, tuple[type, ...]]]] = {
    "d2i_PUBKEY": (c_void_p, (c_void_p, c_void_p, c_long)),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_CTX_set1_id": (c_int, (c_void_p, c_char_p, c_size_t)),
    "EVP_MD_CTX_new": (c_void_p, ()),
    "EVP_MD_CTX_free": (None, (c_void_p,)),
    "EVP_sm3": (c_void_p, ()),
    "EVP_DigestVerifyInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestVerify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    "ERR_clear_error": (None, ()),
}

# SubjectPublicKeyInfo up to the point (RFC 5480): id-ecPublicKey, curve 1.2.156.10197.1.301.
_SPKI_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")

# The signature example of GB/T 32918.5-2017, annex A.2: public key, message, signature.
_EXAMPLE: Final = (
    bytes.fromhex(
        "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
        "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    ),
    bytes.fromhex(
        "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
        "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
    ),
    b"message digest",
)


def library_names() -> tuple[str, ...]:
    """Return the names under which OpenSSL is looked for on this system."""
    return _NAMES.get(sys.platform, ())


@cache
def open_sm2(names: tuple[str, ...] | None = None) -> Sm2Verify | None:
    """Return the SM2 of the first usable OpenSSL, None when there is none.

    Args:
        names: Where to look; None for the usual names.
    """
    for library in usable_libraries(library_names() if names is None else names, _FUNCTIONS):
        verifier = _OpenSslSm2(library)
        public_key, signature, message = _EXAMPLE
        spoilt = signature[:-1] + bytes([signature[-1] ^ 1])
        if verifier(public_key, signature, message) and not verifier(public_key, spoilt, message):
            return verifier
    return None


def usable_libraries(
    names: Iterable[str], functions: Mapping[str, tuple[type | None, tuple[type, ...]]]
) -> Iterable[ctypes.CDLL]:
    """Yield each OpenSSL that can be loaded, is new enough and has these functions, declared.

    Args:
        names: File names, for the system's own loader.
        functions: Types of the result and the arguments of each.
    """
    for name in names:
        try:
            library = ctypes.CDLL(name)
            if library.OPENSSL_version_major() < _OLDEST:
                continue
            for function, (result, arguments) in functions.items():
                declared = getattr(library, function)
                declared.restype, declared.argtypes = result, arguments
        except (OSError, AttributeError):
            continue
        yield library


class _OpenSslSm2:
    """Implements `Sm2Verify`; may be shared between threads, every call has its own context."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def __call__(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        """See `Sm2Verify`."""
        key = self._load(public_key)
        context = self._library.EVP_MD_CTX_new()
        try:
            if key is None or context is None:
                return False
            return self._verify(key, context, signature, message)
        finally:
            self._library.EVP_MD_CTX_free(context)
            self._library.EVP_PKEY_free(key)
            # The queue of errors is that of Python's own ssl module in the same thread.
            self._library.ERR_clear_error()

    def _load(self, public_key: bytes) -> int | None:
        encoded = _SPKI_PREFIX + public_key
        buffer = ctypes.create_string_buffer(encoded, len(encoded))
        position = c_void_p(ctypes.addressof(buffer))
        key: int | None = self._library.d2i_PUBKEY(None, ctypes.byref(position), len(encoded))
        return key

    def _verify(self, key: int, context: int, signature: bytes, message: bytes) -> bool:
        library = self._library
        key_context = c_void_p()
        algorithm = library.EVP_sm3()
        if (
            library.EVP_DigestVerifyInit(context, ctypes.byref(key_context), algorithm, None, key)
            != 1
            or library.EVP_PKEY_CTX_set1_id(key_context, SM2_USER_ID, len(SM2_USER_ID)) != 1
        ):
            return False
        encoded = encode_dss_signature(
            int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        )
        done = library.EVP_DigestVerify(context, encoded, len(encoded), message, len(message))
        return bool(done == 1)
