"""An anchoring process that tests may kill: works for the installation of its environment.

Run as a module. It is what `lancang serve` does beside serving, only more impatient.
"""

from __future__ import annotations

import sys
import threading
from datetime import timedelta

from registry import shift
from registry.anchoring.crew import equip
from registry.certificates.contents import open_contents
from registry.kit.database import Database
from registry.settings import load_settings


def main() -> None:
    """Work until killed."""
    shift.IDLE_INTERVAL = timedelta(seconds=0.2)
    shift._TROUBLE_INTERVAL = timedelta(seconds=0.5)
    settings = load_settings()
    database = Database(settings.database)
    equipment = equip(settings, database, contents=open_contents(settings, database))
    working = shift.Shift(equipment=equipment, observer=lambda _event: None)
    sys.stdout.write("at work\n")
    sys.stdout.flush()
    working.work_until(threading.Event())


if __name__ == "__main__":
    main()
