"""Each rule about who may know whom is broken once on purpose and must be reported."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("verifier", "registry", "standards_catalog")

# (words of the contract's name, file, line added at its end)
BREACHES = [
    ("never the reverse", "verifier/service/__init__.py", "import registry.settings"),
    ("never the reverse", "standards_catalog/errors.py", "import verifier.core.errors"),
    ("Verifier layers", "verifier/core/hashing.py", "import verifier.checks.finding"),
    ("Verifier layers", "verifier/checks/verdict.py", "import verifier.report"),
    ("core and checks are pure", "verifier/core/hashing.py", "import secrets"),
    ("core and checks are pure", "verifier/checks/verdict.py", "import time"),
    ("no ORM, no web3", "verifier/chain/rpc.py", "import web3"),
    ("catalogue is pure", "standards_catalog/errors.py", "import time"),
    ("domain rules are pure", "registry/certificates/domain.py", "import sqlalchemy"),
    ("web3 and transaction keys", "registry/certificates/service.py", "import eth_account"),
    ("Order of the registry", "registry/kit/clock.py", "import registry.parties.domain"),
    (
        "Layers of the catalogue",
        "standards_catalog/provenance.py",
        "import standards_catalog.editions",
    ),
    ("knows openpyxl", "standards_catalog/errors.py", "import openpyxl"),
    ("signer process alone", "registry/app.py", "import registry.signing.keystore"),
    (
        "process of their own",
        "registry/anchoring/publisher.py",
        "import registry.anchoring.transaction_vault",
    ),
    ("Inside access control", "registry/access/domain.py", "import registry.access.gate"),
    ("Inside a registry domain", "registry/bodies/domain.py", "import registry.bodies.service"),
]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken_contracts(house: Path) -> list[str]:
    program = Path(sys.executable).parent / "lint-imports"
    environment = os.environ | {"PYTHONPATH": str(house), "PYTHONSAFEPATH": ""}
    done = subprocess.run(
        [program, "--no-cache"], cwd=house, env=environment, capture_output=True, text=True
    )
    listing = " ".join(done.stdout.split())
    assert re.search(r"Contracts: \d+ kept, \d+ broken", listing), done.stdout + done.stderr
    return re.findall(r"(?:KEPT|BROKEN|-----) ([^-]*?) BROKEN", listing)


@pytest.mark.slow
@pytest.mark.parametrize(("contract", "file", "line"), BREACHES, ids=lambda value: str(value)[:40])
def test_a_breach_is_reported(house: Path, contract: str, file: str, line: str) -> None:
    with (house / file).open("a") as module:
        module.write(f"\n{line}\n")

    assert any(contract in name for name in broken_contracts(house))


@pytest.mark.slow
def test_the_house_as_it_is_breaks_nothing(house: Path) -> None:
    assert broken_contracts(house) == []
