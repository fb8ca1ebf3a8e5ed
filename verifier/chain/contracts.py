"""Calls and answers of the contracts in bytes, by the ABI that is committed beside this file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from verifier.chain.abi_codec import AbiError, Entry, decode, encode, signature
from verifier.chain.rpc import fault

TRUST_REGISTRY: Final = "TrustRegistry"
CERTIFICATE_LEDGER: Final = "CertificateLedger"
RFC9162_SHA256: Final = 1  # the only tree scheme of the ledger


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded event: its name and its members, indexed ones among them."""

    name: str
    values: Mapping[str, Any]


class Contract:
    """The ABI of one contract. Values are named, so a reordered struct cannot be misread.

    Integers are `int`, `bytesN` and `bytes` are `bytes`, an address is "0x" with 40 lower-case
    digits, structs are mappings by member name.

    Args:
        export: Content of `abi/<name>.json`.
    """

    def __init__(self, export: Mapping[str, Any]) -> None:
        self._functions = {e["name"]: e for e in export["abi"] if e["type"] == "function"}
        self._events = {e["name"]: e for e in export["abi"] if e["type"] == "event"}
        self._selectors = {
            name: bytes.fromhex(export["methods"][signature(entry)][2:])
            for name, entry in self._functions.items()
        }
        self._topics = {
            name: bytes.fromhex(export["events"][signature(entry)][2:])
            for name, entry in self._events.items()
        }

    def encode_call(self, function: str, *arguments: object) -> bytes:
        """Return selector and arguments of a call.

        Raises:
            AbiError: The arguments do not fit the function.
        """
        return self._selectors[function] + encode(self._functions[function]["inputs"], arguments)

    def decode_result(self, function: str, data: bytes) -> Mapping[str, Any]:
        """Return what a function answered, by the names of its return values.

        Raises:
            EvidenceUnavailableError: The data is no canonical encoding of such an answer
                (`chain_fault`).
        """
        return _decode(self._functions[function]["outputs"], data, what=function)

    def topic(self, event: str) -> bytes:
        """Return the first topic of an event, 32 bytes."""
        return self._topics[event]

    def decode_event(self, topics: Sequence[bytes], data: bytes) -> Event:
        """Return an event from the topics and data of a log entry.

        Args:
            topics: At least one.
            data: The members that are not indexed.

        Raises:
            EvidenceUnavailableError: It is no event of this contract (`chain_fault`).
        """
        name = next((name for name, topic in self._topics.items() if topic == topics[0]), None)
        if name is None:
            raise fault("a log entry is of an unknown event")
        inputs = self._events[name]["inputs"]
        indexed = [entry for entry in inputs if entry["indexed"]]
        plain = [entry for entry in inputs if not entry["indexed"]]
        values = dict(_decode(plain, data, what=name))
        # Indexed members of static types stand in a topic each, encoded like any other value.
        values |= _decode(indexed, b"".join(topics[1:]), what=name)
        return Event(name, values)


@cache
def contract(name: str) -> Contract:
    """Return the ABI of a contract by its name, `TRUST_REGISTRY` or `CERTIFICATE_LEDGER`."""
    return Contract(read_export(name))


def read_export(name: str) -> dict[str, Any]:
    """Return the committed export of a contract: ABI, bytecode, selectors and compiler settings."""
    text = resources.files(__package__).joinpath("abi", f"{name}.json").read_text("utf-8")
    export: dict[str, Any] = json.loads(text)
    return export


def _decode(entries: Sequence[Entry], data: bytes, *, what: str) -> Mapping[str, Any]:
    try:
        values = decode(entries, data)
    except AbiError as error:
        raise fault(f"{what}: {error}") from error
    return {entry["name"]: value for entry, value in zip(entries, values, strict=True)}
