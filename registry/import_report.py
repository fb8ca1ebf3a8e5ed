"""The problems of imported files on a screen or as JSON Lines, for every command that imports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import click

from registry.console import Application, plain
from registry.kit.import_problems import FileProblem

_SHOWN_PROBLEMS: Final = 200  # a screen full; --json prints all of them


def report_problems(app: Application, problems: Sequence[FileProblem], *, as_json: bool) -> None:
    """Print every problem as JSON, or the first ones for people."""
    if as_json:
        for problem in problems:
            click.echo(json.dumps({"problem": problem_record(problem)}, sort_keys=True))
    else:
        heading = None
        for problem in problems[:_SHOWN_PROBLEMS]:
            if heading != (heading := (problem.source, problem.number)):
                app.out.print(plain("  ".join(part for part in heading if part)), style="bold")
            where = problem.place or "(whole file)"
            app.out.print(plain(f"  {where}  {problem.message} [{problem.code}]"))
        if len(problems) > _SHOWN_PROBLEMS:
            app.out.print(f"and {len(problems) - _SHOWN_PROBLEMS} more; --json prints all")
    app.err.print(f"problems: {len(problems)}; nothing was imported", style="bold red")


def problem_record(problem: FileProblem) -> dict[str, object]:
    """Return a problem as every machine-readable report shows it."""
    return {
        "file": problem.source,
        "number": problem.number,
        "pointer": problem.pointer,
        "sheet": problem.sheet,
        "row": problem.row,
        "column": problem.column,
        "code": problem.code,
        "message": problem.message,
    }
