"""Transaction keys in a PKCS#11 token. For the transaction signer's process alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from coincurve import PublicKey

from registry.anchoring.errors import KeystoreError
from registry.anchoring.transaction_encoding import address_of, low_s_signature
from registry.anchoring.transaction_keys import check_role
from registry.anchoring.transaction_vault import Account
from registry.signing.pkcs11_token import Curve, Token, TokenKey

_LABEL: Final = "lancang-transaction/1"  # then the role, after a blank


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """The private key of one account inside a token."""

    token: Token
    key: TokenKey

    @property
    def address(self) -> str:
        """See `Account.address`."""
        return address_of(self.key.point)

    def sign(self, digest: bytes) -> bytes:
        """See `Account.sign`."""
        signature = low_s_signature(self.token.sign(self.key, digest))
        for parity in (b"\x00", b"\x01"):
            try:
                signer = PublicKey.from_signature_and_message(
                    signature + parity, digest, hasher=None
                )
            except ValueError:
                continue  # no point has this parity
            if signer.format(compressed=False)[1:] == self.key.point:
                return signature + parity
        raise KeystoreError("two objects of the token have one id and are no pair")


class TokenAccountVault:
    """The transaction keys of one token; implements `AccountVault`."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def close(self) -> None:
        """End the session with the token."""
        self._token.close()

    def accounts(self) -> dict[str, str]:
        """See `AccountVault.accounts`."""
        return {role: account.address for role, account in sorted(self._held().items())}

    def open(self, role: str) -> Account:
        """See `AccountVault.open`."""
        held = self._held()
        if role not in held:
            raise KeystoreError(f"the token holds no transaction key {role}")
        return held[role]

    def create(self, role: str, *, work_factor: int) -> str:
        """See `AccountVault.create`; the token protects the key, so no work factor is needed."""
        del work_factor
        held = self._held()
        if role in held:
            return held[role].address
        key = self._token.generate(Curve.SECP256K1, f"{_LABEL} {check_role(role)}")
        return TokenAccount(self._token, key).address

    def _held(self) -> dict[str, TokenAccount]:
        held: dict[str, TokenAccount] = {}
        for key in self._token.keys(f"{_LABEL} "):
            role = key.label.removeprefix(f"{_LABEL} ")
            if key.curve is not Curve.SECP256K1:
                continue
            if role in held:
                raise KeystoreError(f"the token holds two transaction keys {role}")
            held[role] = TokenAccount(self._token, key)
        return held
