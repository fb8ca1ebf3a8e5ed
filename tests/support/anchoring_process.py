"""A process that anchors with one account, to be killed."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import OperationalError

from registry.anchoring.crew import crew, equip
from registry.anchoring.errors import ChainUnavailableError, LeaseHeldError, LeaseLostError
from registry.anchoring.queue import queue_status
from registry.certificates.contents import open_contents
from registry.kit.clock import system_clock
from registry.kit.database import Database
from registry.settings import AnchoringSettings, ChainSettings, Settings

LEAVES = 10
_PAUSE = 0.05


def main(home: Path, url: str, signer: Path) -> None:
    """Work until nothing is queued or under way.

    Args:
        home: Folder of the installation.
        url: Of its database.
        signer: Socket of the process that holds the transaction keys.
    """
    settings = Settings(
        home=home,
        database_url=url,
        chain=ChainSettings(signer_socket=signer),
        anchoring=AnchoringSettings(max_leaves=LEAVES, max_age=timedelta(0), max_accounts=1),
    )
    database = Database(url)
    equipment = equip(settings, database, contents=open_contents(settings, database))
    while not _is_done(database):
        try:
            with crew(equipment, observer=lambda _event: None) as workers:
                (home / "ready" / str(os.getpid())).touch()
                while not _is_done(database):
                    for worker in workers:
                        worker.round(flush=True)
                    time.sleep(_PAUSE)
        except (LeaseHeldError, LeaseLostError, ChainUnavailableError, OperationalError):
            time.sleep(_PAUSE)


def _is_done(database: Database) -> bool:
    with database.read() as session:
        status = queue_status(session, now=system_clock())
    return status.queued == status.in_progress == 0
