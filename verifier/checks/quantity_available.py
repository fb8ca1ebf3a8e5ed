"""Has the quantity of the document been written off elsewhere?"""

from __future__ import annotations

from verifier.checks.codes import answer, unknown
from verifier.checks.evidence import Claims, RegistryReport
from verifier.checks.facts import Unavailable
from verifier.checks.finding import Finding, Line


def check_quantity_available(
    claims: Claims, registry: RegistryReport | Unavailable | None
) -> Finding:
    """Report what a registry says about the quantity; nothing on chain proves it yet.

    Args:
        claims: What the document says.
        registry: Answer of the registry that was asked, None when none was. The account in a
            holder's receipt is not one: it is as old as the holder likes.
    """
    if not claims.has_quantity:
        return answer(Line.QUANTITY_AVAILABLE, "no_quantity")
    if registry is None:
        return answer(Line.QUANTITY_AVAILABLE, "offline")
    if isinstance(registry, Unavailable):
        return unknown(Line.QUANTITY_AVAILABLE, registry)
    if registry.written_off is None:
        return answer(Line.QUANTITY_AVAILABLE, "not_reported")
    value, unit = registry.written_off
    return answer(
        Line.QUANTITY_AVAILABLE, "reported_by_registry", written_off={"value": value, "unit": unit}
    )
