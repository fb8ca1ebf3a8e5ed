"""Does an arrangement in force cover this document for the checker's country?"""

from __future__ import annotations

from verifier.checks.codes import answer
from verifier.checks.finding import Finding, Line


def check_recognised(country: str | None) -> Finding:
    """Answer for the country that the checker asked about.

    No source of arrangements is read yet, so a question about a country is UNKNOWN; a genuine
    document then is valid with notes, which is what an officer without the arrangement can say.

    Args:
        country: ISO 3166-1 alpha-2 code, None when nothing was asked.
    """
    if country is None:
        return answer(Line.RECOGNISED, "no_country_asked")
    return answer(Line.RECOGNISED, "arrangements_not_supplied", country=country)
