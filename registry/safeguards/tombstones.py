"""What was erased, noted in the object store, so that a restored database can be told.

A database restored to a time before an erasure has the content and the key again. The note says
nothing but random ids; it is kept with everything else that no restore takes back.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from registry.certificates.contents import present
from registry.kit.database import Database
from registry.kit.objects import DamagedObjectError, ObjectStore
from registry.safeguards.models import ErasureRow
from verifier.core.errors import VerifierError
from verifier.core.strict_json import JsonValue, canonical_json, parse_json_object

KIND: Final = "erasures"
_PORTION: Final = 1000  # certificates noted in one object


def note_erasures(database: Database, objects: ObjectStore) -> int:
    """Note in the store what is erased and not noted yet; return how many certificates.

    Raises:
        ObjectStoreUnavailableError: The store is away; the erasures stand all the same.
        DamagedObjectError: A note in the store cannot be read.
    """
    with database.read() as session:
        erased = set(session.scalars(select(ErasureRow.certificate_id)))
    waiting = sorted(erased - noted(objects))
    for start in range(0, len(waiting), _PORTION):
        portion: list[JsonValue] = list(waiting[start : start + _PORTION])
        objects.put(KIND, canonical_json({"erasures": 1, "certificates": portion}))
    return len(waiting)


def noted(objects: ObjectStore) -> set[str]:
    """Return the ids of every certificate that the store knows to be erased.

    Raises:
        ObjectStoreUnavailableError: The store is away.
        DamagedObjectError: A note cannot be read.
    """
    found: set[str] = set()
    for name in objects.names(KIND):
        try:
            note = parse_json_object(bytes(objects.get(KIND, name)), what="note of erasures")
        except VerifierError as error:
            raise DamagedObjectError(f"note of erasures {name.hex()}: {error}") from error
        match note:
            case {"erasures": 1, "certificates": list(identifiers)}:
                found.update(str(identifier) for identifier in identifiers)
            case _:
                raise DamagedObjectError(f"note of erasures {name.hex()} is malformed")
    return found


def undone(database: Database, objects: ObjectStore) -> list[str]:
    """Return the certificates that were erased once and have their content again, sorted."""
    again: set[str] = set()
    known = sorted(noted(objects))
    for start in range(0, len(known), _PORTION):
        with database.read() as session:
            again |= present(session, known[start : start + _PORTION])
    return sorted(again)
