from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from registry.kit.errors import UnusableSettingsError
from registry.settings import ChainSettings, Environment, Settings, SignerSettings, load_settings

ADDRESS = "0x" + "ab" * 20
PRODUCTION = {
    "LANCANG_ENVIRONMENT": "production",
    "LANCANG_DATABASE_URL": "postgresql+psycopg://lancang:hunter2@db/lancang",
    "LANCANG_PROFILE": "/etc/lancang/profile.json",
    "LANCANG_VERIFIER_HOST": "verify.gov.test",
    "LANCANG_CHAIN__RPC_URLS": '["https://one.test", "https://two.test"]',
    "LANCANG_CHAIN__CHAIN_ID": "4242",
    "LANCANG_CHAIN__TRUST_REGISTRY": ADDRESS,
    "LANCANG_CHAIN__CERTIFICATE_LEDGER": ADDRESS,
    "LANCANG_SIGNER__SOCKET": "/run/lancang/signer.sock",
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("LANCANG_"):
            monkeypatch.delenv(name)


def set_all(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_defaults_are_a_demonstration_on_this_machine() -> None:
    settings = load_settings()
    assert settings.environment is Environment.DEMONSTRATION
    assert settings.database == "sqlite:///var/lancang.db"
    assert settings.chain.rpc_urls == ("embedded",)
    assert settings.signer.socket is None


def test_paths_follow_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANCANG_HOME", "/srv/with space")
    settings = load_settings()
    assert settings.database == "sqlite:////srv/with space/lancang.db"
    assert settings.document_keystore == Path("/srv/with space/keys/documents")
    assert settings.transaction_keystore == Path("/srv/with space/keys/transactions")


def test_complete_production_settings_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, PRODUCTION)
    settings = load_settings()
    assert settings.environment is Environment.PRODUCTION
    assert settings.chain == ChainSettings(
        rpc_urls=("https://one.test", "https://two.test"),
        chain_id=4242,
        trust_registry=ADDRESS,
        certificate_ledger=ADDRESS,
    )


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("LANCANG_DATABASE_URL", "sqlite:///x.db", "PostgreSQL"),
        ("LANCANG_CHAIN__RPC_URLS", '["embedded"]', "endpoints"),
        ("LANCANG_CHAIN__CHAIN_ID", "31337", "development chain"),
        ("LANCANG_CHAIN__CHAIN_ID", "1337", "development chain"),
        ("LANCANG_CHAIN__CHAIN_ID", None, "chain_id"),
        ("LANCANG_CHAIN__TRUST_REGISTRY", None, "addresses"),
        ("LANCANG_CHAIN__CERTIFICATE_LEDGER", None, "addresses"),
        ("LANCANG_SIGNER__SOCKET", None, "signer of its own"),
        ("LANCANG_SIGNER__PASSPHRASE", "hunter2", "passphrase"),
        ("LANCANG_PROFILE", None, "trust profile"),
        ("LANCANG_VERIFIER_HOST", "verify.lancang.example", "placeholder"),
    ],
)
def test_production_refuses_what_serves_a_demonstration(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, complaint: str
) -> None:
    set_all(monkeypatch, PRODUCTION)
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(UnusableSettingsError, match=complaint):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LANCANG_DATABSE_URL", "sqlite:///x.db"),
        ("LANCANG_CHAIN__RPC_URL", "https://one.test"),
        ("LANCANG_CHAIN__CHAIN_ID", "-1"),
        ("LANCANG_CHAIN__TRUST_REGISTRY", "0x12"),
        ("LANCANG_CHAIN__RPC_URLS", '["embedded", "https://one.test"]'),
        ("LANCANG_CHAIN__RPC_URLS", "[]"),
        ("LANCANG_ENVIRONMENT", "staging"),
        ("LANCANG_VERIFIER_HOST", "https://verify.test/"),
        ("LANCANG_DATABASE_URL", "mysql://u@h/d"),
        ("LANCANG_DATABASE_URL", "not a url"),
    ],
)
def test_malformed_and_misspelt_settings_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UnusableSettingsError):
        load_settings()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, PRODUCTION | {"LANCANG_CHAIN__CHAIN_ID": "31337"})
    with pytest.raises(UnusableSettingsError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    monkeypatch.setenv("LANCANG_CHAIN__CHAIN_ID", "4242")
    assert "hunter2" not in repr(load_settings())
    assert "hunter2" not in repr(SignerSettings(passphrase=SecretStr("hunter2")))


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().home = Path("/elsewhere")  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Settings().signer.socket = Path("/elsewhere")  # type: ignore[misc]
