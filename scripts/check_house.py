"""Refuse what the layout of the house forbids and no other tool sees.

- A module outside the names that a registry domain may hold, or called `utils`, `helpers` ... .
- A `commit()` outside the session kit and the worker that owns its own transactions.
- A mention of machine paths in anything that is shipped.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
STRAY: Final = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}
DOMAINS: Final = ("access", "parties", "bodies", "bundles", "certificates", "standards")
LAYERS: Final = {
    "__init__", "router", "schemas", "service", "repository", "models", "domain", "errors",
    "importers", "rendering", "tasks",
}  # fmt: skip
# A domain may add a module when it names one thing of its business; each is written down here.
OWN_MODULES: Final[dict[str, set[str]]] = {
    "access": {
        "connect", "dependencies", "gate", "principal", "secrets_at_rest", "tenancy", "tokens",
    },
    "bundles": {"comparing", "keys"},
    "bodies": {"compromises", "key_states", "rotation"},
    "certificates": {
        "amendments", "bulk", "cold_contents", "content_audit", "content_packs", "contents",
        "cooling", "delivery", "intake", "issuing", "listing", "packing", "packing_dictionaries",
        "positions", "print_jobs", "print_orders", "printing", "receipts", "releasing",
        "reverification", "signed_contents", "status_orders", "storing", "tables",
    },
    "standards": {"evaluating", "importing", "results_files", "searching"},
}  # fmt: skip
MACHINE_PATH: Final = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/")
TEXT_SUFFIXES: Final = {
    ".py", ".md", ".sol", ".js", ".cjs", ".ts", ".toml", ".json", ".sh", ".typ", ".html", ".yml",
}  # fmt: skip


def tracked_files() -> list[Path]:
    """Return every file that git tracks or would add, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    names = [name for name in listing.stdout.decode().split("\0") if name]
    return [Path(name) for name in names if (ROOT / name).is_file()]


def stray_modules(files: list[Path]) -> list[str]:
    """Name modules whose name tells no business or no layer."""
    problems = [f"{path}: name the business, not '{path.stem}'" for path in files
                if path.suffix == ".py" and path.stem in STRAY]  # fmt: skip
    for path in files:
        inside = len(path.parts) >= 3 and path.parts[0] == "registry" and path.parts[1] in DOMAINS
        if not inside or path.suffix != ".py":
            continue
        module = path.stem if len(path.parts) == 3 else path.parts[2]
        if module not in LAYERS | OWN_MODULES.get(path.parts[1], set()):
            problems.append(f"{path}: not a layer of a domain; see scripts/check_house.py")
    return problems


def machine_paths(files: list[Path]) -> list[str]:
    """Name lines that carry a path of some machine."""
    return [
        f"{path}:{number}: names a path of a machine"
        for path in files
        if path.suffix in TEXT_SUFFIXES and path.name != "check_house.py"
        for number, line in enumerate((ROOT / path).read_text("utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]


def main() -> None:
    """Print every problem; exit 1 if there is one."""
    files = tracked_files()
    problems = stray_modules(files) + machine_paths(files)
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
