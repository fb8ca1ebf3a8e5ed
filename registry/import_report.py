"""The problems of imported files on a screen or as JSON Lines, for every command that imports."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Final

import click

from registry.console import Application, plain
from registry.kit.import_problems import FileProblem
from registry.kit.languages import LANGUAGES
from registry.kit.problem_words import in_language, place_words
from verifier.wording import best_language

_SHOWN_PROBLEMS: Final = 200  # a screen full; --json prints all of them
_TOTAL: Final = {
    "en": "problems: {count}; nothing was imported",
    "zh": "问题共 {count} 个；什么也没有导入",
}
_WHOLE: Final = {"en": "(whole file)", "zh": "（整个文件）"}
_MORE: Final = {
    "en": "and {count} more; --json prints all",
    "zh": "另有 {count} 个；--json 列出全部",
}

LANGUAGE_OPTION: Final = click.option(
    "--lang",
    "language",
    type=click.Choice(LANGUAGES),
    help="Language in which problems are told; by default that of the locale.",
)


def report_problems(
    app: Application,
    problems: Sequence[FileProblem],
    *,
    as_json: bool,
    language: str | None = None,
) -> None:
    """Print every problem as JSON, or the first ones for people.

    Args:
        app: The command.
        problems: All of them.
        as_json: For machines.
        language: `en` or `zh`; None for that of the locale.
    """
    language = language or _of_locale()
    problems = [in_language(problem, language) for problem in problems]
    if as_json:
        for problem in problems:
            record = {"problem": problem_record(problem)}
            click.echo(json.dumps(record, ensure_ascii=False, sort_keys=True))
    else:
        heading = None
        for problem in problems[:_SHOWN_PROBLEMS]:
            if heading != (heading := (problem.source, problem.number)):
                app.out.print(plain("  ".join(part for part in heading if part)), style="bold")
            where = place_words(problem, language) or _WHOLE[language]
            app.out.print(plain(f"  {where}  {problem.message} [{problem.code}]"))
        if len(problems) > _SHOWN_PROBLEMS:
            app.out.print(_MORE[language].format(count=len(problems) - _SHOWN_PROBLEMS))
    app.err.print(_TOTAL[language].format(count=len(problems)), style="bold red")


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


def _of_locale() -> str:
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return best_language(next((name for name in names if name), None))
