"""Write generated files, or tell whether they are current."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path


def write_or_compare(files: Mapping[Path, str], *, root: Path, description: str | None) -> int:
    """Write the files that differ, or with `--check` only name them; return the exit status.

    Args:
        files: Full text of every generated file.
        root: What the names that are printed are relative to.
        description: Text of the script's help.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    outdated = []
    for path, text in files.items():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        outdated.append(str(path.relative_to(root)))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    for name in outdated:
        sys.stdout.write(f"{'out of date' if check else 'wrote'}: {name}\n")
    return 1 if check and outdated else 0
