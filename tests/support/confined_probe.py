"""Run as a program: confines itself, tries to break out, and says what came of it."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
from collections.abc import Callable

from verifier.readers.confinement import prepare


def main() -> None:
    """Print the error number of every attempt, 0 for one that worked."""
    libc = ctypes.CDLL(None, use_errno=True)
    reader, writer = os.pipe()
    confine = prepare()
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    waiting = socket.socket()
    attempts: dict[str, Callable[[], object]] = {
        "internet socket": lambda: socket.socket(socket.AF_INET),
        "local socket": lambda: socket.socket(socket.AF_UNIX),
        "netlink socket": lambda: socket.socket(socket.AF_NETLINK),
        "socket pair": socket.socketpair,
        "connect a socket made before": lambda: waiting.connect(address),
        "accept on a socket made before": listener.accept,
        "read a file": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "make a file": lambda: os.open("/tmp/made", os.O_WRONLY | os.O_CREAT),  # noqa: S108
        "list a folder": lambda: os.listdir("/"),  # noqa: PTH208
        "remove a file": lambda: os.unlink("/tmp/made"),  # noqa: S108, PTH108
        "run a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
        "fork": os.fork,
        "signal the parent": lambda: os.kill(os.getppid(), 0),
        "trace a process": lambda: _checked(libc.ptrace(0, 0, 0, 0)),
        "enter a namespace": lambda: _checked(libc.unshare(0x40000000)),
        "replace the filter": lambda: _checked(libc.prctl(22, 0, 0, 0, 0)),
    }
    confined = confine()
    outcomes = {"confined": confined} | {name: _outcome(try_) for name, try_ in attempts.items()}
    os.write(writer, b"x")
    outcomes["pipes at hand still work"] = os.read(reader, 1) == b"x"
    outcomes["memory"] = _outcome(lambda: bytearray(600 * 1024 * 1024))
    sys.stdout.write(json.dumps(outcomes))
    sys.stdout.flush()
    os._exit(0)


def _outcome(attempt: Callable[[], object]) -> int:
    try:
        attempt()
    except OSError as error:
        return error.errno or -1
    except MemoryError:
        return -1
    return 0


def _checked(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "")


if __name__ == "__main__":
    main()
