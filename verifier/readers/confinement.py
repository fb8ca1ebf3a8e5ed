"""Taking every power from this process that parsing does not need.

On Linux a seccomp filter lets through the few system calls that computing, memory and the pipes at
hand need. Everything else fails with EPERM: no socket, no file, no program, no other process can be
had, whatever a document makes the parser do. Limits on processor time and memory hold everywhere.
"""

from __future__ import annotations

import ctypes
import math
import platform
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

CPU_SECONDS: Final = 5
MEMORY_BYTES: Final = 512 * 1024 * 1024  # of address space; a page of A3 at 300 dpi takes 60 MB


_MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column, audit name
_CALLS: Final = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "getpid": (39, 172),
    "exit": (60, 93),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "exit_group": (231, 94),
    "tgkill": (234, 131),
    "getrandom": (318, 278),
}

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_SIGKILL: Final = 9

# Classic BPF: load a word of the call's description, jump if equal, return.
_LOAD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_NUMBER_OFFSET: Final = 0
_MACHINE_OFFSET: Final = 4
_KILL_PROCESS: Final = 0x80000000
_FAIL_WITH_EPERM: Final = 0x00050000 | 1
_ALLOW: Final = 0x7FFF0000


class UnconfinedError(Exception):
    """This process could not be confined."""


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("operand", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [
        ("length", ctypes.c_uint16),
        ("instructions", ctypes.POINTER(_Instruction)),
    ]


def prepare() -> Callable[[], bool]:
    """Load what confining needs and return the function that confines this process for good.

    The function returns whether system calls are filtered, which they are on Linux or else it
    raises `UnconfinedError`. It must be called while the process has one thread, after everything
    is imported and opened.
    """
    if not sys.platform.startswith("linux"):
        return _limit_only
    libc = ctypes.CDLL(None, use_errno=True)
    program = _filter(platform.machine())

    def confine() -> bool:
        _set_limits()
        _prctl(libc, _PR_SET_DUMPABLE, 0)
        _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
        _prctl(libc, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))
        return True

    # Whoever started us may die first; then nobody waits for us.
    _prctl(libc, _PR_SET_PDEATHSIG, _SIGKILL)
    return confine


def _limit_only() -> bool:
    _set_limits()
    return False


def _set_limits() -> None:
    used = math.ceil(time.process_time())
    # One second between the signal that says why and the one that cannot be ignored.
    _limit(resource.RLIMIT_CPU, used + CPU_SECONDS, used + CPU_SECONDS + 1)
    _limit(resource.RLIMIT_AS, MEMORY_BYTES, MEMORY_BYTES)
    _limit(resource.RLIMIT_NOFILE, 0, 0)  # what is open stays open
    _limit(resource.RLIMIT_NPROC, 0, 0)
    _limit(resource.RLIMIT_FSIZE, 0, 0)
    _limit(resource.RLIMIT_CORE, 0, 0)


def _limit(kind: int, soft: int, hard: int) -> None:
    # Not every system has every limit; the filter stands for those that Linux ignores for root.
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (soft, hard))


def _filter(machine: str) -> _Program:
    if machine not in _MACHINES:
        raise UnconfinedError(f"no system call filter is known for {machine}")
    column, audit_name = _MACHINES[machine]
    calls = [numbers[column] for numbers in _CALLS.values()]
    instructions = [
        _Instruction(_LOAD, 0, 0, _MACHINE_OFFSET),
        _Instruction(_JUMP_IF_EQUAL, 1, 0, audit_name),
        _Instruction(_RETURN, 0, 0, _KILL_PROCESS),
        _Instruction(_LOAD, 0, 0, _NUMBER_OFFSET),
        # From each comparison to the last instruction, over the rest and the refusal.
        *(
            _Instruction(_JUMP_IF_EQUAL, len(calls) - place, 0, call)
            for place, call in enumerate(calls)
        ),
        _Instruction(_RETURN, 0, 0, _FAIL_WITH_EPERM),
        _Instruction(_RETURN, 0, 0, _ALLOW),
    ]
    return _Program(len(instructions), (_Instruction * len(instructions))(*instructions))


def _prctl(libc: ctypes.CDLL, option: int, *arguments: object) -> None:
    padded = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    padded += [ctypes.c_ulong(0)] * (4 - len(padded))
    if libc.prctl(option, *padded) != 0:
        raise UnconfinedError(f"prctl {option} failed with error {ctypes.get_errno()}")
