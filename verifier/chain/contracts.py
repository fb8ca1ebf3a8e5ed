"""Calls and answers of the contracts in bytes, by the ABI that is committed beside this file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError

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
            name: bytes.fromhex(export["methods"][_signature(entry)][2:])
            for name, entry in self._functions.items()
        }
        self._topics = {
            name: bytes.fromhex(export["events"][_signature(entry)][2:])
            for name, entry in self._events.items()
        }

    def encode_call(self, function: str, *arguments: object) -> bytes:
        """Return selector and arguments of a call.

        Raises:
            ValueError: The arguments do not fit the function.
        """
        types = list(map(_type, self._functions[function]["inputs"]))
        try:
            return self._selectors[function] + encode(types, arguments)
        except EncodingError as error:
            raise ValueError(f"arguments of {function}: {error}") from error

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


def _type(entry: Mapping[str, Any]) -> str:
    declared: str = entry["type"]
    if not declared.startswith("tuple"):
        return declared
    return f"({','.join(map(_type, entry['components']))}){declared.removeprefix('tuple')}"


def _signature(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']}({','.join(map(_type, entry['inputs']))})"


def _decode(entries: Sequence[Mapping[str, Any]], data: bytes, *, what: str) -> Mapping[str, Any]:
    types = list(map(_type, entries))
    try:
        values = decode(types, data)
        canonical = encode(types, values)
    except (DecodingError, EncodingError, ValueError, OverflowError) as error:
        raise fault(f"{what}: the answer does not fit the contract's ABI") from error
    if canonical != data:
        raise fault(f"{what}: the answer is not canonically encoded")
    return {
        entry["name"]: _named(entry, value) for entry, value in zip(entries, values, strict=True)
    }


def _named(entry: Mapping[str, Any], value: Any) -> Any:  # noqa: ANN401  (values of any ABI type)
    if entry["type"] == "tuple":
        members = zip(entry["components"], value, strict=True)
        return {member["name"]: _named(member, part) for member, part in members}
    if entry["type"] == "tuple[]":
        element = {**entry, "type": "tuple"}
        return tuple(_named(element, part) for part in value)
    return value
