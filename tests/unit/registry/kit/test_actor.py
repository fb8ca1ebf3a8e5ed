from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.kit.actor import MAX_PERSON_CHARS, Actor
from registry.kit.errors import InvalidInputError


@pytest.mark.parametrize(
    ("one", "other"),
    [("Li Na", "li na"), ("Li Na", " Li  Na "), ("Li", "Ｌｉ"), ("STRASSE", "straße")],
)
def test_spelling_does_not_make_a_second_person(one: str, other: str) -> None:
    assert Actor(one).person == Actor(other).person


def test_different_names_are_different_people() -> None:
    assert Actor("Li Na").person != Actor("Li Ne").person


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 101, "Li\nNa", "Li\x00", "a\u202eb", "\ufdfa" * 20]
)
def test_names_that_cannot_be_shown_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError):
        Actor(name)


@given(st.text())
def test_person_key_is_stable(name: str) -> None:
    try:
        actor = Actor(name)
    except InvalidInputError:
        return
    assert 0 < len(actor.person) <= MAX_PERSON_CHARS
    assert Actor(name).person == actor.person


class TestSamePerson:
    ID, OTHER = "0d9f4b0e-0000-0000-0000-000000000001", "0d9f4b0e-0000-0000-0000-000000000002"

    @pytest.mark.parametrize(
        ("one", "other", "expected"),
        [
            pytest.param(
                Actor("Li", key=ID), Actor("Li (office)", key=ID), True, id="two accounts"
            ),
            pytest.param(Actor("Li", key=ID), Actor("Li", key=OTHER), False, id="namesakes"),
            pytest.param(Actor("Li", key=ID), Actor("LI"), True, id="a mere name may be anybody's"),
            pytest.param(Actor("li"), Actor("Li", key=ID), True, id="either way round"),
            pytest.param(Actor("Li", key="li"), Actor("Li", key=ID), True, id="as it is stored"),
            pytest.param(Actor("Li", key=ID), Actor("Wang"), False, id="another name"),
        ],
    )
    def test_judgement(self, one: Actor, other: Actor, *, expected: bool) -> None:
        assert one.is_same_person(other) is expected
        assert other.is_same_person(one) is expected
