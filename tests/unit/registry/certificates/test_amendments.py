"""What an amendment changes: every difference, named as credentials name fields."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.certificates.amendments import changed_paths, changes_between
from tests.support.registry_world import samples
from verifier.core.document import parse_document
from verifier.core.field_policy import MAX_CHANGES, REPLACES_VISIBLE, DocumentKind
from verifier.core.payload_shapes import HOLDERS

# As the registry keeps them: without nulls.
DOCUMENTS = [parse_document(each).value for each in samples()["documents"]]


def paths(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return changed_paths(changes_between(before, after))


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, (*place, name))
    else:
        yield place


@pytest.mark.parametrize("before", DOCUMENTS, ids=lambda each: each["number"])
@given(data=st.data())
def test_every_change_of_one_value_is_named_once(
    before: dict[str, Any], data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from(sorted(leaves(before), key=str)))
    after = deepcopy(before)
    node: Any = after
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = "something else"

    found = paths(before, after)

    assert REPLACES_VISIBLE["changed"].accepts(found)
    assert found == ([] if place[0] in {"number", "revision", "replaces"} else [found[0]])
    kind = DocumentKind(before["kind"])
    holders = {holder.name for holder in HOLDERS[kind]} | set(before)
    assert all(path.split(".")[0] in holders for path in found)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d["consignment"].update(lot_no="X"), ["consignment.lot_no"]),
        (lambda d: d["consignment"].pop("lot_no"), ["consignment.lot_no"]),
        (lambda d: d.pop("customer"), ["customer"]),
        (lambda d: d["title"].update(en="X"), ["title"]),
        (lambda d: d["results"][1].update(conclusion="fail"), ["results.2.conclusion"]),
        (lambda d: d["results"][0]["result"].update(reported="9"), ["results.1.result"]),
        (lambda d: d["results"].pop(), ["results.7"]),
        (lambda d: d["conclusion"].update(applies_to="lot"), ["conformity.applies_to"]),
        (lambda d: d.update(number="OTHER", revision=7), []),
    ],
)
def test_paths_are_those_of_the_credential(change: Any, named: list[str]) -> None:
    before = DOCUMENTS[0]
    after = deepcopy(before)
    change(after)
    assert paths(before, after) == named


def test_more_than_can_be_listed_is_summed_up() -> None:
    before = deepcopy(DOCUMENTS[0])
    one = {**before["results"][0], "remark": "a", "basis": "a"}
    before["results"] = [one] * (MAX_CHANGES // 2 + 1)
    after = deepcopy(before)
    after["results"] = [one | {"remark": "b", "basis": "b"}] * len(before["results"])
    assert paths(before, after) == sorted(
        f"results.{at + 1}" for at in range(len(after["results"]))
    )
    before["results"] *= 3
    after["results"] *= 3
    after["consignment"]["lot_no"] = "other"
    assert paths(before, after) == ["consignment.lot_no", "results"]
