"""Nobody puts an old bundle back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bundles import bundle_of
from tests.support.evidence_builders import World, trust_profile
from verifier.bundle.content import encode_content
from verifier.bundle.file import BundleFile
from verifier.bundle.memory import BundleMemory
from verifier.bundle.opening import OpenedBundle, accept_bundle
from verifier.chain.profile import Profile
from verifier.core.errors import UntrustedBundleError

PROFILE = trust_profile(demonstration=True)
OTHER_PROFILE = trust_profile(demonstration=True, name="Another")


def opened(block: int, block_hash: bytes = bytes(32), profile: Profile = PROFILE) -> OpenedBundle:
    bundle = bundle_of(World(), block=block, block_hash=block_hash)
    return accept_bundle(BundleFile(encode_content(bundle)), profile)


def refusal(memory: BundleMemory, bundle: OpenedBundle) -> str:
    with pytest.raises(UntrustedBundleError) as caught:
        memory.accept(PROFILE, bundle)
    return caught.value.reason


@pytest.fixture
def memory(tmp_path: Path) -> BundleMemory:
    return BundleMemory(tmp_path / "a folder" / "bundles.json")


def test_the_same_and_later_ones_are_used_and_earlier_ones_not(memory: BundleMemory) -> None:
    for block in (200, 200, 201, 300):
        memory.accept(PROFILE, opened(block))

    assert refusal(memory, opened(299)) == "older_than_seen"
    memory.accept(PROFILE, opened(300))


def test_another_one_about_the_same_block_is_refused(memory: BundleMemory) -> None:
    memory.accept(PROFILE, opened(200))

    assert refusal(memory, opened(200, b"\x01" * 32)) == "conflicting"


def test_every_profile_is_remembered_for_itself(memory: BundleMemory) -> None:
    memory.accept(PROFILE, opened(300))
    memory.accept(OTHER_PROFILE, opened(200, profile=OTHER_PROFILE))

    assert refusal(memory, opened(200)) == "older_than_seen"


@pytest.mark.parametrize("content", [b"", b"{}", b'{"bundles":2,"seen":{}}', b"\xff"])
def test_a_memory_that_cannot_be_read_is_no_memory(memory: BundleMemory, content: bytes) -> None:
    memory.path.parent.mkdir()
    memory.path.write_bytes(content)

    assert refusal(memory, opened(200)) == "memory"
    assert memory.path.read_bytes() == content


def test_a_memory_that_cannot_be_written_is_no_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    assert refusal(BundleMemory(tmp_path / "file" / "bundles.json"), opened(200)) == "memory"


def test_a_failed_write_leaves_the_old_file(
    memory: BundleMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.accept(PROFILE, opened(200))
    before = memory.path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert refusal(memory, opened(300)) == "memory"
    assert memory.path.read_bytes() == before
    assert {path.name for path in memory.path.parent.iterdir()} == {
        "bundles.json",
        "bundles.json.lock",
    }


def test_processes_share_it(memory: BundleMemory) -> None:
    script = (
        "import sys; from pathlib import Path;"
        "from tests.unit.verifier.bundle import test_memory as t;"
        "t.BundleMemory(Path(sys.argv[1])).accept(t.PROFILE, t.opened(int(sys.argv[2])))"
    )
    root = Path(__file__).parents[4]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(memory.path), str(block)],
            cwd=root,
            stderr=subprocess.DEVNULL,
        )
        for block in (400, 500, 600)
    ]
    for process in running:
        process.wait(timeout=60)

    assert refusal(memory, opened(599)) == "older_than_seen"
    memory.accept(PROFILE, opened(600))
