from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.standards.errors import EvaluationRequestError
from registry.standards.results_files import read_results

ROW = "parameter,value,unit,U,method\n"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("48.9", {"type": "quantity", "value": "48.9"}),
        ("<0.02", {"type": "below_loq", "loq": "0.02"}),
        ("＜ 0.02", {"type": "below_loq", "loq": "0.02"}),
        ("ND", {"type": "not_detected"}),
        ("未检出", {"type": "not_detected"}),
        ("合格", {"type": "text", "value": "合格"}),
        ("", {"type": "missing"}),
        ("1e5", {"type": "text", "value": "1e5"}),
    ],
)
def test_cells_of_a_table(cell: str, expected: dict[str, str]) -> None:
    found = read_results(f"{ROW}F28,{cell},MPa,,\n".encode())["results"]
    assert found == [{"parameter": "F28", "unit": "MPa"} | expected]


def test_chinese_headings_and_mark() -> None:
    found = read_results("\ufeff项目,结果,单位,不确定度\nCL,0.02,%,0.01\n".encode())
    assert found["results"][0]["U"] == "0.01"


@pytest.mark.parametrize(
    "document",
    [
        [{"parameter": "F28", "value": "1"}],
        {"results": [{"parameter": "F28", "value": "1"}]},
        {"certificate": {"results": [{"parameter": "F28", "value": "1"}]}},
        {"documents": [{"results": [{"parameter": "F28", "value": "1"}]}]},
        {"parameter": "F28", "value": "1"},
    ],
)
def test_shapes_of_json(document: object) -> None:
    found = read_results(json.dumps(document).encode())
    assert found["results"] == [{"parameter": "F28", "value": "1"}]


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"{", b"\xff\xfe", b"a,b\n1,2", b"parameter,value,value\n", b"[" * 99999,
     b"parameter,value\n1,2,3", b'{"documents":[1,2]}', b"parameter,value\n" + b"a,1\n" * 2001,
     b"x" * 1_000_001],
    ids=lambda data: repr(data[:20]),
)  # fmt: skip
def test_what_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(EvaluationRequestError):
        read_results(data)


TABLES = st.text(max_size=200).map(lambda text: (ROW + text).encode("utf-8", "replace"))


@given(st.binary(max_size=300) | TABLES)
def test_any_bytes_are_results_or_refused(data: bytes) -> None:
    with contextlib.suppress(EvaluationRequestError):
        assert "results" in read_results(data)
