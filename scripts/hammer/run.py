"""One run: writers and readers side by side until the goal, the time or the first wrong answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from scripts.hammer.memory import Memory, WrongAnswerError
from scripts.hammer.reading import Reader
from scripts.hammer.writing import Writer

_ROUND_SECONDS: Final = 1.0  # least time between two common blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended.

    Attributes:
        acknowledged: Certificates whose signature was acknowledged.
        kept: Those of them that rest on a final block.
        revoked: Those of them that a verdict called revoked.
        verdicts: Receipts verified as of a common block.
        rounds: Common blocks at which that was done.
        seconds: Duration.
        slowest: Longest way from acknowledgement to a final block, in seconds; None without one.
        wrong: The first wrong answer, None without one.
        reached: Whether the goal was reached.
    """

    acknowledged: int
    kept: int
    revoked: int
    verdicts: int
    rounds: int
    seconds: float
    slowest: float | None
    wrong: WrongAnswerError | None
    reached: bool


@dataclass(slots=True, kw_only=True)
class Run:
    """Writers and a reader over one memory.

    Attributes:
        writers: Each with its own connections.
        reader: Verifies what they were told.
        memory: What was acknowledged.
        stop: Set when the run ends; the writers have it too.
        goal: End when so many certificates rest on a final block and every revocation asked for
            shows; None to run for the whole time.
        seconds: Longest duration.
        tell: Told of every round.
    """

    writers: Sequence[Writer]
    reader: Reader
    memory: Memory
    stop: threading.Event
    goal: int | None
    seconds: float
    tell: Callable[[str], None]
    _wrong: list[Exception] = field(default_factory=list)

    def go(self) -> Outcome:
        """Run to the end.

        Raises:
            Exception: Something failed that is no answer of the registry.
        """
        started = time.monotonic()
        threads = [threading.Thread(target=self._write, args=(each,)) for each in self.writers]
        for thread in threads:
            thread.start()
        rounds = 0
        try:
            while not self.stop.is_set() and not self._is_reached():
                if time.monotonic() - started > self.seconds:
                    break
                rounds += self._read()
                self.stop.wait(_ROUND_SECONDS)
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        return self._outcome(rounds, time.monotonic() - started)

    def _write(self, writer: Writer) -> None:
        try:
            writer.run()
        except Exception as error:  # told by the main thread
            self._wrong.append(error)
            self.stop.set()

    def _read(self) -> int:
        try:
            block = self.reader.round()
        except WrongAnswerError as wrong:
            self._wrong.append(wrong)
            self.stop.set()
            return 0
        memory = self.memory
        where = "the chain does not answer" if block is None else f"block {block}"
        self.tell(
            f"{where}: {len(memory.promises)} acknowledged, {memory.kept} final, "
            f"{memory.revoked} revoked, {memory.verdicts} verdicts"
        )
        return int(block is not None)

    def _is_reached(self) -> bool:
        if self.goal is None or self.memory.kept < self.goal:
            return False
        asked = [each for each in self.memory.all() if each.revoked_at is not None]
        return all(promise.seen_revoked for promise in asked)

    def _outcome(self, rounds: int, seconds: float) -> Outcome:
        wrong = next((each for each in self._wrong if isinstance(each, WrongAnswerError)), None)
        if wrong is None and self._wrong:
            raise self._wrong[0]
        delays = [each.final_after for each in self.memory.all() if each.final_after is not None]
        return Outcome(
            acknowledged=len(self.memory.promises),
            kept=self.memory.kept,
            revoked=self.memory.revoked,
            verdicts=self.memory.verdicts,
            rounds=rounds,
            seconds=seconds,
            slowest=max(delays, default=None),
            wrong=wrong,
            reached=wrong is None and (self.goal is None or self._is_reached()),
        )
