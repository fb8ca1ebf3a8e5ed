"""Settings of the registry, read once from the environment (`LANCANG_*`, `__` between levels).

Nothing reads settings at import: commands call `load_settings` and pass the result on.
"""

from __future__ import annotations

import os
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from registry.kit.errors import UnusableSettingsError
from verifier.chain import chain_profile
from verifier.core.limits import MAX_BATCH_LEAVES

EMBEDDED: Final = "embedded"  # the development chain that Lancang starts itself
DEVELOPMENT_CHAIN_IDS: Final = chain_profile.DEVELOPMENT_CHAIN_IDS
_PREFIX: Final = "LANCANG_"
_DELIMITER: Final = "__"
# In clear over loopback alone: whoever may ask such a signer may spend the money of its accounts.
_SIGNER_URL: Final = r"^(https://|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?(/|$))"
_HOST: Final = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$"


class Environment(StrEnum):
    """What the installation is for; production refuses values that only serve a demonstration."""

    DEMONSTRATION = "demonstration"
    PRODUCTION = "production"


class CoSigning(StrEnum):
    """Whether laboratories co-sign with SM2."""

    ON = "on"  # a signer that cannot is an error
    WHERE_POSSIBLE = "where_possible"
    OFF = "off"


class Group(BaseModel, frozen=True, extra="forbid"):
    """A group of settings."""


class MutualTls(Group, frozen=True, extra="forbid"):
    """A line to a signer of another machine, on which both sides show a certificate.

    Attributes:
        host: Name of the signer's machine, which its certificate names too. The signer listens on
            the address of that name.
        port: Where it listens.
        authority: Certificates (PEM) of the authority of the other side.
        certificate: Our own certificate (PEM).
        key: Its private key (PEM).
    """

    host: str
    port: Annotated[int, Field(ge=1, le=65535)]
    authority: Path
    certificate: Path
    key: Path


class Pkcs11Settings(Group, frozen=True, extra="forbid"):
    """A PKCS#11 token that holds keys. Its PIN is the first line of the passphrase file.

    Attributes:
        module: Shared library of the token's maker.
        token: Label of the token.
    """

    module: Path
    token: Annotated[str, Field(min_length=1, max_length=32)]


class ChainSettings(Group, frozen=True, extra="forbid"):
    """How to reach the chain that carries the anchors.

    Attributes:
        rpc_urls: JSON-RPC endpoints, or the single word "embedded".
        chain_id: Expected chain id; None only with the embedded chain.
        trust_registry: Address of the TrustRegistry; None: the deployment kept in `home`.
        certificate_ledger: Address of the CertificateLedger; None likewise.
        keystore: Folder of the encrypted transaction keys; None: inside `home`.
        passphrase_file: File whose first line unlocks the transaction keys.
        timeout: Longest wait for one answer of a node.
        signer_socket: Unix domain socket of a transaction signer that is already running; None:
            commands start one for as long as they need it.
        signer_tls: The same on another machine.
        pkcs11: Token that holds transaction keys beside those of the keystore.
        remote_signer: URL of a signer that answers `eth_accounts` and `eth_signTransaction`, such
            as Web3Signer; it signs for roles whose key is nowhere else.
        account_daily_budget: Most that the transactions of one account may cost within a day, in
            wei; the transaction signer refuses more.
    """

    rpc_urls: Annotated[tuple[str, ...], Field(min_length=1)] = (EMBEDDED,)
    chain_id: Annotated[int, Field(gt=0)] | None = None
    trust_registry: Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")] | None = None
    certificate_ledger: Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")] | None = None
    keystore: Path | None = None
    passphrase_file: Path | None = None
    timeout: timedelta = timedelta(seconds=10)
    signer_socket: Path | None = None
    signer_tls: MutualTls | None = None
    pkcs11: Pkcs11Settings | None = None
    remote_signer: Annotated[str, Field(pattern=_SIGNER_URL)] | None = None
    account_daily_budget: Annotated[int, Field(gt=0)] = 10**18


class SignerSettings(Group, frozen=True, extra="forbid"):
    """Where document keys live and how their process is reached.

    Attributes:
        socket: Unix domain socket of a signer that is already running; None: commands start one
            for as long as they need it.
        tls: The same on another machine; instead of `socket`.
        pkcs11: Token that holds the document keys instead of the keystore.
        keystore: Folder of the encrypted document keys; None: inside `home`.
        passphrase_file: File whose first line unlocks the keystore, or is the PIN of the token.
        passphrase: The passphrase itself, where a secret store puts it into the environment.
        timeout: Longest wait for one signature.
        sm2: Whether `lancang init` has SM2 keys made, with which laboratories co-sign their
            certificates; None: in a demonstration, where the signer can. Keys that are there are
            used until they are revoked, whatever this says.
    """

    socket: Path | None = None
    tls: MutualTls | None = None
    pkcs11: Pkcs11Settings | None = None
    keystore: Path | None = None
    passphrase_file: Path | None = None
    passphrase: SecretStr | None = None
    timeout: timedelta = timedelta(seconds=10)
    sm2: bool | None = None


class AnchoringSettings(Group, frozen=True, extra="forbid"):
    """When batches are closed, how patient their publisher is, and what may be spent.

    Attributes:
        max_leaves: A batch is closed at once when it can have so many leaves.
        max_age: It is closed when its oldest leaf has waited so long.
        resend_after: A transaction is sent again when unmined for so long.
        replace_after: Its fees are raised when it is unmined for so long.
        max_fee_per_gas: Highest fee in wei per gas; None: the budget alone decides.
        budget: Most that one batch or change of status may cost, in wei.
        max_accounts: For how many operators' accounts one process works; None: for all that are
            free. With 1, as many processes as there are accounts anchor side by side.
    """

    max_leaves: Annotated[int, Field(ge=1, le=MAX_BATCH_LEAVES)] = MAX_BATCH_LEAVES
    max_age: timedelta = timedelta(minutes=5)
    resend_after: timedelta = timedelta(seconds=30)
    replace_after: timedelta = timedelta(minutes=2)
    max_fee_per_gas: Annotated[int, Field(ge=0)] | None = None
    budget: Annotated[int, Field(gt=0)] = 50_000_000_000_000_000
    max_accounts: Annotated[int, Field(ge=1)] | None = None


class StoreSettings(Group, frozen=True, extra="forbid"):
    """Where objects are kept, and under which key their data keys are wrapped.

    Attributes:
        bucket: Bucket of an S3-compatible service; None: a folder inside `home`.
        endpoint: URL of the service; None: AWS.
        region: Region that requests are signed for.
        prefix: What every key in the bucket begins with; empty, or ending in a slash.
        credentials_file: File with the access key id and, below it, the secret; None: what the
            client finds by itself (environment, role of the machine).
        timeout: Longest wait for a connection or for the next bytes.
        key_file: File of the key that wraps data keys; None: inside `home`.
        earlier_key_files: Files of keys that wrapped some before, until they are wrapped anew.
    """

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    endpoint: Annotated[str, Field(pattern=r"^https?://[^/?#@]+/?$")] | None = None
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] = "us-east-1"
    prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/)*$", max_length=200)] = ""
    credentials_file: Path | None = None
    timeout: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(seconds=10)
    key_file: Path | None = None
    earlier_key_files: tuple[Path, ...] = ()


class HttpSettings(Group, frozen=True, extra="forbid"):
    """Where `lancang serve` listens, and how often one network address may ask.

    Attributes:
        host: Address to listen on.
        port: Port; 0 for a free one.
        requests_per_minute: Requests of one address that come back in a minute.
        request_burst: Requests of one address at once.
        sign_ins_per_minute: Attempts to sign in, likewise, beside the delay of each account.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8400
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 1200
    request_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 1200
    sign_ins_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 60


class Settings(BaseSettings):
    """Settings of one installation.

    Attributes:
        home: Folder of everything that is not in the database (keys, chain state, objects).
        database_url: SQLAlchemy URL; None: an SQLite file inside `home`.
        verifier_host: Host name that QR codes show; readers ignore it.
        fonts: Folder of the npm packages with the fonts of the printed page.
        profile: Trust profile used to verify; None: the demonstration profile inside `home`.
        access_key_file: File of the key under which API tokens and sessions are stored; None:
            inside `home`. Every process of an installation reads the same.
        retention_years: For how long contents of certificates are kept at least; `lancang
            retention` erases nothing younger. Six: what RB/T 214-2017, 4.5.27 asks at least of
            Chinese laboratories; ISO/IEC 17025, 8.4.2 leaves the period to law and contract.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter=_DELIMITER, frozen=True, extra="forbid"
    )

    environment: Environment = Environment.DEMONSTRATION
    home: Path = Path("var")
    database_url: SecretStr | None = None
    verifier_host: Annotated[str, Field(pattern=_HOST, max_length=64)] = "verify.lancang.example"
    fonts: Path = Path("node_modules")
    profile: Path | None = None
    access_key_file: Path | None = None
    chain: ChainSettings = ChainSettings()
    anchoring: AnchoringSettings = AnchoringSettings()
    signer: SignerSettings = SignerSettings()
    store: StoreSettings = StoreSettings()
    http: HttpSettings = HttpSettings()
    retention_years: Annotated[int, Field(ge=1, le=100)] = 6

    @property
    def database(self) -> str:
        """Return the database URL in use, with its password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home / 'lancang.db'}"

    @property
    def document_keystore(self) -> Path:
        """Return the folder of the encrypted document keys."""
        return self.signer.keystore or self.home / "keys" / "documents"

    @property
    def co_signing(self) -> CoSigning:
        """Return whether laboratories are given SM2 keys to co-sign with."""
        if self.signer.sm2 is None:
            demonstration = self.environment is Environment.DEMONSTRATION
            return CoSigning.WHERE_POSSIBLE if demonstration else CoSigning.OFF
        return CoSigning.ON if self.signer.sm2 else CoSigning.OFF

    @property
    def trust_profile(self) -> Path:
        """Return the trust profile under which this installation verifies."""
        return self.profile or self.home / "profile.json"

    @property
    def access_key(self) -> Path:
        """Return the file of the key under which API tokens and sessions are stored."""
        return self.access_key_file or self.home / "keys" / "access.key"

    @property
    def embedded_chain(self) -> Path:
        """Return the folder of the development chain."""
        return self.home / "chain"

    @property
    def objects(self) -> Path:
        """Return the folder of the object store, where no bucket is configured."""
        return self.home / "objects"

    @property
    def object_key(self) -> Path:
        """Return the file of the key under which data keys are wrapped."""
        return self.store.key_file or self.home / "keys" / "objects.key"

    @property
    def transaction_keystore(self) -> Path:
        """Return the folder of the encrypted transaction keys."""
        return self.chain.keystore or self.home / "keys" / "transactions"

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            backend = make_url(self.database).get_backend_name()
        except ArgumentError as error:
            raise ValueError("database_url is not a database URL") from error
        if backend not in {"sqlite", "postgresql"}:
            raise ValueError(f"database_url names {backend}; SQLite and PostgreSQL are supported")
        if EMBEDDED in self.chain.rpc_urls and len(self.chain.rpc_urls) > 1:
            raise ValueError("the embedded chain cannot be combined with other endpoints")
        if self.signer.pkcs11 is not None and self.signer.pkcs11 == self.chain.pkcs11:
            raise ValueError("document and transaction keys need tokens of their own")
        if self.environment is Environment.PRODUCTION:
            self._refuse_demonstration_values(backend)
        return self

    def _refuse_demonstration_values(self, backend: str) -> None:
        chain = self.chain
        unsafe = {
            "production needs a PostgreSQL database": backend == "sqlite",
            "production needs endpoints of a real chain": EMBEDDED in chain.rpc_urls,
            "production needs chain_id": chain.chain_id is None,
            "chain_id is that of a development chain": chain.chain_id in DEVELOPMENT_CHAIN_IDS,
            "production needs the addresses of the contracts": None
            in (chain.trust_registry, chain.certificate_ledger),
            "production needs a signer of its own (signer.socket or signer.tls)": (
                self.signer.socket is None and self.signer.tls is None
            ),
            "production keeps no passphrase in the environment": self.signer.passphrase is not None,
            "production needs a trust profile": self.profile is None,
            "production reaches its object store by https": (self.store.endpoint or "").startswith(
                "http:"
            ),
            "verifier_host is a placeholder": self.verifier_host.endswith(".example"),
        }
        if found := [message for message, is_wrong in unsafe.items() if is_wrong]:
            raise ValueError("; ".join(found))


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        UnusableSettingsError: A value is malformed, unsafe in production, or a `LANCANG_*`
            variable means nothing (a misspelt setting must not be ignored). Values are not part
            of the message: they may be secrets.
    """
    unknown = sorted(
        name
        for name in os.environ
        if name.upper().startswith(_PREFIX)
        and name.upper().removeprefix(_PREFIX).split(_DELIMITER)[0].lower()
        not in Settings.model_fields
    )
    if unknown:
        raise UnusableSettingsError(f"unknown setting {', '.join(unknown)}")
    try:
        return Settings()
    except ValidationError as error:
        problems = (
            f"{'.'.join(str(part) for part in item['loc']) or 'settings'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise UnusableSettingsError("; ".join(problems)) from None
