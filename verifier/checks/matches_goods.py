"""Do the goods match the document? Only a person in front of them can say."""

from __future__ import annotations

from verifier.checks.codes import answer
from verifier.checks.finding import Finding, Line


def check_matches_goods(*, matches: bool | None) -> Finding:
    """Return the person's answer; None while the question has not been answered."""
    if matches is None:
        return answer(Line.MATCHES_GOODS, "not_answered")
    return answer(Line.MATCHES_GOODS, "ok" if matches else "goods_differ")
