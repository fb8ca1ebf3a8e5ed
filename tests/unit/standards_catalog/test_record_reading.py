from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards_catalog.catalogue import NoLimit
from standards_catalog.editions import Edition
from standards_catalog.errors import CatalogueDataError
from standards_catalog.loading import seed_catalogue
from standards_catalog.record_reading import Record, read_record
from standards_catalog.relations import Relation
from standards_catalog.releases import (
    canonical_lines,
    edition_record,
    no_limit_record,
    record_line,
    relation_record,
    requirement_record,
)
from standards_catalog.requirements import Requirement

LINES = list(canonical_lines(seed_catalogue()))


def written(record: Record) -> bytes:
    match record:
        case Edition():
            return record_line("edition", edition_record(record))
        case Relation():
            return record_line("relation", relation_record(record))
        case Requirement():
            return record_line("requirement", requirement_record(record))
        case NoLimit():
            return record_line("no_limit", no_limit_record(record))


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_every_line_of_the_seed_is_read_back_exactly(line: bytes) -> None:
    assert written(read_record(line)) == line


@given(st.sampled_from(LINES), st.data())
def test_line_with_a_member_gone_or_of_another_type_is_read_or_refused(
    line: bytes, data: st.DataObject
) -> None:
    record: dict[str, Any] = json.loads(line)
    name = data.draw(st.sampled_from(sorted(record)))
    if data.draw(st.booleans()):
        del record[name]
    else:
        record[name] = data.draw(
            st.none() | st.integers() | st.text(max_size=5) | st.just({"x": 1})
        )
    try:
        found = read_record(json.dumps(record))
    except CatalogueDataError:
        return
    assert written(read_record(written(found))) == written(found)


@pytest.mark.parametrize("line", [b"", b"[]", b"7", b"{}", b'{"record":"x"}', b"\xff", b"[" * 9999])
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(CatalogueDataError, match="line_malformed"):
        read_record(line)
