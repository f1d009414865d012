"""Draws the pictures of what training reached, from what two other scripts measured.

    python scripts/known_optimum.py --against CHECKOUT --folder F --json > optimum.json
    python scripts/changed_rules.py F/planted_edge-this-* --json > rules.json
    python scripts/results_pictures.py optimum.json rules.json [--folder FOLDER]

Writes docs/assets/learning-curve.svg and docs/assets/changed-rules.svg; needs matplotlib, of the
extra `chart`. The same measurements give the same bytes.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ASSETS = Path(__file__).parent.parent / "docs" / "assets"
BUILDS = {
    "this": ("a model of the market alone", "tab:blue"),
    "other": ("the build before it, the specification's networks", "tab:gray"),
}
SHOWN = {
    "search": ("the agent, planning with the rules in force", "tab:blue", "o"),
    "raw network": ("its networks, without search", "tab:cyan", "v"),
    "fitted_q, training's rules": ("fitted_q, fitted under the training's rules", "tab:red", "s"),
    "line, training's rules": ("line, fitted under the training's rules", "tab:orange", "D"),
    "fitted_q, retrained": ("fitted_q, fitted anew under the rules in force", "tab:gray", "_"),
}
"""Rows of the table of rules by the name of their policy, without the number of its run."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of what training reached.")
    parser.add_argument("optimum", type=Path, help="what known_optimum.py --json printed")
    parser.add_argument("rules", type=Path, help="what changed_rules.py --json printed")
    parser.add_argument("--folder", type=Path, default=ASSETS, help="of the pictures")
    options = parser.parse_args()
    # Ids of an SVG are random unless they are salted.
    matplotlib.rcParams["svg.hashsalt"] = "mlx_muzero"
    for name, plot, source in (
        ("learning-curve", draw_learning, options.optimum),
        ("changed-rules", draw_rules, options.rules),
    ):
        figure = Figure(figsize=(8.5, 4.2), layout="constrained")
        plot(figure.subplots(), json.loads(source.read_text()))
        file = options.folder / f"{name}.svg"
        figure.savefig(file, metadata={"Date": None})
        print(file)


def draw_learning(axes: Axes, measured: Mapping[str, Any]) -> None:
    """Net pips of every validation by the seconds since ``train`` started."""
    for build, (label, color) in BUILDS.items():
        points = [row for row in measured["curves"] if row["build"] == build]
        for number, seed in enumerate(sorted({row["seed"] for row in points})):
            curve = [row for row in points if row["seed"] == seed]
            axes.plot(
                [row["seconds"] for row in curve],
                [row["net_pips"] for row in curve],
                color=color,
                marker=".",
                linewidth=1.2,
                label=None if number else label,
            )
    expected = measured["planted"][0]["expected"]
    axes.axhline(expected, color="black", linewidth=1.0, label="the best policy expects")
    axes.axhline(0.8 * expected, color="black", linewidth=0.8, linestyle=":", label="80 % of it")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("seconds since the start of train")
    axes.set_ylabel("net pips a validation session")
    axes.set_ylim(bottom=min(0.0, *(row["net_pips"] for row in measured["curves"])))
    finish(axes, measured)


def draw_rules(axes: Axes, measured: Mapping[str, Any]) -> None:
    """Share of the best policy's net pips under each rule; runs of one policy beside each other."""
    rules = list(dict.fromkeys(row["rule"] for row in measured["rules"]))
    for number, (policy, (label, color, marker)) in enumerate(SHOWN.items()):
        shift = (number - (len(SHOWN) - 1) / 2) * 0.12
        rows = [row for row in measured["rules"] if row["policy"].split(", run ")[0] == policy]
        axes.plot(
            [rules.index(row["rule"]) + shift for row in rows],
            [100.0 * row["of_best"] for row in rows],
            linestyle="none",
            marker=marker,
            markersize=7,
            markeredgewidth=2 if marker == "_" else 0.5,
            color=color,
            label=label,
        )
    axes.axhline(100.0, color="black", linewidth=1.0, label="the best policy under that rule")
    axes.axhline(0.0, color="black", linewidth=0.6)
    axes.set_xticks(range(len(rules)), [rule.replace(", ", ",\n") for rule in rules])
    axes.set_xlabel("the rule it is played under; all were trained at 4 pips a round trip")
    axes.set_ylabel("% of the best policy's net pips")
    finish(axes, measured)


def finish(axes: Axes, measured: Mapping[str, Any]) -> None:
    """What every picture has: a grid, a legend and the machine that measured it."""
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, frameon=False)
    axes.set_title(measured["machine"], fontsize=7, color="gray", loc="right")


if __name__ == "__main__":
    main()
