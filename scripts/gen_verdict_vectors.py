"""Write `tests/vectors/verdicts`: one directory for each case, with the expected report.

With `--check` nothing is written, and the exit status is 1 when something is out of date.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file: the builders of the tests are not on the path

from scripts.verdict_cases import cases  # noqa: E402
from tests.support.verdict_files import write_case  # noqa: E402

VECTORS = ROOT / "tests" / "vectors" / "verdicts"


def main() -> int:
    """Write or compare; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    wanted = generated()
    present = {path for path in VECTORS.glob("*/*.json") if path.is_file()}
    outdated = sorted(
        {path for path, data in wanted.items() if path not in present or path.read_bytes() != data}
        | (present - set(wanted))
    )
    for path in outdated:
        sys.stdout.write(f"{'out of date' if check else 'wrote'}: {path.relative_to(ROOT)}\n")
        if check:
            continue
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wanted[path])
        else:
            path.unlink()
    return 1 if check and outdated else 0


def generated() -> dict[Path, bytes]:
    """Return every generated file with its content."""
    files = {}
    for name, case in cases().items():
        text = json.dumps(write_case(case), ensure_ascii=False, indent=1)
        files[VECTORS / name / "case.json"] = f"{text}\n".encode()
        files[VECTORS / name / "report.json"] = case.report().canonical() + b"\n"
    return files


if __name__ == "__main__":
    sys.exit(main())
