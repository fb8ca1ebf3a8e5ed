"""`lancang resume`: order the end of a suspension."""

from __future__ import annotations

from registry.certificates.domain import StatusAct
from registry.commands.suspend import order_command

command = order_command(
    "resume",
    StatusAct.RESUME,
    purpose="End the suspension of the certificate ID.",
    ordered="end of the suspension",
)
