"""Private keys in a PKCS#11 token. For signer processes alone.

A key is a pair of objects with one random id and one label. The label says what the key is for. It
cannot be changed, nor can the private object leave the token: both are made so, and a key that is
not so is not used. `docs/signers.md` lists what is asked of a token.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import (
    MultipleTokensReturned,
    NoSuchToken,
    PinIncorrect,
    PinInvalid,
    PinLocked,
    PKCS11Error,
)

from registry.settings import Pkcs11Settings
from registry.signing.errors import KeystoreLockedError, SignerUnavailableError

_R = TypeVar("_R")
_ID_BYTES: Final = 16
_OCTET_STRING: Final = 0x04
_UNCOMPRESSED: Final = 0x04
_COORDINATES: Final = 64
_ED25519_BY_NAME: Final = b"\x13\x0cedwards25519"  # PrintableString, as PKCS#11 3.0 allows too


class Curve(Enum):
    """A curve that tokens are asked for: DER of its parameters."""

    P256 = bytes.fromhex("06082a8648ce3d030107")  # 1.2.840.10045.3.1.7
    SECP256K1 = bytes.fromhex("06052b8104000a")  # 1.3.132.0.10
    ED25519 = bytes.fromhex("06032b6570")  # 1.3.101.112, RFC 8410

    @property
    def is_edwards(self) -> bool:
        """Whether it signs with EdDSA instead of ECDSA."""
        return self is Curve.ED25519


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key pair of the token.

    Attributes:
        label: What the key is for, in the words of whoever made it.
        curve: Where it lives.
        point: Public key, x || y in 64 bytes, or 32 bytes of an Edwards curve.
        identifier: Id of both objects.
    """

    label: str
    curve: Curve
    point: bytes
    identifier: bytes


class Token:
    """An open session with a token. Used by one thread at a time.

    Args:
        settings: Library and label of the token.
        pin: PIN of its user.
    """

    def __init__(self, settings: Pkcs11Settings, pin: bytes) -> None:
        self._settings = settings
        self._pin = pin
        self._open_session: pkcs11.Session | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session; the next use opens another."""
        session, self._open_session = self._open_session, None
        if session is not None:
            try:
                session.close()
            except PKCS11Error:
                return  # the token is gone, and the session with it

    def keys(self, prefix: str) -> list[TokenKey]:
        """Return the usable keys whose label begins with `prefix`.

        Raises:
            KeystoreLockedError: The PIN is wrong or locked.
            SignerUnavailableError: The token does not answer.
        """
        return self._with_session(lambda session: list(_keys(session, prefix)))

    def generate(self, curve: Curve, label: str) -> TokenKey:
        """Make a key pair that never leaves the token.

        Raises:
            KeystoreLockedError: The PIN is wrong or locked.
            SignerUnavailableError: The token does not answer, or has not this curve.
        """
        return self._with_session(lambda session: _generate(session, curve, label))

    def sign(self, key: TokenKey, data: bytes) -> bytes:
        """Return the raw 64-byte signature.

        Args:
            key: One that `keys` or `generate` returned.
            data: The digest for ECDSA, the message for EdDSA.

        Raises:
            KeystoreLockedError: The PIN is wrong or locked.
            SignerUnavailableError: The token does not answer, or has this key no more.
        """
        mechanism = Mechanism.EDDSA if key.curve.is_edwards else Mechanism.ECDSA

        def sign(session: pkcs11.Session) -> bytes:
            private: Any = session.get_key(
                object_class=ObjectClass.PRIVATE_KEY, id=key.identifier, label=key.label
            )
            return bytes(private.sign(data, mechanism=mechanism))

        return self._with_session(sign)

    def _with_session(self, act: Callable[[pkcs11.Session], _R]) -> _R:
        """Act in the open session, once more in a new one where the token lost the old one."""
        for is_last in (self._open_session is None, True):
            try:
                if self._open_session is None:
                    self._open_session = self._log_in()
                return act(self._open_session)
            except (PinIncorrect, PinInvalid, PinLocked) as error:
                raise KeystoreLockedError(
                    f"the PIN does not open token {self._settings.token}"
                ) from error
            except PKCS11Error as error:
                self.close()
                if is_last:
                    raise self._unavailable(error) from error
        raise AssertionError  # the loop returns or raises

    def _log_in(self) -> pkcs11.Session:
        try:
            library = pkcs11.lib(str(self._settings.module))
            # The library remembers its tokens; one that was plugged in later is seen only anew.
            library.reinitialize()
            token = library.get_token(token_label=self._settings.token)
            return token.open(rw=True, user_pin=self._pin.decode())
        except (NoSuchToken, MultipleTokensReturned) as error:
            raise SignerUnavailableError(
                f"not exactly one token is labelled {self._settings.token}"
            ) from error

    def _unavailable(self, error: PKCS11Error) -> SignerUnavailableError:
        words = str(error) or type(error).__name__
        return SignerUnavailableError(f"token {self._settings.token}: {words}")


def _keys(session: pkcs11.Session, prefix: str) -> Iterator[TokenKey]:
    points = {
        bytes(public[Attribute.ID]): bytes(public[Attribute.EC_POINT])
        for public in _objects(session, ObjectClass.PUBLIC_KEY)
    }
    for private in _objects(session, ObjectClass.PRIVATE_KEY):
        label = str(private[Attribute.LABEL])
        identifier = bytes(private[Attribute.ID])
        curve = _curve_of(private)
        if not label.startswith(prefix) or curve is None or identifier not in points:
            continue
        # Whoever could change the label could give the key another body, purpose or account.
        is_kept = not private[Attribute.MODIFIABLE] and not private[Attribute.EXTRACTABLE]
        point = _point(points[identifier], curve)
        if is_kept and private[Attribute.SENSITIVE] and point is not None:
            yield TokenKey(label, curve, point, identifier)


def _objects(session: pkcs11.Session, kind: ObjectClass) -> list[Any]:
    return [
        found
        for key_type in (KeyType.EC, KeyType.EC_EDWARDS)
        for found in session.get_objects(
            {Attribute.CLASS: kind, Attribute.KEY_TYPE: key_type, Attribute.TOKEN: True}
        )
    ]


def _generate(session: pkcs11.Session, curve: Curve, label: str) -> TokenKey:
    edwards = curve.is_edwards
    parameters = session.create_domain_parameters(
        KeyType.EC_EDWARDS if edwards else KeyType.EC,
        {Attribute.EC_PARAMS: curve.value},
        local=True,
    )
    identifier = os.urandom(_ID_BYTES)
    public, _ = parameters.generate_keypair(
        mechanism=(Mechanism.EC_EDWARDS_KEY_PAIR_GEN if edwards else Mechanism.EC_KEY_PAIR_GEN),
        id=identifier,
        label=label,
        store=True,
        public_template={Attribute.MODIFIABLE: False},
        private_template={
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.MODIFIABLE: False,
            Attribute.PRIVATE: True,
            Attribute.SIGN: True,
            Attribute.DERIVE: False,
        },
    )
    point = _point(bytes(public[Attribute.EC_POINT]), curve)
    if point is None:
        raise SignerUnavailableError("the token made a key of another form than it was asked for")
    return TokenKey(label, curve, point, identifier)


def _curve_of(private: Any) -> Curve | None:  # noqa: ANN401  (an object of the library)
    parameters = bytes(private[Attribute.EC_PARAMS])
    if parameters == _ED25519_BY_NAME:
        return Curve.ED25519
    return next((curve for curve in Curve if curve.value == parameters), None)


def _point(encoded: bytes, curve: Curve) -> bytes | None:
    """Return the public key inside CKA_EC_POINT; tokens wrap it in an OCTET STRING or do not."""
    length = 32 if curve.is_edwards else 1 + _COORDINATES
    if len(encoded) == length + 2 and encoded[:2] == bytes([_OCTET_STRING, length]):
        encoded = encoded[2:]
    if len(encoded) != length:
        return None
    if curve.is_edwards:
        return encoded
    return encoded[1:] if encoded[0] == _UNCOMPRESSED else None
