"""Create `.venv` and install what the lock files pin, with nothing but a Python interpreter.

Usage: bootstrap.py {run|dev}. `run` installs what `make demo` and `make serve` need, `dev` the
tools as well. Done work is remembered by the lock file's hash, so a second call returns at once.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}


def run(*command: str | Path) -> None:
    """Run a command, quietly unless it fails.

    Raises:
        SystemExit: The command failed; its output is printed.
    """
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(f"bootstrap: '{' '.join(map(str, command))}' failed, see above")


def has(module: str) -> bool:
    """Tell whether the starting interpreter has a module."""
    return importlib.util.find_spec(module) is not None


def create_environment() -> None:
    """Create the virtual environment with pip inside, whatever the distribution left out.

    Raises:
        SystemExit: Neither `venv` with `ensurepip` nor `pip` is there to start from.
    """
    if PYTHON.exists() and has_pip(PYTHON):
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if has("venv") and has("ensurepip"):
        run(sys.executable, "-m", "venv", VENV)
        return
    if not has("pip"):
        raise SystemExit(
            "bootstrap: this Python has neither 'ensurepip' nor 'pip'. Install one of them, on "
            "Debian or Ubuntu: apt install python3-venv (or python3-pip), then run make again."
        )
    if has("venv"):
        run(sys.executable, "-m", "venv", "--without-pip", VENV)
        run(sys.executable, "-m", "pip", "--python", PYTHON, "install", "--quiet", "pip")
        return
    tool = ROOT / "var" / "virtualenv"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--target", tool, "virtualenv")
    environment = os.environ | {"PYTHONPATH": str(tool)}
    subprocess.run(
        [sys.executable, "-m", "virtualenv", "--quiet", str(VENV)], env=environment, check=True
    )


def has_pip(python: Path) -> bool:
    """Tell whether an interpreter can run pip; a half-made environment cannot."""
    command = [str(python), "-m", "pip", "--version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def install(kind: str) -> None:
    """Install the packages of one lock file and this project itself, once per lock content."""
    lock = ROOT / LOCKS[kind]
    stamp = VENV / f"lancang-{kind}.stamp"
    wanted = hashlib.sha256(lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    wanted = f"{wanted} {ROOT}"  # an environment that was moved elsewhere does not count
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    create_environment()
    sys.stdout.write(f"Installing Python packages ({lock.name}), a minute or two the first time\n")
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, "--require-hashes", "-r", lock)
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    stamp.write_text(wanted)


def main() -> None:
    """Check the interpreter, then make and fill the environment.

    Raises:
        SystemExit: Usage, or an interpreter that is too old.
    """
    if sys.version_info < (3, 11):
        raise SystemExit(f"bootstrap: Python 3.11 or newer is needed, this is {sys.version}")
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        raise SystemExit("usage: bootstrap.py run|dev")
    install(sys.argv[1])


if __name__ == "__main__":
    main()
