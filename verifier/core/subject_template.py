"""The part of a credential that follows from the document alone, prepared once.

A document is prepared when it is accepted. Issuing then only salts, hashes and joins, so that a
signature is the larger part of its cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from verifier.core.conclusions import Conclusion
from verifier.core.disclosures import SALT_BYTES
from verifier.core.field_policy import (
    AGENCY_OWN,
    AGENCY_VISIBLE,
    CONTAINERS,
    DETAIL,
    OPTIONAL_VISIBLE,
    OWN_FIELDS,
    REPLACES_OWN,
    REPLACES_VISIBLE,
    REQUIRED_VISIBLE,
    Container,
    DocumentKind,
)
from verifier.core.strict_json import canonical_json

CONTENTS: Final = "contents"  # path of the disclosure that lists all others

_DECOY_STEP: Final = 4  # digests of a container with decoys come in multiples of this


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for the sorted digests of one holder.

    Attributes:
        members: Positions of its disclosures in `SubjectTemplate.paths`.
        decoys: Number of decoy digests among them.
    """

    members: tuple[int, ...]
    decoys: int

    def fill(self, digests: Sequence[str], decoys: Sequence[str]) -> str:
        """Return the text of the `_sd` array."""
        own = sorted([*(digests[at] for at in self.members), *decoys])
        return '["' + '","'.join(own) + '"]'


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectTemplate:
    """A credential subject whose digests are still missing.

    Attributes:
        paths: Path of every disclosure in order of salts: sorted, then `contents`.
        tails: For each, its JSON text behind the salt (see `disclosures.disclose`).
        issuer: Slot of the disclosures in the issuer, None without any.
        pieces: JSON text of `credentialSubject` with its slots in place.
        issued: The claimed date of issue as stated.
        valid_until: The stated end of validity, None without one.
    """

    paths: tuple[str, ...]
    tails: tuple[bytes, ...]
    issuer: Slot | None
    pieces: tuple[str | Slot, ...]
    issued: str
    valid_until: str | None

    @property
    def slots(self) -> Iterator[Slot]:
        """Every slot in the order in which decoys are drawn."""
        if self.issuer is not None:
            yield self.issuer
        yield from (piece for piece in self.pieces if isinstance(piece, Slot))

    @property
    def salt_bytes(self) -> int:
        """How much randomness one issue needs: for each disclosure, then for each decoy."""
        return SALT_BYTES * (len(self.paths) + sum(slot.decoys for slot in self.slots))


def build_template(
    kind: DocumentKind, document: Mapping[str, Any], conclusion: Conclusion
) -> SubjectTemplate:
    """Prepare the subject of a checked document.

    Args:
        kind: Kind of the document.
        document: The document without nulls and without errors.
        conclusion: Its overall conclusion.
    """
    holders = list(_holders(kind, document))
    values = {path: value for holder in holders for path, value in holder.fields()}
    paths = sorted(values)
    contents: list[str] = list(paths)
    values[CONTENTS] = contents
    paths.append(CONTENTS)
    position = {path: at for at, path in enumerate(paths)}
    slots = {holder.path: holder.slot(position) for holder in holders}
    writer = _Writer(slots)
    writer.subject(kind, document, conclusion)
    dates = document["dates"]
    return SubjectTemplate(
        paths=tuple(paths),
        tails=tuple(
            f"{_json(path.rpartition('.')[2])},{_json(values[path])}]".encode() for path in paths
        ),
        issuer=slots.get("issuer"),
        pieces=writer.pieces(),
        issued=dates["issued"],
        valid_until=dates.get("valid_until"),
    )


@dataclass(frozen=True, slots=True)
class _Holder:
    """An object of the credential whose `_sd` holds digests of `members`."""

    path: str  # dotted; empty for the subject itself
    members: Mapping[str, Any]
    decoys: bool = False
    extra: tuple[str, ...] = ()

    def fields(self) -> Iterator[tuple[str, Any]]:
        for name, value in self.members.items():
            yield f"{self.path}.{name}" if self.path else name, value

    def slot(self, position: Mapping[str, int]) -> Slot:
        paths = [*(path for path, _ in self.fields()), *self.extra]
        decoys = -len(paths) % _DECOY_STEP if self.decoys else 0
        return Slot(tuple(position[path] for path in paths), decoys)


def _holders(kind: DocumentKind, document: Mapping[str, Any]) -> Iterator[_Holder]:
    """Yield every object that holds digests, in the order of the credential."""
    for name, container in CONTAINERS[kind].items():
        members = _own(container, _container(document, name))
        if members:
            yield _Holder(name, members, decoys=container.decoys)
    if "replaces" in document:
        yield _Holder("replaces", _pick(document["replaces"], REPLACES_OWN))
    for at, result in enumerate(_results(kind, document), start=1):
        detail = _pick(result, DETAIL[kind].members)
        yield _Holder(f"results.{at}", {"detail": detail})
    for at, agency in enumerate(_agencies(kind, document), start=1):
        reason = _pick(agency, AGENCY_OWN)
        if reason:
            yield _Holder(f"agencies.{at}", reason)
    yield _Holder("", _pick(document, OWN_FIELDS[kind]), extra=(CONTENTS,))


@dataclass(slots=True)
class _Writer:
    """Writes the subject as JSON text with slots in it."""

    slots: Mapping[str, Slot]
    parts: list[str | Slot] = field(default_factory=list)

    def subject(
        self, kind: DocumentKind, document: Mapping[str, Any], conclusion: Conclusion
    ) -> None:
        visible = _pick(document, {**REQUIRED_VISIBLE, **OPTIONAL_VISIBLE[kind]})
        head = {
            "type": ["ConformityAttestation"],
            **visible,
            "attestationType": kind.attestation_type,
            "conclusion": conclusion,
        }
        self.parts.append(_json(head)[:-1])
        if "replaces" in document:
            self.member("replaces", _pick(document["replaces"], REPLACES_VISIBLE), "replaces")
        for name, container in CONTAINERS[kind].items():
            shown = _pick(_container(document, name), container.visible)
            if name != "issuer" and (shown or name in self.slots):
                self.member(name, shown, name)
        self.items("results", [_stub(kind, each, at) for at, each in _numbered(kind, document)])
        agencies = [_pick(each, AGENCY_VISIBLE) for each in _agencies(kind, document)]
        if agencies:
            self.items("agencies", agencies)
        self.parts += [',"_sd":', self.slots[""], "}"]

    def items(self, name: str, items: Sequence[Mapping[str, Any]]) -> None:
        for at, item in enumerate(items, start=1):
            self.parts.append(f',"{name}":[' if at == 1 else ",")
            self.object(item, f"{name}.{at}")
        self.parts.append("]")

    def member(self, name: str, shown: Mapping[str, Any], path: str) -> None:
        self.parts.append(f',"{name}":')
        self.object(shown, path)

    def object(self, shown: Mapping[str, Any], path: str) -> None:
        slot = self.slots.get(path)
        text = _json(shown)
        if slot is None:
            self.parts.append(text)
        else:
            comma = "," if shown else ""
            self.parts += [f'{text[:-1]}{comma}"_sd":', slot, "}"]

    def pieces(self) -> tuple[str | Slot, ...]:
        """Return the parts with neighbouring texts joined."""
        joined: list[str | Slot] = []
        for part in self.parts:
            if isinstance(part, str) and joined and isinstance(joined[-1], str):
                joined[-1] += part
            else:
                joined.append(part)
        return tuple(joined)


def _container(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    # The container "conformity" is called "conclusion" in an import.
    members: Mapping[str, Any] = document.get("conclusion" if name == "conformity" else name, {})
    return members


def _own(container: Container, members: Mapping[str, Any]) -> Mapping[str, Any]:
    return _pick(members, [name for name in container.fields if name not in container.visible])


def _results(kind: DocumentKind, document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    name = "results" if kind is DocumentKind.TEST_CERTIFICATE else "checklist"
    results: list[Mapping[str, Any]] = document[name]
    return results


def _numbered(
    kind: DocumentKind, document: Mapping[str, Any]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return enumerate(_results(kind, document), start=1)


def _agencies(kind: DocumentKind, document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if kind is DocumentKind.TEST_CERTIFICATE:
        return []
    agencies: list[Mapping[str, Any]] = document["conclusions"]
    return agencies


def _stub(kind: DocumentKind, result: Mapping[str, Any], ordinal: int) -> dict[str, Any]:
    test = kind is DocumentKind.TEST_CERTIFICATE
    return {
        "ordinal": ordinal,
        "conclusion": result["conclusion" if test else "result"],
        "accredited": result["accredited"] if test else False,
    }


def _pick(members: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: members[name] for name in names if name in members}


def _json(value: Any) -> str:  # noqa: ANN401  (a checked JSON value)
    # Canonical, so that the bytes of a credential do not depend on the order of an import.
    return canonical_json(value).decode()
