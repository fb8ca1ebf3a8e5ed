"""Run in place of the PDF worker: a worker that a document took over."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

GOOD: dict[str, Any] = {
    "filtered": True,
    "tokens": [],
    "receipts": [],
    "codes": [],
    "all_searched": True,
}


def main() -> None:
    """Misbehave as the input says, behind "%PDF-"."""
    order = json.loads(sys.stdin.buffer.read().removeprefix(b"%PDF-"))
    if order == "endless":
        while True:
            os.write(1, b" " * 65536)
    if order == "silent":
        signal.pause()
    if order == "crash":
        os.abort()
    if order == "environment":
        order = {
            "problem": "limit_exceeded" if set(os.environ) <= {"PYTHONPATH", "LC_CTYPE"} else ""
        }
    sys.stdout.write(order if isinstance(order, str) else json.dumps(GOOD | order))


if __name__ == "__main__":
    main()
