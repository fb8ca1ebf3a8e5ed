"""Bodies and their scopes from an import file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from registry.bodies.domain import Body, ScopeRow
from registry.kit.import_problems import ObjectReader
from verifier.checks.facts import BodyKind
from verifier.core.ids import MAX_DID_CHARS

_ALIAS: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_PARTY: Final = re.compile(r"[A-Z0-9-]{2,32}", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_DID: Final = re.compile(r"did:web:[A-Za-z0-9.%:_-]+", re.ASCII)
_KINDS: Final[Mapping[str, BodyKind]] = {kind.name.lower(): kind for kind in BodyKind}


def read_body(reader: ObjectReader) -> tuple[Body, list[ScopeRow]]:
    """Return a body with its accredited tests; problems are noted in the reader."""
    kind = reader.text("kind", pattern=re.compile("|".join(_KINDS)))
    body = Body(
        alias=reader.text("id", pattern=_ALIAS),
        party=reader.text("party", pattern=_PARTY),
        kind=_KINDS.get(kind, BodyKind.LABORATORY),
        did=reader.text("did", pattern=_DID, longest=MAX_DID_CHARS),
        country=reader.text("country", pattern=_COUNTRY),
        name=reader.by_language("name"),
        identifiers=reader.texts("identifiers"),
        demonstration=reader.flag("demonstration"),
    )
    rows = [_read_row(row) for row in reader.children("scope")]
    reader.finish()
    return body, rows


def _read_row(reader: ObjectReader) -> ScopeRow:
    row = ScopeRow(
        product=reader.text("product"),
        hs=reader.text("hs"),
        parameter=reader.text("parameter"),
        method=reader.text("method"),
        valid_from=reader.day("from"),
        valid_until=reader.day("until"),
    )
    if row.valid_from > row.valid_until:
        reader.problems.add(reader.pointer, "wrong_interval", "until lies before from")
    reader.finish()
    return row
