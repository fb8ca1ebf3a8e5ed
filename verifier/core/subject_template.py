"""The part of a credential that follows from the document alone, prepared once.

Issuing then only salts, hashes and joins, so that a signature is the larger part of its cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from verifier.core.conclusions import Conclusion
from verifier.core.disclosures import SALT_BYTES, prepare_each
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
from verifier.core.moments import Moment, parse_moment
from verifier.core.strict_json import WriteJson

CONTENTS: Final = "contents"  # path of the disclosure that lists all others

_DECOY_STEP: Final = 4  # digests of a container with decoys come in multiples of this


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for the sorted digests of one holder.

    Attributes:
        members: Positions of its disclosures in `SubjectTemplate.paths`.
        decoys: Positions of its decoys behind them.
    """

    members: tuple[int, ...]
    decoys: range

    def fill(self, digests: Sequence[str]) -> str:
        """Return the inside of the `_sd` array, from the digests of disclosures and decoys."""
        if len(self.members) == 1 and not self.decoys:
            return digests[self.members[0]]
        own = [digests[at] for at in self.members]
        own += digests[self.decoys.start : self.decoys.stop]
        own.sort()
        return '","'.join(own)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectTemplate:
    """A credential subject whose digests are still missing.

    Attributes:
        paths: Path of every disclosure in order of salts: sorted, then `contents`.
        members: For each, what stands behind the salt: `"name",value]`.
        tails: The same, encoded by `disclosures.prepare_each`.
        decoys: Number of decoys, whose salts follow.
        issuer: Slot of the disclosures in the issuer, None without any.
        texts: JSON text of `credentialSubject` around its slots, one more than there are slots.
        slots: The slots between the texts.
        issued: The claimed moment of issue.
        valid_until: Unix seconds, exclusive; None without end.
    """

    paths: tuple[str, ...]
    members: tuple[str, ...]
    tails: tuple[str, ...]
    decoys: int
    issuer: Slot | None
    texts: tuple[str, ...]
    slots: tuple[Slot, ...]
    issued: Moment
    valid_until: int | None

    @property
    def salt_bytes(self) -> int:
        """How much randomness one issue needs: for each disclosure, then for each decoy."""
        return SALT_BYTES * (len(self.paths) + self.decoys)

    def fill(self, digests: Sequence[str]) -> str:
        """Return the JSON text of the subject.

        Args:
            digests: One for each path, then one for each decoy.
        """
        parts = [""] * (len(self.texts) + len(self.slots))
        parts[::2] = self.texts
        parts[1::2] = [slot.fill(digests) for slot in self.slots]
        return "".join(parts)


def build_template(
    kind: DocumentKind, document: Mapping[str, Any], conclusion: Conclusion, *, write: WriteJson
) -> SubjectTemplate:
    """Prepare the subject of a checked document.

    Args:
        kind: Kind of the document.
        document: The document without nulls and without errors.
        conclusion: Its overall conclusion.
        write: Writes its values as canonical JSON.
    """
    holders = list(_holders(kind, document))
    values = {path: value for holder in holders for path, value in holder.fields()}
    paths = sorted(values)
    contents: list[str] = list(paths)
    values[CONTENTS] = contents
    paths.append(CONTENTS)
    slots, decoys = _slots(holders, paths)
    # Canonical, so that the bytes of a credential do not depend on the order of an import.
    texts = _written_each([values[path] for path in paths], write)
    members = tuple(
        f'"{path.rpartition(".")[2]}",{text}]' for path, text in zip(paths, texts, strict=True)
    )
    writer = _Writer(slots, write)
    writer.subject(kind, document, conclusion)
    dates = document["dates"]
    until = dates.get("valid_until")
    return SubjectTemplate(
        paths=tuple(paths),
        members=members,
        tails=tuple(prepare_each([member.encode() for member in members])),
        decoys=decoys,
        issuer=slots.get("issuer"),
        texts=tuple(writer.texts),
        slots=tuple(writer.filled),
        issued=parse_moment(dates["issued"], what="issued"),
        valid_until=None if until is None else parse_moment(until, what="valid_until").latest,
    )


@dataclass(frozen=True, slots=True)
class _Holder:
    """An object of the credential whose `_sd` holds digests of `members`."""

    path: str  # dotted; empty for the subject itself
    members: Mapping[str, Any]
    padded: bool = False  # decoys hide how many members there are
    extra: tuple[str, ...] = ()

    def fields(self) -> Iterator[tuple[str, Any]]:
        for name, value in self.members.items():
            yield f"{self.path}.{name}" if self.path else name, value


def _slots(holders: Sequence[_Holder], paths: Sequence[str]) -> tuple[dict[str, Slot], int]:
    """Return the slot of each holder, and how many decoys there are together."""
    position = {path: at for at, path in enumerate(paths)}
    slots: dict[str, Slot] = {}
    next_decoy = len(paths)
    for holder in holders:
        members = [position[path] for path in (*dict(holder.fields()), *holder.extra)]
        count = -len(members) % _DECOY_STEP if holder.padded else 0
        slots[holder.path] = Slot(tuple(members), range(next_decoy, next_decoy + count))
        next_decoy += count
    return slots, next_decoy - len(paths)


def _holders(kind: DocumentKind, document: Mapping[str, Any]) -> Iterator[_Holder]:
    """Yield every object that holds digests, in the order of the credential."""
    for name, container in CONTAINERS[kind].items():
        members = _own(container, _container(document, name))
        if members:
            yield _Holder(name, members, padded=container.decoys)
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
    json: WriteJson
    texts: list[str] = field(default_factory=lambda: [""])
    filled: list[Slot] = field(default_factory=list)

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
        self.write(self.json(head)[:-1])
        if "replaces" in document:
            self.member("replaces", _pick(document["replaces"], REPLACES_VISIBLE))
        for name, container in CONTAINERS[kind].items():
            shown = _pick(_container(document, name), container.visible)
            if name != "issuer" and (shown or name in self.slots):
                self.member(name, shown)
        self.items("results", [_stub(kind, each, at) for at, each in _numbered(kind, document)])
        agencies = [self.json(_pick(each, AGENCY_VISIBLE)) for each in _agencies(kind, document)]
        if agencies:
            self.items("agencies", agencies)
        self.write(",")
        self.digests(self.slots[""])
        self.write("}")

    def items(self, name: str, items: Sequence[str]) -> None:
        for at, item in enumerate(items, start=1):
            self.write(f',"{name}":[' if at == 1 else ",")
            self.object(item, f"{name}.{at}")
        self.write("]")

    def member(self, name: str, shown: Mapping[str, Any]) -> None:
        self.write(f',"{name}":')
        self.object(self.json(shown) if shown else "{}", name)

    def object(self, text: str, path: str) -> None:
        if path not in self.slots:
            self.write(text)
            return
        self.write("{" if text == "{}" else f"{text[:-1]},")
        self.digests(self.slots[path])
        self.write("}")

    def digests(self, slot: Slot) -> None:
        self.write('"_sd":["')
        self.filled.append(slot)
        self.texts.append("")
        self.write('"]')

    def write(self, text: str) -> None:
        self.texts[-1] += text


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


def _stub(kind: DocumentKind, result: Mapping[str, Any], ordinal: int) -> str:
    """Return the JSON text of what every view shows of a result."""
    test = kind is DocumentKind.TEST_CERTIFICATE
    conclusion = result["conclusion" if test else "result"]  # a word of a fixed set
    accredited = "true" if test and result["accredited"] else "false"
    return f'{{"accredited":{accredited},"conclusion":"{conclusion}","ordinal":{ordinal}}}'


def _pick(members: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: members[name] for name in names if name in members}


def _written_each(values: Sequence[Any], write: WriteJson) -> list[str]:
    """Return the JSON text of each value, in one call of the writer."""
    # Between two values stands a text of one character that no document may hold. Inside a
    # string its quotation mark would stand behind a backslash, not behind a comma.
    joined: list[Any] = [_SEAM] * (2 * len(values) - 1)
    joined[::2] = values
    return write(joined)[1:-1].split(_SEAM_TEXT)


_SEAM: Final = "\x1f"
_SEAM_TEXT: Final = ',"\\u001f",'
