"""Making and keeping published status lists.

The bits come from the chain at a final block, never from the database. A list is made when
somebody asks for it, and made again when it is older than `REFRESH`. While the chain or the signer
does not answer, the last one is handed out for as long as it is valid: it says itself how old it
is.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, Protocol

from registry.bodies.domain import Body
from registry.bodies.errors import BodyNotFoundError
from registry.bodies.service import get_body, signing_key
from registry.kit.clock import Clock
from registry.kit.database import Database
from registry.kit.errors import RegistryError
from registry.signing.client import SignerClient
from registry.status_lists.errors import StatusListNotFoundError, StatusListUnavailableError
from registry.status_lists.repository import list_exists
from verifier.chain.source import StatusWords
from verifier.checks.facts import Head, KeyPurpose
from verifier.core.errors import VerifierError
from verifier.core.keys import PublicKey
from verifier.core.status_list import (
    MIN_ENTRIES,
    WORD_BITS,
    StatusList,
    StatusPurpose,
    bits_of_words,
    issue_status_list,
    parse_status_list,
)

REFRESH: Final = timedelta(minutes=5)  # a reader behind it asks again; the chain is not asked more
VALIDITY: Final = timedelta(hours=24)  # as old as evidence may be without a note
_KEPT: Final = 1024  # lists in memory; an encoded list without revocations has 700 bytes


class LedgerStatus(Protocol):
    """What publishing needs from a trust source; `RpcTrustSource` has it."""

    def head(self) -> Head:
        """Return the final block at which the source answers."""
        ...

    def status_event_count(self, body_id: bytes) -> int:
        """Return how many status changes of a body are recorded."""
        ...

    def status_words(self, body_id: bytes, *, list_number: int, words: int) -> StatusWords:
        """Return the first words of a status list."""
        ...


OpenLedger = Callable[[], AbstractContextManager[LedgerStatus]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A status list as handed out.

    Attributes:
        token: The signed credential.
        content: What it says.
        tag: SHA-256 of the token, hexadecimal.
        fresh_until: Until when nobody needs to ask again, Unix seconds.
    """

    token: str
    content: StatusList
    tag: str
    fresh_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The bits of both purposes, with the count of changes that they answer to."""

    head: Head
    events: int
    bits: dict[StatusPurpose, bytes]


@dataclass(slots=True)
class _Shelf:
    """What is kept about one list."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    read: _Read | None = None
    published: dict[StatusPurpose, Published] = field(default_factory=dict)


class StatusLists:
    """The published lists of one installation; may be used by many threads.

    Args:
        database: Tells which lists exist and which key signs.
        open_ledger: Opens the chain at its final block; None where no profile is installed.
        signer: Holder of the keys of purpose `statement`; None where this process does not sign.
        clock: The present moment.
    """

    def __init__(
        self,
        *,
        database: Database,
        open_ledger: OpenLedger | None,
        signer: SignerClient | None,
        clock: Clock,
    ) -> None:
        self._database = database
        self._open_ledger = open_ledger
        self._signer = signer
        self._clock = clock
        self._lock = threading.Lock()
        self._shelves: OrderedDict[tuple[bytes, int], _Shelf] = OrderedDict()

    def find(self, body_id: bytes, list_number: int, purpose: StatusPurpose) -> Published:
        """Return a list that is at most `REFRESH` old, or the newest that is still valid.

        Raises:
            StatusListNotFoundError: This registry has no such list.
            StatusListUnavailableError: It cannot be made now and no valid one is kept.
        """
        body, key = self._lookup(body_id, list_number)
        shelf = self._shelf(body_id, list_number)
        with shelf.lock:  # the others wait for the one who makes it
            now = int(self._clock().timestamp())
            kept = shelf.published.get(purpose)
            if kept is not None and now < kept.fresh_until:
                return kept
            try:
                made = self._make(shelf, body, key, list_number, purpose, now=now)
            except (RegistryError, VerifierError) as error:
                if kept is not None and now < kept.content.valid_until:
                    return kept
                raise StatusListUnavailableError(
                    f"the list cannot be made at the moment ({error.code}); ask again later"
                ) from error
            shelf.published[purpose] = made
            return made

    def _lookup(self, body_id: bytes, list_number: int) -> tuple[Body, PublicKey | None]:
        with self._database.read() as session:
            try:
                body = get_body(session, body_id).body
            except BodyNotFoundError as error:
                raise StatusListNotFoundError("this registry has no such body") from error
            if not list_exists(session, body_id, list_number):
                raise StatusListNotFoundError("no certificate has its status in this list")
            try:
                found = signing_key(session, body_id, KeyPurpose.STATEMENT, at=self._clock())
            except RegistryError:
                return body, None  # a kept list is still good
            return body, found.public_key

    def _shelf(self, body_id: bytes, list_number: int) -> _Shelf:
        with self._lock:
            shelf = self._shelves.setdefault((body_id, list_number), _Shelf())
            self._shelves.move_to_end((body_id, list_number))
            while len(self._shelves) > _KEPT:
                self._shelves.popitem(last=False)
            return shelf

    def _make(
        self,
        shelf: _Shelf,
        body: Body,
        key: PublicKey | None,
        list_number: int,
        purpose: StatusPurpose,
        *,
        now: int,
    ) -> Published:
        if key is None or self._signer is None or self._open_ledger is None:
            message = "this process has no chain, or no key of the body for statements"
            raise StatusListUnavailableError(message)
        shelf.read = read = self._read(shelf.read, body.id, list_number)
        content = StatusList(
            party=body.party,
            did=body.did,
            list_number=list_number,
            purpose=purpose,
            chain_id=read.head.chain_id,
            block=read.head.block,
            block_hash=read.head.block_hash,
            time=read.head.time,
            valid_until=read.head.time + int(VALIDITY.total_seconds()),
            bits=read.bits[purpose],
        )
        token = issue_status_list(content, self._signer.signer(key))
        again = parse_status_list(token)  # read back from the text that will be delivered
        if again.content != content or not again.jws.signed_by(key):
            raise StatusListUnavailableError("the new status list differs from what was read")
        return Published(
            token=token,
            content=content,
            tag=hashlib.sha256(token.encode("ascii")).hexdigest(),
            fresh_until=now + int(REFRESH.total_seconds()),
        )

    def _read(self, last: _Read | None, body_id: bytes, list_number: int) -> _Read:
        """Read the bits at the final block, or say that none has changed since the last time."""
        assert self._open_ledger is not None  # noqa: S101  (checked by the caller)
        with self._open_ledger() as ledger:
            head, events = ledger.head(), ledger.status_event_count(body_id)
            if last is not None and (last.events, last.head.chain_id) == (events, head.chain_id):
                return replace(last, head=head)
            words = ledger.status_words(
                body_id, list_number=list_number, words=MIN_ENTRIES // WORD_BITS
            )
        return _Read(
            head=head,
            events=events,
            bits={
                StatusPurpose.REVOCATION: bits_of_words(words.revoked),
                StatusPurpose.SUSPENSION: bits_of_words(words.suspended),
            },
        )
