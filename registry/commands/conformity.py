"""`lancang conformity`: statements of conformity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, BinaryIO

import click

from registry.kit.errors import InvalidInputError
from standards_catalog.conformity import CaseEvaluator, split_cases
from standards_catalog.errors import CatalogueError
from standards_catalog.loading import seed_catalogue

MAX_INPUT_BYTES = 256 * 1024 * 1024  # about 400 000 cases


class MalformedCasesError(InvalidInputError):
    """The input is no JSON document of cases."""

    code = "cases_malformed"


@click.group("conformity")
def command() -> None:
    """Hold results against requirements."""


@command.command("evaluate")
@click.argument("file", type=click.File("rb"), default="-")
@click.pass_context
def evaluate_command(ctx: click.Context, file: BinaryIO) -> None:
    """Evaluate the cases in FILE (default: standard input) and print one JSON object a line.

    A case holds one result against one requirement (kind "parameter") or the results of a whole
    certificate against a list of requirements or a standard of the catalogue (kind
    "certificate"). FILE is one object, an array, or a file of cases with its table of units.
    Unknown keys are ignored.

    Each line has id, outcome and explanation, in the order of the cases. A case that cannot be
    read has the outcome "error"; the others are evaluated all the same.

    Exit status: 0 every case was evaluated, 1 a case or the input could not be read, 2 usage error.
    """
    catalogue = seed_catalogue()
    evaluator = CaseEvaluator(catalogue.methods, catalogue)
    readable = True
    try:
        for case in split_cases(_read_json(file.read(MAX_INPUT_BYTES + 1))):
            answer = evaluator.evaluate(case)
            readable = readable and answer["outcome"] != "error"
            line = json.dumps(answer, ensure_ascii=False, separators=(",", ":"), default=str)
            click.echo(line)
    except CatalogueError as error:
        raise MalformedCasesError(str(error)) from error
    if not readable:
        ctx.exit(1)


def _read_json(data: bytes) -> object:
    """Return the document, numbers as exact decimals.

    Raises:
        MalformedCasesError: It is too large, no UTF-8, no JSON, or has a key twice.
    """
    if len(data) > MAX_INPUT_BYTES:
        raise MalformedCasesError(f"larger than {MAX_INPUT_BYTES} bytes")
    try:
        document: object = json.loads(
            data.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as error:
        raise MalformedCasesError(f"not a JSON document: {error}") from error
    return document


def _refuse_constant(name: str) -> object:
    """Refuse NaN and Infinity."""
    raise ValueError(f"{name} is not a number")


def _object(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """Return an object, refusing a key that appears twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return found
