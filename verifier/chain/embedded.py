"""The development chain that a demonstration runs on this machine: started, kept, stopped.

The chain is anvil, in a process of its own that outlives whoever started it. Its state directory
holds everything: the saved chain, the log, and two locks. `start.lock` lets one starter work at a
time. `alive.lock` is handed down to anvil itself, so it is held exactly as long as that process
lives, and two processes never write one state. Anvil chooses a free port and says which in its
log; nobody guesses one.

Blocks are made every second, so that final blocks follow quickly. Every one makes the saved state
1.7 KB longer, and all of it is written again every few seconds: whoever is done with the chain but
leaves it running should call `set_block_interval`. States of old blocks are not saved (38 KB a
block): after a restart only blocks from then on can be asked for contract state.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from verifier.chain.anvil import (
    block_number,
    call,
    find_anvil,
    port_in_log,
    problem,
    runs_state,
    set_clock,
    spawn,
)
from verifier.core.errors import EvidenceUnavailableError

_START_SECONDS: Final = 60.0  # a large saved state takes time to load
_STOP_SECONDS: Final = 20.0  # and to save
_POLL_SECONDS: Final = 0.05
_LOG_TAIL: Final = 2000  # bytes of anvil's log in an error message


@dataclass(frozen=True, slots=True)
class EmbeddedEndpoint:
    """Where the running chain answers, and as which process."""

    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class _Record:
    """What is known of the process that holds `alive.lock`; no port while it starts."""

    pid: int
    port: int | None


class EmbeddedChain:
    """The development chain of one state directory.

    Every method raises `EvidenceUnavailableError` (`chain_unreachable`, or `chain_mismatch` when
    the chain found is another than before) with a message that says what to do.

    Args:
        state_dir: Made if needed; two directories are two chains.
        anvil: The program; by default `find_anvil` looks for it when it is needed.
    """

    def __init__(self, state_dir: Path, *, anvil: Path | None = None) -> None:
        self._dir = state_dir.absolute()
        self._anvil = anvil
        self._state = self._dir / "chain.json"
        self._log = self._dir / "anvil.log"
        self._record = self._dir / "process.json"
        self._identity = self._dir / "identity.json"

    def ensure_running(self) -> EmbeddedEndpoint:
        """Return the running chain, started first if it is not running."""
        with self._one_starter():
            if self._is_alive():
                return self._running_endpoint()
            return self._start()

    def find(self) -> EmbeddedEndpoint | None:
        """Return the running chain, None if it is not running."""
        if not self._dir.is_dir():
            return None
        with self._one_starter():
            return self._running_endpoint() if self._is_alive() else None

    def stop(self) -> bool:
        """Stop the chain and wait until its state is saved.

        Returns:
            Whether it was running.
        """
        if not self._dir.is_dir():
            return False
        with self._one_starter():
            if not self._is_alive():
                return False
            self._end(self._own_process())
            return True

    def set_block_interval(self, seconds: int) -> None:
        """Let the running chain make a block every so many seconds."""
        endpoint = self.find()
        if endpoint is None:
            raise problem("the chain is not running")
        call(endpoint.url, "evm_setIntervalMining", seconds)

    def _start(self) -> EmbeddedEndpoint:
        restored = self._state.exists()
        if self._identity.exists() and not restored:
            raise problem(
                f"the saved chain {self._state} is gone; remove {self._dir} to begin a new one"
            )
        # The port of the last time keeps addresses alive that were written down somewhere.
        wanted = [port for port in [self._last_port()] if port is not None]
        for port in (*wanted, 0):
            pid = self._spawn(port)
            endpoint = self._wait_for_port(pid)
            if endpoint is not None:
                break
            if b"Address already in use" not in self._log.read_bytes():
                raise problem(f"anvil ended at once: {self._log_tail()}")
        else:
            raise problem(f"anvil found no free port: {self._log_tail()}")
        try:
            if restored:
                set_clock(endpoint.url)
            self._check_identity(endpoint.url)
            if restored:
                self._wait_for_final_state(endpoint.url)
        except EvidenceUnavailableError:
            self._end(endpoint.pid)
            raise
        return endpoint

    def _end(self, pid: int) -> None:
        """End anvil, which saves its state, and wait until it is gone."""
        for action in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(pid, action)
            if _wait_until(lambda: not self._is_alive(), _STOP_SECONDS):
                break
        else:
            raise problem(f"the chain's process {pid} cannot be stopped")
        with suppress(ChildProcessError):  # only our own child leaves a zombie with us
            os.waitpid(pid, os.WNOHANG)
        self._record.unlink(missing_ok=True)

    def _spawn(self, port: int) -> int:
        with self._lock_file("alive.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            anvil = self._anvil or find_anvil()
            pid = spawn(
                anvil,
                state=self._state,
                log=self._log,
                port=port,
                lock=lock,
                genesis_time=self._genesis_time(),
            )
        self._write(self._record, {"pid": pid, "port": None})
        return pid

    def _wait_for_port(self, pid: int) -> EmbeddedEndpoint | None:
        """Return where anvil listens, None if it ended instead."""

        def settled() -> bool:
            return port_in_log(self._log) is not None or not self._is_alive()

        if not _wait_until(settled, _START_SECONDS):
            raise problem(f"anvil does not listen after {_START_SECONDS:.0f} s: {self._log_tail()}")
        port = port_in_log(self._log)
        if port is None or not self._is_alive():
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
            return None
        self._write(self._record, {"pid": pid, "port": port})
        return EmbeddedEndpoint(f"http://127.0.0.1:{port}", pid)

    def _running_endpoint(self) -> EmbeddedEndpoint:
        pid = self._own_process()
        port = self._read_record().port or port_in_log(self._log)
        if port is None:
            raise problem(f"process {pid} runs the chain but does not say where it listens")
        endpoint = EmbeddedEndpoint(f"http://127.0.0.1:{port}", pid)
        self._check_identity(endpoint.url)
        return endpoint

    def _own_process(self) -> int:
        """Return the recorded process, once its command line proves that it runs this state."""
        pid = self._read_record().pid
        if not runs_state(pid, self._state):
            raise problem(
                f"an unknown process keeps {self._dir} locked; end the anvil that was started "
                f"with --state {self._state}"
            )
        return pid

    def _check_identity(self, url: str) -> None:
        """Compare chain id and genesis block with those of the first start."""
        genesis = call(url, "eth_getBlockByNumber", "0x0", False)
        if not isinstance(genesis, dict):
            raise problem(f"the chain at {url} has no first block")
        found = {
            "chain_id": call(url, "eth_chainId"),
            "genesis": genesis.get("hash"),
            "genesis_time": int(str(genesis.get("timestamp")), 16),
        }
        kept = self._kept_identity()
        if kept is not None and any(kept[name] != found[name] for name in ("chain_id", "genesis")):
            raise EvidenceUnavailableError(
                "chain_mismatch", f"{url} is another chain than the one kept in {self._dir}"
            )
        if kept != found:
            self._write(self._identity, found)

    def _kept_identity(self) -> dict[str, Any] | None:
        if not self._identity.exists():
            return None
        kept: dict[str, Any] = json.loads(self._identity.read_text("utf-8"))
        return kept

    def _genesis_time(self) -> int | None:
        """Return the time of the first block of the saved chain, None for a chain to begin."""
        return (self._kept_identity() or {}).get("genesis_time")

    def _wait_for_final_state(self, url: str) -> None:
        """Wait until the final block is one whose state is there: one made after the restart."""
        restored = block_number(url, "latest")
        if not _wait_until(lambda: block_number(url, "finalized") >= restored, _START_SECONDS):
            raise problem("the chain makes no blocks after its restart")

    def _is_alive(self) -> bool:
        """Tell whether anvil lives, that is whether it still holds the lock handed to it."""
        with self._lock_file("alive.lock") as lock:
            return not _try_lock(lock)

    @contextmanager
    def _one_starter(self) -> Iterator[None]:
        try:
            self._dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise problem(f"{self._dir} cannot be made: {error.strerror}") from error
        with self._lock_file("start.lock") as lock:
            if not _wait_until(lambda: _try_lock(lock), 2 * _START_SECONDS):
                raise problem(f"another process has been starting the chain in {self._dir}")
            yield

    @contextmanager
    def _lock_file(self, name: str) -> Iterator[int]:
        try:
            descriptor = os.open(self._dir / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise problem(f"{self._dir / name}: {error.strerror}") from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _log_tail(self) -> str:
        return self._log.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace").strip()

    def _last_port(self) -> int | None:
        with suppress(EvidenceUnavailableError):
            return self._read_record().port or port_in_log(self._log)
        return port_in_log(self._log)

    def _read_record(self) -> _Record:
        try:
            record = json.loads(self._record.read_text("utf-8"))
            return _Record(int(record["pid"]), record["port"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise problem(f"{self._record} does not say which process runs the chain") from error

    def _write(self, path: Path, value: object) -> None:
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps(value), "utf-8")
        draft.replace(path)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
