"""Whether a requirement is about these goods and this country."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from standards_catalog.conformity.inputs import Product, plain_words
from standards_catalog.requirements import Scope

_NOT_DIGITS: Final = re.compile(r"\D")


class ScopeMatch(StrEnum):
    """Whether goods are inside a scope."""

    INSIDE = "inside"
    OUTSIDE = "out_of_scope"
    HS_EDITION = "hs_edition_mismatch"  # codes of two editions do not compare
    UNSTATED = "product_unstated"  # the scope asks for something that is not known of the goods


def hs_digits(code: str) -> str:
    """Return an HS code without its dots and spaces."""
    return _NOT_DIGITS.sub("", code)


def match_scope(scope: Scope, product: Product, country: str) -> ScopeMatch:
    """Tell whether goods are inside a scope.

    Everything that both sides state must agree. Where the scope names a grade, the goods must
    state theirs; where it names a matrix or headings, they must state at least one of these. A
    country is asked only when both sides name one.
    """
    if scope.countries and country and country not in scope.countries:
        return ScopeMatch.OUTSIDE
    for wanted, stated in ((scope.matrix, product.matrix), (scope.grade, product.grade)):
        if wanted and stated and plain_words(wanted) != plain_words(stated):
            return ScopeMatch.OUTSIDE
    heading = _match_heading(scope, product)
    if heading in {ScopeMatch.OUTSIDE, ScopeMatch.HS_EDITION}:
        return heading
    named = bool(scope.matrix or scope.hs)
    compared = heading is ScopeMatch.INSIDE or bool(scope.matrix and product.matrix)
    if (named and not compared) or (scope.grade and not product.grade):
        return ScopeMatch.UNSTATED
    return ScopeMatch.INSIDE


def _match_heading(scope: Scope, product: Product) -> ScopeMatch:
    """Compare HS codes, which only compare within one edition of the Harmonized System."""
    if not (scope.hs and product.hs):
        return ScopeMatch.UNSTATED
    editions = plain_words(scope.hs_edition), plain_words(product.hs_edition)
    if all(editions) and editions[0] != editions[1]:
        return ScopeMatch.HS_EDITION
    code = hs_digits(product.hs)
    inside = any(code.startswith(hs_digits(heading)) for heading in scope.hs)
    return ScopeMatch.INSIDE if inside else ScopeMatch.OUTSIDE
