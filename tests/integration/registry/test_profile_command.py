"""`lancang profile`: what two people compare over the telephone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from registry.cli import main
from tests.support.evidence_builders import trust_profile


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["profile", *arguments])


@pytest.fixture
def profile_file(tmp_path: Path) -> Path:
    path = tmp_path / "profile.json"
    path.write_bytes(trust_profile().document)
    return path


def test_fingerprint_is_that_of_the_canonical_document(profile_file: Path) -> None:
    digits = hashlib.sha256(profile_file.read_bytes()).hexdigest()

    printed, full = run("fingerprint", str(profile_file)).output.split("\n")[:2]

    assert full == digits
    assert printed.replace(" ", "") == digits[:32]


def test_spacing_does_not_change_the_fingerprint(profile_file: Path) -> None:
    before = run("fingerprint", str(profile_file)).output
    profile_file.write_bytes(profile_file.read_bytes().replace(b'","', b'" ,\n "'))

    assert run("fingerprint", str(profile_file)).output == before


def test_show_names_parties_contracts_and_nodes(profile_file: Path) -> None:
    profile = trust_profile()

    shown = run("show", str(profile_file)).output

    assert profile.printed_fingerprint() in shown
    for party in profile.parties:
        assert party.party in shown
    for chain in profile.chains:
        assert all(each.trust_registry.address in shown for each in chain.generations)
        assert all(endpoint.url in shown for endpoint in chain.endpoints)


def test_a_broken_profile_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text("{}")

    outcome = run("show", str(path))

    assert outcome.exit_code == 1
    assert "Traceback" not in outcome.output
