"""Run the measurements: `python -m scripts.bench [NAME ...]`; report under out/bench."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

import scripts.bench as package
from scripts.bench.figure import Figure
from scripts.bench.plot import save_plot

OUT: Final = Path("out/bench")
_FRAME: Final = {"__main__", "figure", "plot"}


def table(figures: list[Figure]) -> str:
    """Return the figures as a Markdown table."""
    marks = {True: "met", False: "MISSED", None: "–"}
    rows = [
        f"| {f.part} | {f.ours:,.1f} | {f.peer_name}: {f.peer:,.1f} | {f.unit} | {f.ratio:.2f} | "
        f"{'–' if f.goal is None else ('≥ ' if f.at_least else '≤ ') + format(f.goal, 'g')} | "
        f"{marks[f.met]} |"
        for f in figures
    ]
    head = "| part | ours | beside | unit | ratio | goal | |\n|---|--:|---|---|--:|--:|---|"
    return "\n".join([head, *rows])


def main() -> None:
    """Measure what was asked for, or everything; exit 1 when a goal was missed."""
    known = sorted(
        info.name for info in pkgutil.iter_modules(package.__path__) if info.name not in _FRAME
    )
    asked = sys.argv[1:] or known
    unknown = set(asked) - set(known)
    if unknown:
        sys.exit(f"bench: no measurement called {', '.join(sorted(unknown))}; known: {known}")
    OUT.mkdir(parents=True, exist_ok=True)
    every: list[Figure] = []
    for name in asked:
        figures = importlib.import_module(f"scripts.bench.{name}").measure()
        every += figures
        sys.stdout.write(f"\n## {name}\n\n{table(figures)}\n")
        sys.stdout.flush()
        (OUT / f"{name}.json").write_text(json.dumps([asdict(f) for f in figures], indent=1))
        save_plot(name, figures, OUT / f"{name}.png")
    (OUT / "report.md").write_text(f"# Figures\n\n{table(every)}\n")
    missed = [figure.part for figure in every if figure.met is False]
    if missed:
        sys.exit(f"bench: goal missed: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
