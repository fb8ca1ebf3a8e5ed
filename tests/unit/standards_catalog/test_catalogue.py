from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from standards_catalog.catalogue import Catalogue
from standards_catalog.comparison import Strictness, compare_requirements
from standards_catalog.conformity import Context, Product
from standards_catalog.editions import Standing
from standards_catalog.errors import (
    CatalogueDataError,
    UnknownStandardError,
    UnrecognisedIdentifierError,
)
from standards_catalog.loading import seed_catalogue
from standards_catalog.provenance import Confidence
from standards_catalog.relations import RelationType, Sufficiency
from standards_catalog.releases import canonical_lines, content_digest, make_release
from standards_catalog.units import UnknownUnit, parse_unit

SEED = seed_catalogue()
TODAY = date(2026, 11, 21)


class TestSeed:
    def test_holds_together(self) -> None:
        SEED.check()
        assert len(SEED.editions) > 180

    def test_every_row_names_its_source(self) -> None:
        rows = [*SEED.editions.values(), *SEED.relations, *SEED.requirements, *SEED.no_limits]
        sources = [row.provenance for row in rows]
        assert all(found is not None and found.source for found in sources)

    def test_what_is_unknown_is_a_placeholder_and_never_a_number(self) -> None:
        unread = {"GB 2762-2025", "GSG-17"}
        rows = [row for row in SEED.requirements if row.standard in unread]
        assert rows
        assert all(row.placeholder and row.lower is None and row.upper is None for row in rows)

    def test_lao_placeholders_are_marked(self) -> None:
        lao = [edition for edition in SEED.editions.values() if edition.country == "LA"]
        assert {edition.provenance.confidence for edition in lao} == {Confidence.PLACEHOLDER}

    def test_the_conflict_about_flexural_strength_is_told(self) -> None:
        (row,) = [row for row in SEED.requirements if row.parameter == "R28"]
        assert row.provenance is not None
        assert row.provenance.confidence is Confidence.LOW_MEDIUM
        assert "7.0" in row.provenance.note

    def test_the_old_cement_standard_was_not_equivalent(self) -> None:
        (found,) = [r for r in SEED.relations_of("GB 175-2007") if r.source == "EN 197-1:2000"]
        assert found.sufficiency("F28", TODAY) is Sufficiency.NOT_EQUIVALENT

    def test_a_modified_method_without_deviations_satisfies_nothing(self) -> None:
        (found,) = [
            r
            for r in SEED.relations_of("GB/T 17671-2021")
            if r.type is RelationType.MODIFIED_ADOPTION
        ]
        assert found.sufficiency("F28", TODAY) is Sufficiency.NO_DEVIATION_LIST

    def test_codex_sets_no_cadmium_limit_for_fruit(self) -> None:
        (absence,) = SEED.no_limits
        assert (absence.standard, absence.parameter) == ("CXS 193-1995", "CD")
        ours = next(row for row in SEED.requirements if row.parameter == "CD")
        assert compare_requirements(ours, None) is Strictness.NO_EQUIVALENT_LIMIT

    def test_lead_in_fruit_is_the_same_in_both(self) -> None:
        chinese, codex = (
            next(r for r in SEED.requirements if r.standard == code and r.parameter == "PB")
            for code in ("GB 2762-2022", "CXS 193-1995")
        )
        assert compare_requirements(chinese, codex) is Strictness.EQUAL

    @pytest.mark.parametrize("parameter", ["U238", "RA226", "TH232", "K40"])
    def test_natural_radioactivity_is_aligned(self, parameter: str) -> None:
        chinese, iaea = (
            next(r for r in SEED.requirements if r.standard == code and r.parameter == parameter)
            for code in ("GB 20664-2006", "RS-G-1.7")
        )
        assert compare_requirements(chinese, iaea) is Strictness.EQUAL


class TestLookUp:
    def test_any_spelling(self) -> None:
        (found,) = SEED.find("gbt 17671—2021")
        assert found.code == "GB/T 17671-2021"

    def test_an_undated_code_finds_every_edition(self) -> None:
        assert [edition.code for edition in SEED.find("ISO 679")] == [
            "ISO 679:1989",
            "ISO 679:2009",
        ]

    def test_an_adopted_form_finds_the_adoption(self) -> None:
        (found,) = SEED.find("TCVN 6016:2011 (ISO 679:2009)")
        assert found.code == "TCVN 6016:2011"

    def test_an_unknown_code_comes_with_near_ones(self) -> None:
        with pytest.raises(UnknownStandardError) as caught:
            SEED.find("GB/T 17671-2022")
        assert "GB/T 17671-2021" in caught.value.near

    def test_text_that_is_no_code(self) -> None:
        with pytest.raises(UnrecognisedIdentifierError):
            SEED.find("cement")


class TestResolution:
    @pytest.mark.parametrize(
        ("code", "day", "edition", "standing"),
        [
            ("ISO 679", "2000-01-01", "ISO 679:1989", Standing.IN_FORCE),
            ("ISO 679", "2020-01-01", "ISO 679:2009", Standing.IN_FORCE),
            ("GB 2762", "2026-09-01", "GB 2762-2022", Standing.IN_FORCE),
            ("GB 2762", "2026-09-02", "GB 2762-2025", Standing.IN_FORCE),
            ("GB 2763", "2026-02-28", "GB 2763-2021", Standing.IN_FORCE),
            ("GB 2763", "2026-03-01", "GB 2763-2026", Standing.IN_FORCE),
            ("GB 2762-2022", "2026-10-01", "GB 2762-2022", Standing.ENDED),
        ],
    )
    def test_on_the_day_of_the_test(
        self, code: str, day: str, edition: str, standing: Standing
    ) -> None:
        found = SEED.resolve(code, date.fromisoformat(day))
        assert found.edition is not None
        assert (found.edition.code, found.standing) == (edition, standing)
        assert bool(found.problems) is not standing.usable

    def test_never_today(self) -> None:
        assert SEED.resolve("ISO 679:2009", None).problems == ("test_date_missing",)

    def test_limits_taken_from_other_standards_come_along(self) -> None:
        context = Context(
            test_date=TODAY,
            product=Product(grade="P.O 42.5", hs="2523.29", matrix="cement"),
        )
        rows, problems = SEED.requirements_of("GB 175-2023", context)
        assert problems == ()
        assert {"GB 175-2023", "GB 31893-2015", "GB 6566-2010"} == {row.standard for row in rows}


_FIRST = SEED.requirements[0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda c: replace(c, requirements=(replace(_FIRST, provenance=None),)),
            "limit_without_source",
        ),
        (
            lambda c: replace(c, requirements=(replace(_FIRST, unit=parse_unit("zork")),)),
            "limit_without_unit",
        ),
        (
            lambda c: replace(c, requirements=(replace(_FIRST, unit=UnknownUnit("")),)),
            "limit_without_unit",
        ),
        (lambda c: replace(c, requirements=(replace(_FIRST, parameter="X"),)), "parameter_unknown"),
        (
            lambda c: replace(c, requirements=(replace(_FIRST, standard="GB 1-1999"),)),
            "standard_unknown",
        ),
        (
            lambda c: replace(
                c, requirements=(replace(_FIRST, valid_from=TODAY, valid_until=TODAY),)
            ),
            "dates_contradict",
        ),
        (
            lambda c: replace(c, relations=(replace(c.relations[0], source="EN 1:1998"),)),
            "standard_unknown",
        ),
    ],
)
def test_refuses_data_that_do_not_fit_together(
    change: Callable[[Catalogue], Catalogue], problem: str
) -> None:
    with pytest.raises(CatalogueDataError) as caught:
        change(SEED).check()
    assert caught.value.problem == problem


class TestReleases:
    def test_the_digest_does_not_depend_on_the_order_of_the_rows(self) -> None:
        turned = replace(
            SEED,
            editions=dict(reversed(list(SEED.editions.items()))),
            relations=tuple(reversed(SEED.relations)),
            requirements=tuple(reversed(SEED.requirements)),
        )
        assert content_digest(canonical_lines(turned)) == content_digest(canonical_lines(SEED))

    def test_any_change_changes_it(self) -> None:
        relaxed = replace(_FIRST, lower=(_FIRST.lower or 0) - 1)
        changed = replace(SEED, requirements=(relaxed, *SEED.requirements[1:]))
        assert content_digest(canonical_lines(changed)) != content_digest(canonical_lines(SEED))

    def test_a_release_counts_its_records(self) -> None:
        release = make_release(SEED, number=1, released_on=TODAY)
        total = len(SEED.editions) + len(SEED.relations) + len(SEED.requirements)
        assert release.records == total + len(SEED.no_limits)
        assert len(release.digest) == 32

    def test_lines_are_canonical_json(self) -> None:
        for line in canonical_lines(SEED):
            sorted_again = json.dumps(
                json.loads(line), ensure_ascii=False, sort_keys=True, separators=(",", ":")
            )
            assert sorted_again.encode() == line

    def test_digits_of_a_limit_are_kept(self) -> None:
        assert b'"upper":"0.0250"' in b"\n".join(canonical_lines(SEED))
