"""A whole installation used through its commands: real chain, real signers, real verifier."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from registry.anchoring.connect import embedded_chain, open_keystore
from registry.anchoring.transaction_keys import TransactionKeystore
from registry.anchoring.trees import TreeShelf
from registry.certificates.delivery import deliver
from registry.certificates.models import CertificateRow
from registry.cli import main
from registry.kit.database import Database
from registry.object_store import open_object_store
from registry.settings import Settings
from tests.support.registry_world import samples
from verifier.cli import command as lancang_verify

MAKER, APPROVER = "Li Na", "Wang Fang"


@dataclass
class Installed:
    """One home folder. Everything is done as a user would, by commands."""

    home: Path
    said: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home)

    @property
    def database(self) -> Database:
        return Database(self.settings.database)

    def attempt(self, *arguments: object) -> Result:
        """Run a command, whatever comes of it."""
        result = CliRunner().invoke(main, ["--no-color", *map(str, arguments)])
        self.said.append(result.output)
        return result

    def run(self, *arguments: object) -> str:
        """Run a command that must succeed, and return its standard output."""
        result = self.attempt(*arguments)
        assert result.exit_code == 0, f"{arguments}: {result.output}"
        return result.stdout

    def refused(self, *arguments: object) -> str:
        """Run a command that must fail, and return what it said."""
        result = self.attempt(*arguments)
        assert result.exit_code != 0, result.output
        return result.stderr

    def found(self) -> None:
        file = self.home / "founders.json"
        self.home.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(samples()), "utf-8")
        self.run("init", file)

    def issue(self, number: str) -> str:
        """Issue the first sample document under a number of its own; return its id."""
        file = self.document(number)
        self.run("issue", file, "--maker", MAKER, "--approver", APPROVER)
        with self.database.read() as session:
            return session.scalars(
                select(CertificateRow.id).where(CertificateRow.number == number)
            ).one()

    def document(self, number: str) -> Path:
        """Write an import file with the first sample document under another number."""
        document = dict(samples()["documents"][0]) | {"number": number}
        file = self.home / f"{number}.json"
        file.write_text(json.dumps([document]), "utf-8")
        return file

    def anchor(self) -> None:
        self.run("anchor", "--wait")

    def keys(self, body: str, purpose: str = "certificate") -> list[dict[str, Any]]:
        """Return the keys of a duty as `lancang keys list --json` tells them, the newest first."""
        lines = self.run("keys", "list", "--body", body, "--json").splitlines()
        listed = [json.loads(line) for line in lines]
        return [key for key in listed if key["purpose"] == purpose and key["algorithm"] == "ES256"]

    def verify(self, certificate_id: str) -> dict[str, Any]:
        """Return the verifier's report about the holder's files, with its lines by name."""
        trees = TreeShelf(open_object_store(self.settings))
        with self.database.read() as session:
            delivery = deliver(session, certificate_id, trees=trees, verifier_host="verify.example")
        token, receipt = self.home / "a.sdjwt", self.home / "a.receipt.json"
        token.write_text(delivery.compact)
        receipt.write_bytes(delivery.receipt)
        result = CliRunner().invoke(
            lancang_verify,
            [str(token), "--receipt", str(receipt), "--json",
             "--profile", str(self.settings.trust_profile)],
        )  # fmt: skip
        report: dict[str, Any] = json.loads(result.stdout)
        report["lines"] = {line["line"]: line for line in report["lines"]}
        return report

    def keystore(self) -> TransactionKeystore:
        return open_keystore(self.settings)


@contextmanager
def installed(home: Path, patch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """Yield a founded installation, and stop its chain at the end."""
    patch.setenv("LANCANG_HOME", str(home))
    installation = Installed(home)
    try:
        installation.found()
        yield installation
    finally:
        embedded_chain(installation.settings).stop()
