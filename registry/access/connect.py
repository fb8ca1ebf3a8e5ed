"""Opens the gate of an installation."""

from __future__ import annotations

from registry.access.gate import Gate
from registry.access.secrets_at_rest import Passwords, open_key
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.settings import Environment, Settings


def open_gate(settings: Settings, database: Database, *, clock: Clock = system_clock) -> Gate:
    """Return what proves identities; a demonstration makes its own access key.

    Raises:
        AccessKeyError: The access key is missing or malformed.
    """
    may_make = settings.environment is Environment.DEMONSTRATION
    key = open_key(settings.access_key, may_make=may_make)
    return Gate(database=database, key=key, passwords=Passwords(), clock=clock)
