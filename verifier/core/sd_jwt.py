"""Selective disclosure for JWTs (RFC 9901): object members, array elements, recursion, decoys.

This layer knows nothing of certificates. It is strict where the RFC rejects and where it leaves
room: SHA-256 only, and a disclosure that fits nowhere is an error, never ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import JSONEncoder
from typing import Final, TypeAlias

from verifier.core.disclosures import (
    SALT_BYTES,
    Disclosure,
    DisclosureError,
    decode,
    decoys,
    disclose,
    member_of,
)
from verifier.core.errors import LimitExceededError
from verifier.core.limits import MAX_JSON_DEPTH
from verifier.core.strict_json import JsonObject, JsonValue

SD_ALG: Final = "sha-256"

Path: TypeAlias = tuple[str | int, ...]

_SD: Final = "_sd"
_ELEMENT: Final = "..."
_ELEMENT_PARTS: Final = 2  # salt, value
_ENCODER: Final = JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Disclosable:
    """Marks a member value or an array element that `issue` turns into a disclosure.

    Attributes:
        value: A JSON value that may itself hold further `Disclosable` marks.
    """

    value: object


@dataclass(frozen=True, slots=True)
class Issued:
    """Result of `issue`: the payload to sign and its disclosures in order of their salts."""

    payload: JsonObject
    disclosures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A payload with its disclosures put in place.

    Attributes:
        claims: The payload without digests.
        disclosed: Digest and value of every disclosure by the path of its value; array positions
            are those of the signed array. Values have their own disclosures in place.
        undisclosed: Digests without disclosure, decoys among them, by the path of the object or
            array that holds them; only holders with at least one are listed.
    """

    claims: JsonObject
    disclosed: Mapping[Path, tuple[str, JsonValue]]
    undisclosed: Mapping[Path, tuple[str, ...]]


def issue(
    claims: Mapping[str, object], *, salts: bytes, decoy_counts: Mapping[Path, int] | None = None
) -> Issued:
    """Turn every `Disclosable` in `claims` into a disclosure and a digest.

    Args:
        claims: Payload with marks.
        salts: `SALT_BYTES` of fresh randomness for every disclosure, then for every decoy.
            Inner disclosures come before the outer one that holds their digests.
        decoy_counts: How many decoy digests to add to the `_sd` of the object at each path.

    Returns:
        The payload with `_sd_alg` and sorted `_sd` arrays, and the disclosures.

    Raises:
        ValueError: `salts` has the wrong length, a name is reserved or a decoy path is no object.
    """
    work = _Issuing(salts, dict(decoy_counts or {}))
    payload = work.visit_object(claims, ())
    payload["_sd_alg"] = SD_ALG
    work.finish()
    return Issued(payload, tuple(work.disclosures))


def resolve(payload: JsonObject, disclosures: Sequence[str]) -> Resolved:
    """Put disclosures in the place of their digests (RFC 9901, section 7.1).

    Args:
        payload: The signed payload.
        disclosures: Encoded disclosures as received, in any order.

    Raises:
        LimitExceededError: More than `MAX_DISCLOSURES`, or nested too deep.
        DisclosureError: A disclosure is malformed (`disclosure_malformed`), given twice
            (`disclosure_duplicate`), belongs to no digest (`disclosure_unmatched`), has a
            reserved name (`reserved_name`) or one that exists already (`claim_collision`); a
            digest occurs twice (`digest_duplicate`); digests are misplaced (`sd_malformed`) or
            of another hash function (`sd_alg`).
    """
    if payload.get("_sd_alg", SD_ALG) != SD_ALG:
        raise DisclosureError(f"_sd_alg must be {SD_ALG}", reason="sd_alg")
    work = _Resolving(decode(disclosures))
    claims = work.visit_object(payload, ())
    claims.pop("_sd_alg", None)
    if work.waiting:
        message = f"{len(work.waiting)} of them belong to no signed digest"
        raise DisclosureError(message, reason="disclosure_unmatched")
    return Resolved(claims, work.disclosed, work.undisclosed)


class _Issuing:
    """State of one `issue`: salts drawn so far, decoys still to place."""

    def __init__(self, salts: bytes, decoy_counts: dict[Path, int]) -> None:
        self.salts = salts
        self.decoy_counts = decoy_counts
        self.disclosures: list[str] = []
        self.decoy_places: list[tuple[list[JsonValue], int]] = []

    def visit_object(self, node: Mapping[str, object], path: Path) -> JsonObject:
        out: JsonObject = {}
        digests: list[JsonValue] = []
        for name, value in node.items():
            if name in (_SD, _ELEMENT):
                raise ValueError(f"the name {name} is reserved")
            if isinstance(value, Disclosable):
                inner = self.visit(value.value, (*path, name))
                digests.append(self.disclose(f"{_ENCODER.encode(name)},", inner))
            else:
                out[name] = self.visit(value, (*path, name))
        count = self.decoy_counts.pop(path, 0)
        if digests or count:
            out[_SD] = digests
            self.decoy_places.append((digests, count))
        return out

    def visit(self, value: object, path: Path) -> JsonValue:
        if isinstance(value, Mapping):
            return self.visit_object(value, path)
        if isinstance(value, list):
            return [self.visit_element(item, (*path, at)) for at, item in enumerate(value)]
        if value is None or isinstance(value, str | int | bool):
            return value
        raise ValueError(f"{value!r} is no value of the format")

    def visit_element(self, value: object, path: Path) -> JsonValue:
        if isinstance(value, Disclosable):
            return {_ELEMENT: self.disclose("", self.visit(value.value, path))}
        return self.visit(value, path)

    def disclose(self, name: str, value: JsonValue) -> str:
        at = len(self.disclosures) * SALT_BYTES
        tail = f"{name}{_ENCODER.encode(value)}]".encode()
        texts, digests = disclose([tail], self.salts[at : at + SALT_BYTES])
        self.disclosures += texts
        return digests[0]

    def finish(self) -> None:
        if self.decoy_counts:
            raise ValueError(f"no object at {next(iter(self.decoy_counts))}")
        at = len(self.disclosures) * SALT_BYTES
        for digests, count in self.decoy_places:
            digests.extend(decoys(self.salts[at : at + count * SALT_BYTES]))
            digests.sort(key=str)
            at += count * SALT_BYTES
        if at != len(self.salts):
            raise ValueError(f"{at} bytes of salt are needed, not {len(self.salts)}")


class _Resolving:
    """State of one `resolve`: disclosures still waiting for their digest, digests met."""

    def __init__(self, waiting: dict[str, Disclosure]) -> None:
        self.waiting = waiting
        self.met: set[str] = set()
        self.disclosed: dict[Path, tuple[str, JsonValue]] = {}
        self.undisclosed: dict[Path, tuple[str, ...]] = {}

    def visit_object(self, node: JsonObject, path: Path) -> JsonObject:
        _check_depth(path)
        out: JsonObject = {}
        for name, value in node.items():
            if isinstance(value, dict):
                out[name] = self.visit_object(value, (*path, name))
            elif isinstance(value, list) and name != _SD:
                out[name] = self.visit_array(value, (*path, name))
            else:
                out[name] = value
        if _ELEMENT in out:
            raise DisclosureError("... is misplaced", reason="sd_malformed")
        if _SD in out:
            digests = out.pop(_SD)
            if not isinstance(digests, list):
                raise DisclosureError("_sd must be an array", reason="sd_malformed")
            self.place_members(out, digests, path)
        return out

    def place_members(self, out: JsonObject, digests: list[JsonValue], path: Path) -> None:
        open_digests: list[str] = []
        for digest in digests:
            disclosure = self.take(digest)
            if disclosure is None:
                open_digests.append(str(digest))
                continue
            name, value = member_of(disclosure)
            if name in out:
                raise DisclosureError(f"{name!r} exists already", reason="claim_collision")
            place = (*path, name)
            if not disclosure.plain:
                value = self.visit(value, place)
            out[name] = value
            self.disclosed[place] = (str(digest), value)
        if open_digests:
            self.undisclosed[path] = tuple(open_digests)

    def visit_array(self, node: list[JsonValue], path: Path) -> list[JsonValue]:
        _check_depth(path)
        out: list[JsonValue] = []
        open_digests: list[str] = []
        for at, item in enumerate(node):
            if not isinstance(item, dict) or _ELEMENT not in item:
                out.append(self.visit(item, (*path, at)))
                continue
            digest = item[_ELEMENT]
            if len(item) != 1:
                raise DisclosureError("... must stand alone", reason="sd_malformed")
            disclosure = self.take(digest)
            if disclosure is None:
                open_digests.append(str(digest))
                continue
            if len(disclosure.parts) != _ELEMENT_PARTS:
                message = "an array element needs salt and value"
                raise DisclosureError(message, reason="disclosure_malformed")
            value = self.visit(disclosure.parts[1], (*path, at))
            self.disclosed[(*path, at)] = (str(digest), value)
            out.append(value)
        if open_digests:
            self.undisclosed[path] = tuple(open_digests)
        return out

    def visit(self, value: JsonValue, path: Path) -> JsonValue:
        if isinstance(value, dict):
            return self.visit_object(value, path)
        if isinstance(value, list):
            return self.visit_array(value, path)
        return value

    def take(self, digest: JsonValue) -> Disclosure | None:
        if not isinstance(digest, str):
            raise DisclosureError("a digest must be text", reason="sd_malformed")
        if digest in self.met:
            raise DisclosureError("a digest occurs twice", reason="digest_duplicate")
        self.met.add(digest)
        return self.waiting.pop(digest, None)


def _check_depth(path: Path) -> None:
    if len(path) > MAX_JSON_DEPTH:
        raise LimitExceededError("disclosures (nesting)", actual=len(path), limit=MAX_JSON_DEPTH)
