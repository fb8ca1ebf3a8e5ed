"""Documents from JSON files: everything that is wrong is found before anything is stored.

Files are parsed leniently enough to point at a duplicate name or a binary fraction; nothing of
that gets past the checks. What is kept is the canonical JSON of the checked document.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

import orjson

from registry.bodies.domain import Body
from registry.certificates.domain import Draft, Replacement
from registry.kit.import_problems import FileProblem, in_file
from registry.kit.json_bytes import checked_bytes, checked_text
from verifier.core.document import Document, InvalidDocumentError, parse_document
from verifier.core.encoding import unb64u
from verifier.core.limits import MAX_DOCUMENT_BYTES, MAX_JSON_DEPTH
from verifier.core.moments import parse_moment
from verifier.core.shapes import Problem, escape

MAX_IMPORT_BYTES: Final = 100 * 1024 * 1024  # about 20 000 certificates in one file
IMPORT_VERSION: Final = 1
_GROUPS: Final = ("parties", "bodies", "documents")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One value of an import file, not yet checked, with its place."""

    source: str
    pointer: str
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFile:
    """What an import file holds.

    Attributes:
        parties: Descriptions of parties.
        bodies: Descriptions of bodies with their scopes.
        documents: Certificates and inspection records.
        problems: Why the file cannot be read, or not wholly.
        locate: Adds the cell to a problem of a document that came from a table.
    """

    parties: tuple[Item, ...] = ()
    bodies: tuple[Item, ...] = ()
    documents: tuple[Item, ...] = ()
    problems: tuple[FileProblem, ...] = ()
    locate: Callable[[FileProblem], FileProblem] = field(default=lambda problem: problem)


@dataclass(slots=True)
class _Twice:
    """A JSON object in which a name occurs twice."""

    name: str
    members: dict[str, Any] = field(default_factory=dict)


def read_file(data: bytes, *, source: str) -> ImportFile:
    """Read a file of one document, an array of documents, or an import object.

    Args:
        data: The bytes of the file.
        source: Its name, for the report.
    """
    try:
        value = _parse(data)
    except _Unreadable as error:
        problem = Problem(pointer="", code=error.code, message=str(error))
        return ImportFile(problems=tuple(in_file(source, [problem])))
    if isinstance(value, dict | list | _Twice) and not _is_well_structured(value):
        return ImportFile(problems=tuple(in_file(source, _structure_problems(value))))
    if isinstance(value, list):
        return ImportFile(documents=_items(source, "", value))
    if isinstance(value, dict) and "import" in value:
        return _read_object(value, source)
    return ImportFile(documents=(Item(source=source, pointer="", value=value),))


def read_plain_file(data: bytes, *, source: str) -> ImportFile | None:
    """Read a file as `read_file` does, much faster, if nothing in it needs a closer look.

    What is wrong with a document shows when it is checked; whoever finds something reads the file
    again with `read_file`, which can say where.

    Returns:
        None for what may be no JSON, or hold a name twice or something beside documents.
    """
    value = _parse_plain(data)
    if isinstance(value, list):
        return ImportFile(documents=_items(source, "", value))
    if isinstance(value, dict) and "import" not in value:
        return ImportFile(documents=(Item(source=source, pointer="", value=value),))
    return None


def drafts_of(
    items: Sequence[Item],
    bodies: Mapping[str, Body],
    *,
    progress: Callable[[int], object] = lambda _: None,
) -> tuple[list[Draft], list[FileProblem]]:
    """Check documents and turn them into drafts.

    Args:
        items: Documents with their places.
        bodies: The registered bodies by alias.
        progress: Told of every document that was looked at, with the number 1.

    Returns:
        The drafts of the right documents, and every problem of the others.
    """
    drafts: list[Draft] = []
    problems: list[FileProblem] = []
    seen: dict[tuple[bytes, str, int], Draft] = {}
    for item in items:
        made = _draft_of(item, bodies)
        if isinstance(made, Draft):
            first = seen.setdefault(made.key, made)
            if first is not made:
                message = f"repeats number and revision of {first.source}#{first.pointer}"
                repeated = Problem(pointer="/number", code="number_repeated", message=message)
                made = [_problem(item, repeated)]
            else:
                drafts.append(made)
        if isinstance(made, list):
            problems += made
        progress(1)
    return drafts, problems


def _draft_of(item: Item, bodies: Mapping[str, Body]) -> Draft | list[FileProblem]:
    problems = list(_registry_problems(item.value, bodies))
    try:
        document = parse_document(item.value, write=checked_text)
    except InvalidDocumentError as error:
        return [_problem(item, each) for each in (*error.problems, *problems)]
    content = checked_bytes(document.value)
    if len(content) > MAX_DOCUMENT_BYTES:
        message = f"has {len(content)} bytes, more than {MAX_DOCUMENT_BYTES}"
        problems.append(Problem(pointer="", code="too_large", message=message))
    if problems:
        return [_problem(item, each) for each in problems]
    return Draft(
        source=item.source,
        pointer=item.pointer,
        body=bodies[document.body].id,
        kind=document.kind,
        number=document.number,
        revision=_revision(document),
        replaces=_replacement(document),
        demonstration=document.value["demonstration"] is True,
        document=content,
        valid_until=_valid_until(document),
    )


def _registry_problems(value: object, bodies: Mapping[str, Body]) -> Iterator[Problem]:
    """Yield what this registry holds against a document, however malformed that is otherwise."""
    document = value if isinstance(value, dict) else {}
    issuer, stated = document.get("issuer"), document.get("demonstration")
    alias = issuer.get("body") if isinstance(issuer, dict) else None
    if not isinstance(alias, str):
        return
    body = bodies.get(alias)
    if body is None:
        message = f"no body {alias!r} is registered"
        yield Problem(pointer="/issuer/body", code="unknown_body", message=message)
    elif isinstance(stated, bool) and stated != body.demonstration:
        message = f"must be {str(body.demonstration).lower()} as for its body"
        yield Problem(pointer="/demonstration", code="demonstration_differs", message=message)


def _revision(document: Document) -> int:
    revision = document.value["revision"]
    return revision if isinstance(revision, int) else 1


def _valid_until(document: Document) -> datetime | None:
    match document.value.get("dates"):
        case {"valid_until": str(stated)}:
            return datetime.fromtimestamp(parse_moment(stated, what="valid_until").latest, UTC)
        case _:
            return None


def _replacement(document: Document) -> Replacement | None:
    match document.value.get("replaces"):
        case {"number": str(number), **rest}:
            revision, leaf, changed = (rest.get(n) for n in ("revision", "leaf", "changed"))
            return Replacement(
                number=number,
                revision=revision if isinstance(revision, int) else None,
                leaf=unb64u(leaf, what="/replaces/leaf") if isinstance(leaf, str) else None,
                changed=tuple(map(str, changed)) if isinstance(changed, list) else None,
            )
        case _:
            return None


def _read_object(value: dict[str, Any], source: str) -> ImportFile:
    problems = [
        Problem(pointer=f"/{escape(name)}", code="unknown_member", message="is not a known field")
        for name in value
        if name not in ("import", "note", *_GROUPS)
    ]
    if value["import"] != IMPORT_VERSION or isinstance(value["import"], bool):
        message = f"must be {IMPORT_VERSION}"
        problems.append(Problem(pointer="/import", code="version", message=message))
    groups: dict[str, tuple[Item, ...]] = {}
    for name in _GROUPS:
        group = value.get(name, [])
        if isinstance(group, list):
            groups[name] = _items(source, f"/{name}", group)
        else:
            problems.append(Problem(pointer=f"/{name}", code="type", message="must be a list"))
    return ImportFile(
        parties=groups.get("parties", ()),
        bodies=groups.get("bodies", ()),
        documents=groups.get("documents", ()),
        problems=tuple(in_file(source, problems)),
    )


def _items(source: str, pointer: str, values: list[Any]) -> tuple[Item, ...]:
    return tuple(
        Item(source=source, pointer=f"{pointer}/{at}", value=value)
        for at, value in enumerate(values)
    )


def _problem(item: Item, problem: Problem) -> FileProblem:
    number = item.value.get("number") if isinstance(item.value, dict) else None
    return FileProblem(
        source=item.source,
        pointer=item.pointer + problem.pointer,
        code=problem.code,
        message=problem.message,
        number=number if isinstance(number, str) else None,
    )


class _Unreadable(Exception):  # noqa: N818  (never leaves this module)
    """Carries why a file is no JSON at all."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _parse(data: bytes) -> object:
    if len(data) > MAX_IMPORT_BYTES:
        _refuse("too_large", f"has {len(data)} bytes, more than {MAX_IMPORT_BYTES}")
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        _refuse("utf8", f"is not UTF-8 at byte {error.start}")
    except json.JSONDecodeError as error:
        _refuse("json", f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}")
    except ValueError as error:  # an integer with more digits than Python converts
        _refuse("json", f"is not JSON: {error}")
    except RecursionError:
        _refuse("too_deep", f"is nested deeper than {MAX_JSON_DEPTH} levels")


def _parse_plain(data: bytes) -> object:
    """Return the value of a JSON text; None where `_parse` is to have a look."""
    if len(data) > MAX_IMPORT_BYTES or b"\\u003" in data:
        return None
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    # A name that occurs twice is lost on the way with its colon; none is hidden in an escape.
    return value if data.count(b":") == orjson.dumps(value).count(b":") else None


def _refuse(code: str, message: str) -> NoReturn:
    raise _Unreadable(code, message)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Twice:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    names = [name for name, _ in pairs]
    return _Twice(next(name for name in names if names.count(name) > 1), members)


def _is_well_structured(value: object) -> bool:
    """Tell quickly whether no object holds a name twice and nothing is nested too deep."""
    level: list[Any] = [value]
    for _ in range(MAX_JSON_DEPTH + 1):
        if any(isinstance(node, _Twice) for node in level):
            return False
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list | _Twice)
        ]
        if not level:
            return True
    return False


def _structure_problems(value: object) -> Iterator[Problem]:
    """Yield what no single document could explain: names twice, nesting too deep."""
    waiting: list[tuple[str, int, object]] = [("", 0, value)]
    while waiting:
        pointer, depth, node = waiting.pop()
        if depth > MAX_JSON_DEPTH:
            message = f"is nested deeper than {MAX_JSON_DEPTH} levels"
            yield Problem(pointer=pointer, code="too_deep", message=message)
            continue
        if isinstance(node, _Twice):
            message = f"holds the name {node.name!r} twice"
            yield Problem(pointer=pointer, code="duplicate_key", message=message)
            node = node.members
        children: Sequence[tuple[object, object]] = ()
        if isinstance(node, dict):
            children = list(node.items())
        elif isinstance(node, list):
            children = list(enumerate(node))
        waiting += [(f"{pointer}/{escape(name)}", depth + 1, child) for name, child in children]
