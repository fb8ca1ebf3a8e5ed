"""The program behind the development chain: where it is, how it is started and spoken to."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

import httpx

from verifier.core.errors import EvidenceUnavailableError

CHAIN_ID: Final = 31337  # refused by every production profile
WORKING_INTERVAL_SECONDS: Final = 1
IDLE_INTERVAL_SECONDS: Final = 12
_KEPT_STATES: Final = 512  # blocks whose state stays in memory; a verification needs seconds
_SAVE_SECONDS: Final = 2
_CALL_SECONDS: Final = 5.0

_LISTENING: Final = re.compile(rb"^Listening on 127\.0\.0\.1:([0-9]{1,5})\s*$", re.MULTILINE)
_MACHINES: Final = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def problem(message: str) -> EvidenceUnavailableError:
    """Return the error that the development chain cannot be used, for the caller to raise."""
    return EvidenceUnavailableError("chain_unreachable", message)


def find_anvil() -> Path:
    """Return the anvil program: that of the variable ANVIL, of node_modules, or of the PATH.

    Raises:
        EvidenceUnavailableError: There is none (`chain_unreachable`).
    """
    named = os.environ.get("ANVIL")
    if named:
        if not os.access(named, os.X_OK):
            raise problem(f"the variable ANVIL names {named}, which is no program")
        return Path(named)
    machine = _MACHINES.get(platform.machine().lower(), platform.machine())
    package = f"anvil-{platform.system().lower()}-{machine}"
    for root in (Path(__file__).parents[2], Path.cwd()):
        program = root / "node_modules" / "@foundry-rs" / package / "bin" / "anvil"
        if os.access(program, os.X_OK):
            return program
    on_path = shutil.which("anvil")
    if on_path is None:
        raise problem(
            f"the development chain needs anvil: run `npm ci` in the checkout (package "
            f"@foundry-rs/{package}), or name the program in the variable ANVIL"
        )
    return Path(on_path)


def spawn(
    anvil: Path, *, state: Path, log: Path, port: int, lock: int, genesis_time: int | None = None
) -> int:
    """Start anvil in a session of its own, so that it outlives this process.

    Args:
        anvil: The program.
        state: File from which the chain is restored and to which it is saved, regularly and at
            SIGTERM.
        log: Where everything is written that anvil says.
        port: On the loopback interface; 0 for a free one.
        lock: Descriptor of a locked file that anvil keeps open as long as it lives.
        genesis_time: Time of the first block, Unix seconds, for a chain that is restored: anvil
            makes that block at every start, and another time would make another chain beside the
            saved one. The clock of the chain then begins there, see `set_clock`.

    Returns:
        The process id.

    Raises:
        EvidenceUnavailableError: The program cannot be run.
    """
    command = [
        str(anvil),
        *("--host", "127.0.0.1", "--port", str(port), "--no-cors"),
        *("--chain-id", str(CHAIN_ID), "--slots-in-an-epoch", "1"),
        *("--block-time", str(WORKING_INTERVAL_SECONDS)),
        *("--state", str(state), "--state-interval", str(_SAVE_SECONDS)),
        *("--prune-history", str(_KEPT_STATES), "--cache-path", str(state.with_name("cache"))),
        *(() if genesis_time is None else ("--timestamp", str(genesis_time))),
    ]
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    try:
        return os.posix_spawn(
            str(anvil),
            command,
            {"HOME": str(state.parent)},  # nothing else of the starter's surroundings
            file_actions=[
                (os.POSIX_SPAWN_DUP2, lock, 3),
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
    except OSError as error:
        raise problem(f"{anvil} cannot be run: {error.strerror}") from error


def port_in_log(log: Path) -> int | None:
    """Return the port on which anvil says that it listens, None while it does not."""
    found = _LISTENING.search(log.read_bytes()) if log.exists() else None
    return int(found[1]) if found else None


def runs_state(pid: int, state: Path) -> bool:
    """Tell whether a process was started with this file as its state."""
    try:
        return os.fsencode(state) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        if Path("/proc/self").exists():
            return False
    listed = subprocess.run(  # noqa: S603  (a fixed program and a number)
        ["ps", "-ww", "-o", "command=", "-p", str(pid)],  # noqa: S607  (where it is differs)
        capture_output=True,
        check=False,
    )
    return os.fsencode(state) in listed.stdout


def call(url: str, method: str, *params: object) -> object:
    """Return the result of a JSON-RPC call to our own process on this machine.

    Raises:
        EvidenceUnavailableError: It does not answer.
    """
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    try:
        with httpx.Client(trust_env=False, timeout=_CALL_SECONDS) as client:
            answer = client.post(url, json=request).raise_for_status().json()
        return answer["result"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise problem(f"the chain at {url} does not answer {method}: {error}") from error


def set_clock(url: str) -> None:
    """Let the next blocks be dated by the clock of this machine, unless the chain is ahead of it.

    Raises:
        EvidenceUnavailableError: The chain does not answer.
    """
    latest = call(url, "eth_getBlockByNumber", "latest", False)
    if not isinstance(latest, dict):
        raise problem(f"the chain at {url} has no latest block")
    now = int(time.time())
    if now > int(str(latest.get("timestamp")), 16):
        call(url, "evm_setTime", now)


def block_number(url: str, tag: str) -> int:
    """Return the number of the block with a tag such as "latest" or "finalized".

    Raises:
        EvidenceUnavailableError: The chain does not answer or has no such block.
    """
    block = call(url, "eth_getBlockByNumber", tag, False)
    if not isinstance(block, dict):
        raise problem(f"the chain at {url} has no {tag} block")
    return int(str(block.get("number")), 16)
