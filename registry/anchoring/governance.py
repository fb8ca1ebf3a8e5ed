"""What is missing in the TrustRegistry, and the acts that bring it there.

Parties and operators are decided by governance: a member proposes, others approve, a member
executes after the delay. Bodies, scopes and keys are registered by their party. Every function
looks at the chain first and returns only acts that are still missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from registry.anchoring.ceremony import Act, Ceremony
from registry.anchoring.deployment import Governance
from registry.anchoring.errors import CeremonyConflictError
from registry.anchoring.ports import BlockRef
from registry.anchoring.registration import (
    BodyEntry,
    KeyEntry,
    PartyEntry,
    Registered,
    Registration,
    ScopeEntry,
)
from verifier.chain.contracts import TRUST_REGISTRY, contract
from verifier.checks.facts import BodyState
from verifier.core.ids import party_bytes32

_ABI: Final = contract(TRUST_REGISTRY)
_NO_DOCUMENT: Final = bytes(32)  # a party is described off chain by its own publication


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """Brings a registration into one TrustRegistry.

    Attributes:
        ceremony: Performs the acts.
        address: Of the TrustRegistry.
        governance: Who decides about parties and operators.
    """

    ceremony: Ceremony
    address: str
    governance: Governance

    def register(self, wanted: Registration) -> Registered:
        """Perform every missing act and return since when what stands, final.

        Raises:
            CeremonyConflictError: Something stands on chain with another content.
            ActsForOthersError: The rest needs keys that are not here.
            ChainUnavailableError: No usable answer in time; repeat the ceremony.
        """
        self._decide(lambda at: self._missing_decisions(wanted, at))
        for missing in (self._body_acts, self._description_acts):
            self.ceremony.perform(list(missing(wanted)))
        self.ceremony.await_final()
        return self._registered(wanted, self.ceremony.chain.final())

    def withdraw(self, operator: str) -> None:
        """Have governance close the window of an operator; what it anchored keeps counting.

        Args:
            operator: Name of its transaction key.

        Raises:
            CeremonyConflictError: It takes effect later, or the members cannot agree any more.
            ActsForOthersError: The rest needs keys that are not here.
            ChainUnavailableError: No usable answer in time; repeat it.
        """
        account = self.ceremony.keystore.roles()[operator]

        def missing(at: BlockRef) -> Iterator[tuple[str, bytes]]:
            window = self._read("operatorWindow", account, at=at)
            if window["from"] != 0 and window["until"] == 0:
                call = _ABI.encode_call("withdrawOperator", account)
                yield f"withdraw {operator}", call

        self._decide(missing)
        self.ceremony.await_final()

    # governance

    def _decide(self, missing: Callable[[BlockRef], Iterator[tuple[str, bytes]]]) -> None:
        """Bring every missing decision as far as it goes: proposed, approved, executed."""
        while True:
            at = self.ceremony.chain.head()
            proposals = self._proposals(at)
            steps = [self._next_step(title, action, proposals, at) for title, action in missing(at)]
            acts = [step for step in steps if isinstance(step, Act)]
            if not acts:
                break
            self.ceremony.perform(acts)
        if steps:
            raise CeremonyConflictError("; ".join(str(step) for step in steps))

    def _missing_decisions(self, wanted: Registration, at: BlockRef) -> Iterator[tuple[str, bytes]]:
        roles = self.ceremony.keystore.roles()
        for party in wanted.parties:
            found = self._party(party, at)
            if found["addedAt"] == 0:
                arguments = (
                    party_bytes32(party.id),
                    party.country.encode("ascii"),
                    roles[party.role],
                    _NO_DOCUMENT,
                )
                yield f"add party {party.id}", _ABI.encode_call("addParty", *arguments)
            elif found["country"] != party.country.encode("ascii"):
                raise CeremonyConflictError(f"party {party.id} stands with another country")
        for operator in wanted.operators:
            account = roles[operator]
            if self._read("operatorWindow", account, at=at)["from"] == 0:
                call = _ABI.encode_call("authoriseOperator", account)
                yield f"authorise {operator}", call

    def _proposals(self, at: BlockRef) -> list[bytes]:
        count = self._read("proposalCount", at=at)["count"]
        return [self._read("proposalAt", i, at=at)["actionHash"] for i in range(count)]

    def _next_step(
        self, title: str, action: bytes, proposals: list[bytes], at: BlockRef
    ) -> Act | str:
        """Return the next act for a decision, or words why it must wait."""
        for nonce in reversed(range(len(proposals))):
            if proposals[nonce] != self._action_hash(nonce, action):
                continue
            proposal = self._read("proposalOf", proposals[nonce], at=at)["proposal"]
            if proposal["executedAt"] == 0 and at.time < proposal["expiresAt"]:
                return self._act_on(title, action, nonce, proposal, at)
        member = self._member()
        call = _ABI.encode_call("propose", action)
        return Act(title=f"propose: {title}", role=member, to=self.address, data=call)

    def _act_on(
        self, title: str, action: bytes, nonce: int, proposal: Mapping[str, Any], at: BlockRef
    ) -> Act | str:
        if proposal["readyAt"] == 0:
            roles = self.ceremony.keystore.roles()
            approved = set(proposal["approvers"])
            waiting = [role for role in self.governance.roles if roles[role] not in approved]
            if not waiting:
                return f"{title}: the members changed and too few of them are left to approve"
            member = self._member(waiting)
            call = _ABI.encode_call("approve", self._action_hash(nonce, action))
            return Act(title=f"approve: {title}", role=member, to=self.address, data=call)
        if at.time < proposal["readyAt"]:
            ready = datetime.fromtimestamp(proposal["readyAt"], tz=UTC)
            return f"{title}: agreed, takes effect from {ready:%Y-%m-%d %H:%M} UTC; repeat then"
        call = _ABI.encode_call("execute", nonce, action)
        return Act(title=title, role=self._member(), to=self.address, data=call)

    def _member(self, among: list[str] | None = None) -> str:
        """Return a member whose key is here, otherwise the first, whose act is described."""
        candidates = list(self.governance.roles) if among is None else among
        own = [role for role in candidates if self.ceremony.keystore.holds(role)]
        return (own or candidates)[0]

    def _action_hash(self, nonce: int, action: bytes) -> bytes:
        types = ["uint256", "address", "uint256", "bytes"]
        values = (self.ceremony.chain.chain_id, self.address, nonce, action)
        return keccak(encode(types, values))

    # the parties' own acts

    def _body_acts(self, wanted: Registration) -> Iterator[Act]:
        at = self.ceremony.chain.head()
        roles = self.ceremony.keystore.roles()
        parties = {party.id: party for party in wanted.parties}
        for body in wanted.bodies:
            found = self._dossier(body.id, at)["body"]
            if found["registeredAt"] == 0:
                arguments = (party_bytes32(body.party), body.did, int(body.kind), roles[body.role])
                yield Act(
                    title=f"register body {body.alias} of {body.party}",
                    role=parties[body.party].role,
                    to=self.address,
                    data=_ABI.encode_call("registerBody", *arguments),
                )
            elif found["kind"] != int(body.kind):
                raise CeremonyConflictError(f"body {body.alias} stands with another kind")

    def _description_acts(self, wanted: Registration) -> Iterator[Act]:
        at = self.ceremony.chain.head()
        parties = {party.id: party for party in wanted.parties}
        for body in wanted.bodies:
            dossier = self._dossier(body.id, at)
            for title, call in (
                *self._status_calls(body, dossier),
                *self._scope_calls(body, wanted.scopes, dossier),
                *self._key_calls(body, wanted.keys, at),
            ):
                role = parties[body.party].role
                yield Act(title=f"{body.alias}: {title}", role=role, to=self.address, data=call)

    @staticmethod
    def _status_calls(body: BodyEntry, dossier: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
        # A suspension or withdrawal that stands is not undone by repeating a ceremony.
        if not dossier["statuses"]:
            now = 0  # the block that records it
            arguments = (body.id, int(BodyState.ACTIVE), now)
            yield "active", _ABI.encode_call("recordBodyStatus", *arguments)

    @staticmethod
    def _scope_calls(
        body: BodyEntry, scopes: tuple[ScopeEntry, ...], dossier: Mapping[str, Any]
    ) -> Iterator[tuple[str, bytes]]:
        standing = {scope["documentHash"] for scope in dossier["scopes"]}
        for scope in scopes:
            if scope.body_id == body.id and scope.sha256 not in standing:
                arguments = (
                    body.id,
                    scope.sha256,
                    _seconds(scope.effective_from),
                    _seconds(scope.effective_until),
                )
                call = _ABI.encode_call("recordScope", *arguments)
                yield f"scope {scope.sha256.hex()[:12]}…", call

    def _key_calls(
        self, body: BodyEntry, keys: tuple[KeyEntry, ...], at: BlockRef
    ) -> Iterator[tuple[str, bytes]]:
        for key in keys:
            if key.body_id != body.id:
                continue
            public = key.public_key
            found = self._read("keyOf", body.id, public.thumbprint(), at=at)["key"]
            name = f"{key.purpose.name.lower()} key {public.thumbprint().hex()[:12]}…"
            if found["registeredAt"] == 0:
                arguments = (
                    body.id,
                    public.thumbprint(),
                    public.algorithm.chain_code,
                    int(key.purpose),
                    public.raw,
                    _seconds(key.sign_until),
                )
                yield name, _ABI.encode_call("registerKey", *arguments)
            elif (found["purpose"], found["publicKey"]) != (int(key.purpose), public.raw):
                raise CeremonyConflictError(f"{body.alias}: {name} stands with another content")

    # what stands

    def _registered(self, wanted: Registration, at: BlockRef) -> Registered:
        dossiers = {body.id: self._dossier(body.id, at) for body in wanted.bodies}
        scopes = {
            scope["documentHash"]: _moment(scope["recordedAt"])
            for dossier in dossiers.values()
            for scope in reversed(dossier["scopes"])
        }
        keys = {
            key.public_key.thumbprint(): _moment(
                self._read("keyOf", key.body_id, key.public_key.thumbprint(), at=at)["key"][
                    "registeredAt"
                ]
            )
            for key in wanted.keys
        }
        return Registered(
            parties={
                party.id: _moment(self._party(party, at)["addedAt"]) for party in wanted.parties
            },
            bodies={
                identifier: _moment(dossier["body"]["registeredAt"])
                for identifier, dossier in dossiers.items()
            },
            scopes=scopes,
            keys=keys,
        )

    def _party(self, party: PartyEntry, at: BlockRef) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._read("partyOf", party_bytes32(party.id), at=at)["party"]
        return found

    def _dossier(self, body_id: bytes, at: BlockRef) -> Mapping[str, Any]:
        return self._read("bodyDossier", body_id, at=at)

    def _read(self, function: str, *arguments: object, at: BlockRef) -> Mapping[str, Any]:
        chain = self.ceremony.chain
        return chain.read(TRUST_REGISTRY, self.address, function, *arguments, at=at)


def _seconds(moment: datetime | None) -> int:
    """Return Unix seconds, 0 for "none" as the contract writes it."""
    return 0 if moment is None else int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
