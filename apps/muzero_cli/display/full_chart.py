"""A full comparison as pictures; needs matplotlib."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.full_comparison import FullComparison
from mlx_muzero.evaluation.metrics import drawdown_pips, end_to_end
from mlx_muzero.files.refusals import named
from mlx_muzero.types import F64

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ImportError as error:
    raise ConfigError(
        f"--png needs matplotlib ({error}): pip install 'mlx-muzero[chart]'"
    ) from error

_OFF_SCALE = ("random", "perfect_foresight")
"""Their curves would flatten all the others."""

_COLORS = 10
_DASHES = ("-", "--", ":", "-.")
"""Line styles: each takes all of matplotlib's `_COLORS` colors before the next one follows."""


def draw(full: FullComparison, folder: Path) -> list[Path]:
    """Write equity, drawdown, cost_curve and calibration as PNGs into `folder`, made if absent."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, Callable[[Axes, FullComparison], None]] = {
        "equity": _equity,
        "drawdown": _drawdown,
        "cost_curve": _cost_curve,
        "calibration": _calibration,
    }
    files = []
    for name, plot in pictures.items():
        figure = Figure(figsize=(10, 5.5), layout="constrained")
        axes = figure.subplots()
        plot(axes, full)
        axes.grid(alpha=0.3)
        conditions = full.comparison.conditions
        axes.set_title(
            f"{conditions.data}, {conditions.part}, {conditions.sessions:,} sessions, "
            f"{conditions.first} to {conditions.last} UTC; {conditions.costs}",
            fontsize=9,
        )
        figure.legend(loc="outside right upper", fontsize=7)
        files.append(folder / f"{name}.png")
        with named(files[-1]):
            figure.savefig(files[-1], format="png", dpi=120)
    return files


def _equity(axes: Axes, full: FullComparison) -> None:
    _over_sessions(axes, full, end_to_end)
    axes.set_ylabel(f"equity, net {full.comparison.conditions.unit}")


def _drawdown(axes: Axes, full: FullComparison) -> None:
    _over_sessions(axes, full, drawdown_pips)
    # On a linear scale, a rule that only loses would flatten all the others.
    axes.set_yscale("symlog", linthresh=10.0)
    axes.invert_yaxis()
    axes.set_ylabel(f"below the highest equity, {full.comparison.conditions.unit}")


def _over_sessions(axes: Axes, full: FullComparison, curve: Callable[[F64], F64]) -> None:
    for number, (name, entry) in enumerate(full.comparison.entries.items()):
        if name in _OFF_SCALE:
            continue
        portfolio_pips = entry.backtest.portfolio_pips
        sessions = np.arange(1, portfolio_pips.size + 1) / portfolio_pips.shape[1]
        axes.plot(sessions, curve(portfolio_pips), _dashes(number), label=name, linewidth=1.0)
    axes.set_xlabel(f"sessions, end to end ({' and '.join(_OFF_SCALE)} left out)")


def _cost_curve(axes: Axes, full: FullComparison) -> None:
    sweep, unit = full.sweep, full.comparison.conditions.unit
    for number, (name, curve) in enumerate(sweep.curves.items()):
        if name in _OFF_SCALE:
            continue
        (line,) = axes.plot(sweep.levels, curve.net, _dashes(number), label=name)
        # None becomes NaN, for which no band is drawn.
        low, high = np.array([curve.low, curve.high], np.float64)
        axes.fill_between(sweep.levels, low, high, color=line.get_color(), alpha=0.07)
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.axvline(sweep.decided_at, color="gray", linestyle=":", label="decided at")
    what = "a round trip" if sweep.cost == "round_trip" else "every fill"
    axes.set_xlabel(
        f"cost of {what}, {unit}; the trades are those decided at {sweep.decided_at:.4g}"
    )
    axes.set_ylabel(f"net {unit} per session, 95 % interval")


def _calibration(axes: Axes, full: FullComparison) -> None:
    bins = full.forecast.calibration
    total = sum(bin_.count for bin_ in bins)
    axes.plot([0, 1], [0, 1], color="gray", linestyle=":", label="calibrated")
    axes.plot(
        [bin_.predicted for bin_ in bins], [bin_.observed for bin_ in bins], "o-", label="observed"
    )
    middles = [(bin_.low + bin_.high) / 2 for bin_ in bins]
    shares = [bin_.count / total for bin_ in bins]
    axes.bar(middles, shares, width=0.08, alpha=0.25, label="share of forecasts")
    axes.set_xlabel("probability the model gave an outcome of the next bar")
    axes.set_ylabel("share of those outcomes that happened")


def _dashes(line: int) -> str:
    return _DASHES[line // _COLORS % len(_DASHES)]
