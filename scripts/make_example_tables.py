"""Write the example tables from the sample documents: `python -m scripts.make_example_tables`.

They are what a laboratory would hand over: a CSV in English headers and a workbook in Chinese
ones, each with certificates of its own, marked as demonstration like the samples.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Final

from registry.certificates.tables.writing import rows_of, used_columns, write_table
from verifier.core.field_policy import DocumentKind

_EXAMPLES: Final = Path(__file__).parents[1] / "examples"
_KIND: Final = DocumentKind.TEST_CERTIFICATE


def main() -> None:
    """Write both files."""
    loaded = json.loads((_EXAMPLES / "sample_documents.json").read_text("utf-8"))
    durian, cement = loaded["documents"][:2]
    cements = [
        _as(cement, f"DEMO-YN-2026-2523290-{number:06}", lot=f"YN-CEM-{number:04}")
        for number in (46, 47)
    ]
    durians = [
        _as(durian, f"DEMO-KM-2026-0081060-{number:06}", lot=f"MT-2026-{number:04}")
        for number in (124, 125)
    ]
    _write("sample_results.csv", "en", cements)
    _write("sample_results.xlsx", "zh", durians)


def _as(document: dict[str, Any], number: str, *, lot: str) -> dict[str, Any]:
    made = copy.deepcopy(document)
    made["number"] = number
    made["consignment"]["lot_no"] = lot
    return made


def _write(name: str, language: str, documents: list[dict[str, Any]]) -> None:
    columns = used_columns(_KIND, documents)
    content = write_table(
        columns,
        rows_of(documents, columns),
        file_format=name.rpartition(".")[2],
        language=language,
    )
    (_EXAMPLES / name).write_bytes(content)


if __name__ == "__main__":
    main()
