"""Bars of ours beside the peer's, with the goal as a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

from scripts.bench.figure import Figure

mpl.use("Agg")
from matplotlib import pyplot as plt


def save_growth(title: str, lines: Mapping[str, Sequence[tuple[int, float]]], path: Path) -> None:
    """Draw how figures grow with a number, both on logarithmic scales.

    Args:
        title: Of the plot.
        lines: Points (number, figure) by the name of the figure, which carries its unit.
        path: The file.
    """
    canvas, axes = plt.subplots(figsize=(9, 6), layout="constrained")
    for (name, points), marker in zip(lines.items(), "osD^vPX*", strict=False):
        numbers, figures = zip(*points, strict=True)
        axes.plot(numbers, figures, marker=marker, linewidth=1.4, label=name)
        axes.annotate(f"{figures[-1]:.3g}", (numbers[-1], figures[-1]), xytext=(6, -3),
                      textcoords="offset points", fontsize=8)  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(visible=True, which="major", linewidth=0.4)
    axes.set_xlabel("leaves in the batch")
    axes.legend(fontsize=8)
    axes.set_title(title, loc="left")
    canvas.savefig(path, dpi=110)
    plt.close(canvas)


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
