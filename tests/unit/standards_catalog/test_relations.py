from __future__ import annotations

from datetime import date

import pytest

from standards_catalog.comparison import Strictness, compare_requirements
from standards_catalog.errors import CatalogueDataError
from standards_catalog.identifiers import Degree
from standards_catalog.provenance import Confidence, Provenance
from standards_catalog.relations import (
    Deviation,
    Relation,
    RelationStatus,
    RelationType,
    StricterSide,
    Sufficiency,
)
from tests.support.conformity_cases import requirement

TODAY = date(2026, 11, 21)
SOURCE = Provenance(source="a page", source_date=TODAY, confidence=Confidence.HIGH)


def relation(kind: RelationType, degree: Degree | None = None, **changes: object) -> Relation:
    """Return an active relation."""
    fields: dict[str, object] = {
        "source": "ISO 679:2009",
        "target": "GB/T 17671-2021",
        "type": kind,
        "degree": degree,
        "declared_by": "SAC",
        "provenance": SOURCE,
    }
    return Relation(**(fields | changes))  # type: ignore[arg-type]


def deviation(parameter: str, side: StricterSide) -> Deviation:
    """Return a deviation."""
    return Deviation(
        clause="5", parameter=parameter, nature="limit", stricter_side=side, explanation="x"
    )


MODIFIED = RelationType.MODIFIED_ADOPTION


@pytest.mark.parametrize(
    ("given", "sufficiency"),
    [
        (relation(RelationType.IDENTICAL, Degree.IDT), Sufficiency.SUFFICIENT),
        (relation(RelationType.IDENTICAL), Sufficiency.SUFFICIENT),
        (relation(RelationType.NOT_EQUIVALENT, Degree.NEQ), Sufficiency.NOT_EQUIVALENT),
        (relation(MODIFIED, Degree.MOD), Sufficiency.NO_DEVIATION_LIST),
        (
            relation(MODIFIED, Degree.MOD, deviations=(deviation("CL", StricterSide.TARGET),)),
            Sufficiency.SUFFICIENT,
        ),
        (
            relation(MODIFIED, Degree.MOD, deviations=(deviation("F28", StricterSide.SOURCE),)),
            Sufficiency.SOURCE_STRICTER,
        ),
        (
            relation(MODIFIED, Degree.MOD, deviations=(deviation("F28", StricterSide.TARGET),)),
            Sufficiency.DEVIATES,
        ),
        (
            relation(MODIFIED, Degree.MOD, deviations=(deviation("", StricterSide.NEITHER),)),
            Sufficiency.DEVIATES,
        ),
        (relation(RelationType.ADOPTED_AS), Sufficiency.NO_CLAIM),
        (relation(RelationType.ADOPTED_AS, Degree.NEQ), Sufficiency.NOT_EQUIVALENT),
        (relation(RelationType.ADOPTED_AS, Degree.IDT), Sufficiency.SUFFICIENT),
        (relation(RelationType.EQUIVALENT_BY_AGREEMENT), Sufficiency.SUFFICIENT),
        (relation(RelationType.TEST_METHOD_FOR), Sufficiency.NO_CLAIM),
        (
            relation(RelationType.IDENTICAL, status=RelationStatus.PROPOSED),
            Sufficiency.NOT_ACTIVE,
        ),
        (relation(RelationType.IDENTICAL, status=RelationStatus.DISPUTED), Sufficiency.NOT_ACTIVE),
        (relation(RelationType.IDENTICAL, valid_until=TODAY), Sufficiency.NOT_ACTIVE),
        (relation(RelationType.IDENTICAL, valid_from=TODAY), Sufficiency.SUFFICIENT),
        (relation(RelationType.IDENTICAL, parameters=("CL",)), Sufficiency.NOT_ACTIVE),
    ],
)
def test_what_a_relation_is_worth(given: Relation, sufficiency: Sufficiency) -> None:
    assert given.sufficiency("F28", TODAY) is sufficiency
    worth = {Sufficiency.SUFFICIENT, Sufficiency.SOURCE_STRICTER}
    assert sufficiency.suffices is (sufficiency in worth)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (relation(RelationType.IDENTICAL, declared_by=""), "undeclared"),
        (relation(RelationType.IDENTICAL, Degree.MOD), "degree_contradicts_type"),
        (relation(RelationType.NOT_EQUIVALENT, Degree.IDT), "degree_contradicts_type"),
        (
            relation(RelationType.IDENTICAL, deviations=(deviation("", StricterSide.SOURCE),)),
            "identical_with_deviations",
        ),
        (
            relation(RelationType.IDENTICAL, valid_from=TODAY, valid_until=TODAY),
            "dates_contradict",
        ),
        (relation(RelationType.IDENTICAL, target="ISO 679:2009"), "relates_to_itself"),
    ],
)
def test_refuses_what_cannot_be_true(given: Relation, problem: str) -> None:
    with pytest.raises(CatalogueDataError) as caught:
        given.check()
    assert caught.value.problem == problem


@pytest.mark.parametrize(
    ("ours", "theirs", "strictness"),
    [
        ({"limit": "0.05"}, {"limit": "0.1"}, Strictness.OURS),
        ({"limit": "0.05"}, {"limit": "50", "unit": "ug/kg"}, Strictness.EQUAL),
        ({"limit": "0.2"}, {"limit": "0.1"}, Strictness.THEIRS),
        (
            {"operator": ">=", "limit": "42.5", "unit": "MPa"},
            {"operator": "range", "limit": ["42.5", "62.5"], "unit": "N/mm2"},
            Strictness.THEIRS,
        ),
        (
            {"operator": "range", "limit": ["1", "3"]},
            {"operator": "range", "limit": ["2", "4"]},
            Strictness.DIFFERENT,
        ),
        ({"limit": "0.05"}, {"operator": ">=", "limit": "0.01"}, Strictness.DIFFERENT),
        ({"basis": "dry"}, {"basis": "fresh"}, Strictness.NOT_COMPARABLE),
        ({"unit": "mg/kg"}, {"unit": "mg/L"}, Strictness.NOT_COMPARABLE),
        ({"limit": None}, {}, Strictness.NOT_COMPARABLE),
        ({"operator": "not_detected"}, {}, Strictness.NOT_COMPARABLE),
        (
            {"operator": "not_detected", "limit": "1"},
            {"operator": "not_detected", "limit": "2"},
            Strictness.OURS,
        ),
    ],
)
def test_which_requirement_is_stricter(
    ours: dict[str, object], theirs: dict[str, object], strictness: Strictness
) -> None:
    assert compare_requirements(requirement(**ours), requirement(**theirs)) is strictness


def test_no_limit_at_all_is_nothing_to_compare() -> None:
    found = compare_requirements(requirement(), None)
    assert found is Strictness.NO_EQUIVALENT_LIMIT
