"""SoftHSM2, a PKCS#11 token in software: that of the machine, or unpacked from Debian.

The packages are downloaded once, without root, and kept beside the virtual environment.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from registry.settings import Pkcs11Settings

_PACKAGES: Final = ("softhsm2", "libsofthsm2", "softhsm2-common")
_CACHE: Final = Path(sys.prefix) / "share" / "softhsm2"
_LIBRARY: Final = "**/softhsm/libsofthsm2.so"
_SECONDS: Final = 120
PIN: Final = "correct horse"


@dataclass(frozen=True)
class SoftHsm:
    """The library and the program that makes tokens."""

    module: Path
    program: Path

    def make_token(self, folder: Path, label: str, *, pin: str = PIN) -> Pkcs11Settings:
        """Make a token in a folder that `SOFTHSM2_CONF` names, and return how to reach it."""
        command = [
            str(self.program), "--module", str(self.module), "--init-token", "--free",
            "--label", label, "--so-pin", "so " + pin, "--pin", pin,
        ]  # fmt: skip
        environment = os.environ | {"SOFTHSM2_CONF": str(configuration(folder))}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return Pkcs11Settings(module=self.module, token=label)


def configuration(folder: Path) -> Path:
    """Write the configuration that keeps tokens in a folder, and return its path."""
    tokens = folder / "tokens"
    tokens.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "softhsm2.conf"
    path.write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    return path


@cache
def softhsm() -> SoftHsm:
    """Return SoftHSM2, or skip the test where it is not here and cannot be had."""
    found = _installed(Path("/usr")) or _unpacked()
    if found is None:
        pytest.skip(
            "SoftHSM2 is not installed and `apt-get download softhsm2 libsofthsm2 "
            "softhsm2-common` does not work here"
        )
    return found


def _installed(root: Path) -> SoftHsm | None:
    modules = sorted(root.glob(f"lib/{_LIBRARY}"))
    program = root / "bin" / "softhsm2-util"
    return SoftHsm(modules[0], program) if modules and program.exists() else None


def _unpacked() -> SoftHsm | None:
    """Return what an earlier run unpacked, or unpack it; one process at a time."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (found := _installed(_CACHE / "usr")) is not None:
            return found
        try:
            _download()
        except (OSError, subprocess.SubprocessError):
            return None
    return _installed(_CACHE / "usr")


def _download() -> None:
    lists = _CACHE / "apt"
    (lists / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    own = ["-o", f"Dir::State::Lists={lists / 'lists'}", "-o", f"Dir::Cache={lists}"]
    try:
        _run("apt-get", "download", *_PACKAGES)
    except subprocess.CalledProcessError:  # the machine has no lists of packages, or old ones
        _run("apt-get", *own, "update")
        _run("apt-get", *own, "download", *_PACKAGES)
    for package in sorted(_CACHE.glob("*.deb")):
        _run("dpkg-deb", "-x", str(package), str(_CACHE))
        package.unlink()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, cwd=_CACHE, timeout=_SECONDS)
