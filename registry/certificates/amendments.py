"""What an amendment changes, told before it is approved and afterwards (ISO/IEC 17025, 7.8.8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from registry.certificates.models import CertificateRow
from registry.certificates.signed_contents import document_of
from verifier.core.field_policy import MAX_CHANGES
from verifier.core.shapes import escape
from verifier.core.strict_json import JsonValue, canonical_json, parse_json_object

_OWN: Final = frozenset({"number", "revision", "replaces"})  # differ in every amendment
_ERASED: Final = "{}"
# Names under which credentials, and so disclosures and views, know what an import calls otherwise.
_NUMBERED: Final = {"results": "results", "checklist": "results", "conclusions": "agencies"}
_RENAMED: Final = {"conclusion": "conformity"}
_WHOLE: Final = frozenset({"title"})  # texts by language, which are one field each


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs.

    Attributes:
        path: JSON pointer to it.
        before: Canonical JSON of its value in the earlier document, None where it was absent.
        after: The same in the amendment, None where it is absent.
    """

    path: str
    before: str | None
    after: str | None


def changes_between(
    before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]
) -> list[Change]:
    """Return every field in which two documents differ, number and revision aside.

    Args:
        before: The earlier document, without nulls.
        after: The amendment, without nulls.
    """
    shown = {name: value for name, value in after.items() if name not in _OWN}
    earlier = {name: value for name, value in before.items() if name not in _OWN}
    return list(_differences(earlier, shown, ""))


def changed_paths(changes: Sequence[Change]) -> list[str]:
    """Return the fields that changes touch, sorted, as an amendment names them to everybody.

    A path ends at a field of a container (`consignment.lot_no`) or at a member of a numbered
    result (`results.2.uncertainty`); a result that came or went is `results.2`. Beyond
    `MAX_CHANGES` results are named whole, then all of them together.

    Source: docs/evidence-format.md, section 1.3.
    """
    found = sorted({path_of(change) for change in changes})
    for segments in (2, 1):
        if len(found) <= MAX_CHANGES:
            break
        found = sorted({_cut(path, segments) for path in found})
    return found


def changes_of(session: Session, row: CertificateRow) -> list[Change]:
    """Return what an amendment changes; nothing for others, and where the content was erased."""
    if row.replaces_id is None:
        return []
    earlier = session.get_one(CertificateRow, row.replaces_id)
    return changes_against(document_of(session, earlier), document_of(session, row)) or []


def changes_against(earlier: str, document: str) -> list[Change] | None:
    """Return what a document changes in an earlier one; None where either was erased."""
    if _ERASED in (earlier, document):
        return None
    return changes_between(
        parse_json_object(earlier, what="earlier document"),
        parse_json_object(document, what="amendment"),
    )


def path_of(change: Change) -> str:
    """Return the field that a change touches, as `changed_paths` names it."""
    name, *rest = change.path.removeprefix("/").split("/")
    if name in _NUMBERED:
        number = [str(int(rest[0]) + 1)] if rest else []
        return ".".join([_NUMBERED[name], *number, *rest[1:2]])
    if name in _WHOLE:
        return name
    members = [] if rest[:1] and rest[0].isdigit() else rest[:1]  # lists of texts are one field
    return ".".join([_RENAMED.get(name, name), *members])


def _cut(path: str, segments: int) -> str:
    parts = path.split(".")
    return ".".join(parts[:segments]) if parts[0] in _NUMBERED.values() else path


def _differences(before: JsonValue, after: JsonValue, path: str) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from _member(before.get(name), after.get(name), f"{path}/{escape(name)}")
    elif isinstance(before, list) and isinstance(after, list):
        for at in range(max(len(before), len(after))):
            yield from _member(
                before[at] if at < len(before) else None,
                after[at] if at < len(after) else None,
                f"{path}/{at}",
            )
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield Change(path, _text(before), _text(after))


def _member(before: JsonValue, after: JsonValue, path: str) -> Iterator[Change]:
    if before is None or after is None:
        if before is not after:
            yield Change(path, _text(before), _text(after))
        return
    yield from _differences(before, after, path)


def _text(value: JsonValue) -> str | None:
    return None if value is None else canonical_json(value).decode()
