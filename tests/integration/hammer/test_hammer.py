"""A short run against an installation of its own: real server, signer, chain and verifier."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.chain, pytest.mark.slow]

ROOT = Path(__file__).parents[3]


def test_a_goal_is_reached_without_a_wrong_answer(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "scripts.hammer", "--folder", tmp_path / "ground",
            "--goal", "30", "--revoked", "0.2", "--seed", "1",
            "--seconds", "400", "--patience", "300",
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["kept"] == outcome["acknowledged"] >= 30
    assert outcome["verdicts"] >= 30
    assert outcome["revoked"] >= 1
