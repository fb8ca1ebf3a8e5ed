"""Sheets of the sample documents, as the paper's tests print them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from registry.certificates.rendering.paper import Sheet, font_directories

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = json.loads((ROOT / "examples/sample_documents.json").read_text())
BODIES = {body["id"]: body for body in SAMPLES["bodies"]}
FONTS = font_directories(ROOT / "node_modules")
LINK = "https://verify.lancang.example/c#i=" + "A" * 22 + "&h=" + "B" * 43
OFFLINE = "https://verify.lancang.example/o#" + "Zm9vYmFy" * 115


def sheet(document: dict[str, Any], **changes: Any) -> Sheet:
    """Return what the page of a document shows, with other codes and files than real ones."""
    body = BODIES[document["issuer"]["body"]]
    fields: dict[str, Any] = {
        "document": document,
        "issuer_name": body["name"],
        "identifiers": body["identifiers"],
        "withheld": [],
        "destination": None,
        "link_code": LINK,
        "offline_code": OFFLINE,
        "sdjwt": b"header.payload.signature~",
        "receipt": b'{"receipt":1}',
        "signed_at": datetime(2026, 11, 21, 8, tzinfo=UTC),
        "leaf": "B" * 43,
    }
    return Sheet(**(fields | changes))
