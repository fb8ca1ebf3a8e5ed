"""Everything in the contracts of one chain, read through a quorum at one final block.

Contracts count what they hold. Every list is read from its counter, every log is compared with one,
and what the log says about status is replayed and compared with the words that the contract holds;
a node that leaves something out makes the bundle fail, never smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verifier.bundle.contract_place import ContractPlace, RegistryRead, chain_end, chain_time
from verifier.bundle.ledger_reading import read_ledger
from verifier.bundle.opening import ended
from verifier.bundle.records import (
    BodyRecord,
    ChainRecord,
    GenerationRecord,
    KeyRecord,
    OperatorRecord,
    PartyRecord,
    RegistryRecord,
    ScopeRecord,
    StatusRecord,
)
from verifier.chain.reader import ChainReader, Era, few_at_a_time
from verifier.chain.rpc import fault
from verifier.core.ids import party_from_bytes32


async def read_chain(reader: ChainReader) -> ChainRecord:
    """Return everything in the contracts of a chain at the reader's block, without heads.

    Raises:
        EvidenceUnavailableError: The nodes do not give or do not agree on something, or what they
            give is not complete or contradicts itself (`chain_fault`).
    """
    generations = [await _read_generation(reader, era) for era in reversed(reader.eras)]
    header = reader.header
    return ChainRecord(
        chain_id=reader.profile.chain_id,
        genesis=reader.profile.genesis,
        block=header.number,
        block_hash=header.hash,
        time=header.time,
        generations=tuple(generations),
    )


async def _read_generation(reader: ChainReader, era: Era) -> GenerationRecord:
    place = ContractPlace(reader, era.generation)
    registry = await _read_registry(place)
    return GenerationRecord(
        from_block=era.generation.from_block,
        until_block=ended(era.generation, reader.header.number),
        retired_at=era.retired_at,
        registry=registry.record,
        ledger=await read_ledger(place, registry),
    )


async def _read_registry(place: ContractPlace) -> RegistryRead:
    parties = await _listed(place, "party", "partyId")
    body_ids = await _listed(place, "body", "bodyId")
    operators = await _listed(place, "operator", "operator")
    party_records = await few_at_a_time(_read_party(place, party) for party in parties)
    numbers = {party: number for number, party in enumerate(parties)}
    bodies = [await _read_body(place, body, numbers) for body in body_ids]
    operator_records = await few_at_a_time(
        _read_operator(place, operator) for operator in operators
    )
    pinned = place.generation.trust_registry
    return RegistryRead(
        RegistryRecord(
            address=pinned.address,
            code_hash=pinned.code_hash,
            parties=tuple(party_records),
            bodies=tuple(bodies),
            operators=tuple(operator_records),
        ),
        {body: number for number, body in enumerate(body_ids)},
        {operator.lower(): number for number, operator in enumerate(operators)},
    )


async def _listed(place: ContractPlace, thing: str, name: str) -> list[Any]:
    """Return every id of a list that the registry counts."""
    count = (await place.trust(f"{thing}Count"))["count"]
    answers = await few_at_a_time(place.trust(f"{thing}At", index) for index in range(count))
    ids = [answer[name] for answer in answers]
    if len(set(ids)) < len(ids):
        raise fault(f"{thing}At: one is listed twice")
    return ids


async def _read_party(place: ContractPlace, party: bytes) -> PartyRecord:
    record = (await place.trust("partyOf", party))["party"]
    return PartyRecord(
        party=party_from_bytes32(party),
        country=record["country"].decode("ascii", "replace"),
        added_at=chain_time(record["addedAt"]),
        removed_at=chain_end(record["removedAt"]),
    )


async def _read_operator(place: ContractPlace, operator: str) -> OperatorRecord:
    window = await place.trust("operatorWindow", operator)
    return OperatorRecord(
        address=operator.lower(), since=chain_time(window["from"]), until=chain_end(window["until"])
    )


async def _read_body(place: ContractPlace, body: bytes, parties: Mapping[bytes, int]) -> BodyRecord:
    dossier = await place.trust("bodyDossier", body)
    record = dossier["body"]
    if record["partyId"] not in parties:
        raise fault("bodyDossier: the body is of an unknown party")
    return BodyRecord(
        party=parties[record["partyId"]],
        did=record["did"],
        kind=record["kind"],
        registered_at=chain_time(record["registeredAt"]),
        statuses=tuple(
            StatusRecord(
                state=each["status"],
                effective_from=chain_time(each["effectiveFrom"]),
                recorded_at=chain_time(each["recordedAt"]),
            )
            for each in dossier["statuses"]
        ),
        scopes=tuple(
            ScopeRecord(
                document_hash=each["documentHash"],
                effective_from=chain_time(each["effectiveFrom"]),
                effective_until=chain_end(each["effectiveUntil"]),
                recorded_at=chain_time(each["recordedAt"]),
            )
            for each in dossier["scopes"]
        ),
        keys=await _read_keys(place, body),
    )


async def _read_keys(place: ContractPlace, body: bytes) -> tuple[KeyRecord, ...]:
    count = (await place.trust("keyCount", body))["count"]
    answers = await few_at_a_time(place.trust("keyAt", body, index) for index in range(count))
    names = [answer["thumbprint"] for answer in answers]
    keys = await few_at_a_time(place.trust("keyOf", body, name) for name in names)
    return tuple(
        KeyRecord(
            thumbprint=name,
            algorithm=key["algorithm"],
            purpose=key["purpose"],
            registered_at=chain_time(key["registeredAt"]),
            sign_until=chain_end(key["signUntil"]),
            anchor_until=chain_end(key["anchorUntil"]),
            revoked_at=chain_end(key["revokedAt"]),
            revocation_recorded_at=chain_end(key["revocationRecordedAt"]),
            compromised_since=chain_end(key["compromisedSince"]),
            public_key=key["publicKey"],
        )
        for name, key in zip(names, (answer["key"] for answer in keys), strict=True)
    )
