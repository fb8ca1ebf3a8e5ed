"""An installation of the hammer's own in a folder: founded, staffed, serving on a free port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLES: Final = ROOT / "examples" / "sample_documents.json"
_COMMANDS: Final = Path(sys.executable).parent
_LISTENING: Final = re.compile(r"running on (http://127\.0\.0\.1:\d+)")
_START_SECONDS: Final = 60.0
_NO_LIMIT: Final = "1000000"  # of requests a minute: one machine plays everybody


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where the hammer falls.

    Attributes:
        url: Address of the registry.
        profile: File of the checker's trust profile.
        clerk: API token of who makes drafts.
        approver: API token of who approves, signs and revokes.
    """

    url: str
    profile: Path
    clerk: str
    approver: str


@contextmanager
def own_ground(folder: Path, *, body: str, database_url: str | None = None) -> Iterator[Ground]:
    """Found an installation in `folder` and serve it until the end of the block.

    Args:
        folder: For everything that is kept; may exist from an earlier run.
        body: Alias of the laboratory that issues.
        database_url: PostgreSQL; None for an SQLite file in the folder.

    Raises:
        RuntimeError: A command failed or the server did not start.
    """
    environment = _environment(folder, database_url)

    def lancang(*arguments: str, tell: str | None = None) -> str:
        done = subprocess.run(
            [_COMMANDS / "lancang", *arguments],
            env=environment, cwd=ROOT, capture_output=True, text=True, input=tell, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"lancang {arguments[0]}: {done.stderr or done.stdout}")
        return done.stdout

    lancang("init", str(SAMPLES))
    tokens = {}
    for name, roles in (("Hammer Clerk", ["clerk"]), ("Hammer Approver", ["approver"])):
        person = lancang("people", "add", name).split()[0]
        for role in roles:
            lancang("people", "grant", person, role, body)
        tokens[name] = lancang("token", "create", person, "--label", "hammer").strip()
    with _serving(folder, environment) as url:
        yield Ground(
            url=url,
            profile=folder / "profile.json",
            clerk=tokens["Hammer Clerk"],
            approver=tokens["Hammer Approver"],
        )


def _environment(folder: Path, database_url: str | None) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LANCANG_")}
    own = {
        "LANCANG_HOME": str(folder),
        "LANCANG_FONTS": str(ROOT / "node_modules"),
        "LANCANG_HTTP__REQUESTS_PER_MINUTE": _NO_LIMIT,
        "LANCANG_HTTP__REQUEST_BURST": _NO_LIMIT,
        "LANCANG_ANCHORING__MAX_AGE": "PT3S",  # many small batches: more edges to go wrong at
    }
    return kept | own | ({} if database_url is None else {"LANCANG_DATABASE_URL": database_url})


@contextmanager
def _serving(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    log = folder / "serve.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [_COMMANDS / "lancang", "serve", "--port", "0"],
            env=environment, cwd=ROOT, stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        yield _address(server, log)
    finally:
        server.terminate()
        server.wait()
        subprocess.run(
            [_COMMANDS / "lancang", "chain", "stop"],
            env=environment, cwd=ROOT, capture_output=True, check=False,
        )  # fmt: skip


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if found := _LISTENING.search(log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"`lancang serve` did not start; its log is {log}")
