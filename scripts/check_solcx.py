"""Compile the contracts with py-solc-x and compare with the bytecode that the verifier ships.

py-solc-x runs the compiler of the npm package `solc` through `scripts/solc-npm.cjs`. Hardhat wrote
the shipped files (`scripts/export_abi.cjs`), so that two tools must agree to the byte. Exit status:
0 identical, 1 different.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import solcx

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "verifier" / "chain" / "abi"


def compile_contract(shipped: dict[str, Any]) -> dict[str, Any]:
    """Compile the source of one shipped contract with the settings that it names."""
    source = f"contracts/{shipped['contract']}.sol"
    wanted = ["evm.bytecode.object", "evm.deployedBytecode.object", "evm.methodIdentifiers", "abi"]
    output = solcx.compile_standard(
        {
            "language": "Solidity",
            "sources": {source: {"content": (ROOT / source).read_text(encoding="utf-8")}},
            "settings": {**shipped["settings"], "outputSelection": {source: {"*": wanted}}},
        },
        solc_binary=ROOT / "scripts" / "solc-npm.cjs",
    )
    compiled: dict[str, Any] = output["contracts"][source][shipped["contract"]]
    return compiled


def differences(shipped: dict[str, Any], compiled: dict[str, Any]) -> list[str]:
    """Name the parts in which two compilations of one contract differ."""
    evm = compiled["evm"]
    parts = {
        "abi": compiled["abi"],
        "bytecode": "0x" + evm["bytecode"]["object"],
        "deployedBytecode": "0x" + evm["deployedBytecode"]["object"],
        "methods": {name: f"0x{code}" for name, code in evm["methodIdentifiers"].items()},
    }
    return [name for name, value in parts.items() if shipped[name] != value]


def main() -> int:
    """Compare every shipped contract; return the exit status."""
    files = sorted(SHIPPED.glob("*.json"))
    failed = not files
    for file in files:
        shipped = json.loads(file.read_text(encoding="utf-8"))
        found = differences(shipped, compile_contract(shipped))
        failed = failed or bool(found)
        size = len(shipped["deployedBytecode"]) // 2 - 1
        outcome = f"differs in {', '.join(found)}" if found else f"identical, {size} bytes"
        sys.stdout.write(f"{shipped['contract']}: {outcome}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
