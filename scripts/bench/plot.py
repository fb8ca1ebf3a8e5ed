"""Bars of ours beside the peer's, with the goal as a line."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

from scripts.bench.figure import Figure

mpl.use("Agg")
from matplotlib import pyplot as plt


def save_plot(title: str, figures: list[Figure], path: Path) -> None:
    """Draw the ratio of every figure to its peer; 1 is the peer itself."""
    height = 1.2 + 0.62 * len(figures)
    canvas, axes = plt.subplots(figsize=(9, height), layout="constrained")
    names = [f"{figure.part}\n(1 = {figure.peer_name})" for figure in figures]
    colours = ["#9b1c1c" if figure.met is False else "#0b4f6c" for figure in figures]
    bars = axes.barh(names, [figure.ratio for figure in figures], color=colours, height=0.55)
    axes.bar_label(bars, [f"{figure.ratio:.2f}" for figure in figures], padding=3, fontsize=8)
    for row, figure in enumerate(figures):
        if figure.goal is not None:
            axes.plot([figure.goal] * 2, [row - 0.38, row + 0.38], color="#c77700", linewidth=2)
    axes.axvline(1, color="#5b6770", linewidth=0.8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlabel("ours ÷ peer (CPU time unless the report says otherwise); orange: goal")
    axes.set_title(title, loc="left")
    canvas.savefig(path, dpi=110)
    plt.close(canvas)
