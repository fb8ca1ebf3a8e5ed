"""No import may raise the recursion limit: deep JSON would then overflow the C stack."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import importlib, pkgutil, sys
before = sys.getrecursionlimit()
import registry
for module in pkgutil.walk_packages(registry.__path__, "registry."):
    if ".migrations" not in module.name:
        importlib.import_module(module.name)
import web3
print(before, sys.getrecursionlimit())
"""


def test_importing_the_whole_registry_leaves_the_limit_alone() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before, after = map(int, done.stdout.split())
    assert after == before


def test_brackets_without_end_are_an_error_and_not_a_crash() -> None:
    # In a process of its own, because failing means that it dies.
    script = (
        "import registry.anchoring, web3\n"
        "from verifier.core.strict_json import parse_json\n"
        "from verifier.core.errors import LimitExceededError\n"
        "try:\n    parse_json('[' * 200_000, what='x')\n"
        "except LimitExceededError as error:\n    print(error.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, json.dumps(done.stdout.strip())) == (0, '"limit_exceeded"')
