"""The catalogue that ships with the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from standards_catalog.catalogue import Catalogue, NoLimit, ParameterNames
from standards_catalog.conformity.reading import read_requirement
from standards_catalog.editions import Edition
from standards_catalog.errors import CatalogueDataError
from standards_catalog.identifiers import Degree
from standards_catalog.importers.report import RowError
from standards_catalog.importers.template import provenance_from_row
from standards_catalog.importers.template_csv import read_template_csv
from standards_catalog.packaged import read_json, read_text
from standards_catalog.provenance import Provenance
from standards_catalog.relations import (
    Deviation,
    Relation,
    RelationStatus,
    RelationType,
    StricterSide,
)
from standards_catalog.requirements import Requirement
from standards_catalog.units import builtin_units

_Data = Mapping[str, Any]


@cache
def seed_catalogue() -> Catalogue:
    """Return the packaged catalogue, checked.

    Raises:
        CatalogueDataError: The packaged data do not fit together; the package is damaged.
    """
    parameters = _read_parameters(read_json("parameters.json")["parameters"])
    demands = read_json("requirements.json")
    catalogue = Catalogue(
        editions=_read_editions(),
        relations=tuple(
            _read_relation(row, f"relations[{number}]")
            for number, row in enumerate(read_json("relations.json")["relations"])
        ),
        requirements=tuple(
            _read_requirement(row, f"requirements[{number}]", parameters)
            for number, row in enumerate(demands["requirements"])
        ),
        no_limits=tuple(
            NoLimit(
                row["standard"],
                row["parameter"],
                row["matrix"],
                _provenance(row, f"no_limit[{number}]"),
            )
            for number, row in enumerate(demands["no_limit"])
        ),
        parameters=parameters,
    )
    catalogue.check()
    return catalogue


def _read_editions() -> dict[str, Edition]:
    """Return the packaged editions by code."""
    result = read_template_csv(read_text("editions.csv"))
    if result.issues:
        first = result.issues[0]
        where = f"editions.csv row {first.row} column {first.column}"
        raise CatalogueDataError(where, first.code, first.message)
    return {edition.code: edition for edition in result.editions}


def _read_parameters(data: _Data) -> dict[str, ParameterNames]:
    """Return the parameters by code."""
    return {
        code: ParameterNames(
            code, tuple((lang, row[lang]) for lang in ("zh", "en")), row.get("cas", "")
        )
        for code, row in data.items()
    }


def _read_requirement(
    row: _Data, where: str, parameters: Mapping[str, ParameterNames]
) -> Requirement:
    """Return one requirement with its source and the names of its parameter."""
    found = read_requirement(row, where, builtin_units())
    known = parameters.get(found.parameter)
    return replace(
        found,
        provenance=_provenance(row, where),
        names=known.names if known else (),
        clause=row.get("clause", ""),
    )


def _read_relation(row: _Data, where: str) -> Relation:
    """Return one relation."""
    try:
        return Relation(
            source=row["source"],
            target=row["target"],
            type=RelationType(row["type"]),
            degree=Degree(row["degree"]) if row.get("degree") else None,
            declared_by=row["declared_by"],
            status=RelationStatus(row["status"]),
            parameters=tuple(row.get("parameters", ())),
            evidence=row.get("evidence", ""),
            deviations=tuple(
                Deviation(
                    clause=entry["clause"],
                    parameter=entry.get("parameter", ""),
                    nature=entry["nature"],
                    stricter_side=StricterSide(entry["stricter_side"]),
                    explanation=entry["explanation"],
                )
                for entry in row.get("deviations", ())
            ),
            provenance=_provenance(row, where),
        )
    except (KeyError, ValueError) as error:
        raise CatalogueDataError(where, "relation_malformed", str(error)) from error


def _provenance(row: _Data, where: str) -> Provenance:
    """Return where a row comes from."""
    stated = row.get("provenance")
    if not isinstance(stated, Mapping):
        raise CatalogueDataError(where, "limit_without_source", "names no source")
    try:
        return provenance_from_row(stated)
    except (RowError, KeyError) as error:
        raise CatalogueDataError(where, "source_malformed", str(error)) from error
