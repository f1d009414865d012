"""Draws a profile; needs matplotlib, which nothing else does."""

from pathlib import Path

from mlx_muzero.errors import ConfigError
from mlx_muzero.files.refusals import named
from mlx_muzero.profiling.profile import Profile
from mlx_muzero.profiling.published import CRYPTO_TABLE

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ImportError as error:
    raise ConfigError(
        f"--png needs matplotlib ({error}): pip install 'mlx-muzero[chart]'"
    ) from error


def draw(profile: Profile, file: Path) -> None:
    """Write a PNG with leaves per second by batch size, and the duration of a step."""
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    _rates(left, profile)
    _steps(right, profile)
    figure.suptitle(f"{profile.subject}\n{profile.machine}", fontsize=9)
    with named(file):
        figure.savefig(file, format="png", dpi=150)


def _rates(axes: Axes, profile: Profile) -> None:
    for target, found in zip(profile.targets, profile.backends, strict=True):
        if not found.calls:
            continue
        axes.plot(
            [call.leaves for call in found.calls],
            [call.leaves_per_s for call in found.calls],
            marker="o",
            linestyle=":" if target.simulated else "-",
            label=f"{target.name} (simulation)" if target.simulated else target.name,
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set_xlabel("leaves in a call")
    axes.set_ylabel("leaves/s")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8)


def _steps(axes: Axes, profile: Profile) -> None:
    real = [
        found
        for target, found in zip(profile.targets, profile.backends, strict=True)
        if not target.simulated and found.steps
    ]
    searches = [(step.pairs, step.simulations) for step in real[0].steps] if real else []
    width = 0.8 / max(len(real), 1)
    for number, found in enumerate(real):
        places = [cell + (number - (len(real) - 1) / 2) * width for cell in range(len(searches))]
        axes.bar(places, [step.p50_ms for step in found.steps], width, label=found.target)
    for published in CRYPTO_TABLE:
        label = f"{published.what} (CRYPTO)"
        if published.low_ms == published.high_ms:
            axes.axhline(published.low_ms, color="gray", linestyle="--", label=label)
        else:
            axes.axhspan(published.low_ms, published.high_ms, color="gray", alpha=0.2, label=label)
    axes.set_yscale("log")
    axes.set_xticks(
        range(len(searches)),
        [f"{pairs} pairs\n{n or 'no'} sim." for pairs, n in searches],
        fontsize=8,
    )
    axes.set_ylabel("ms a step")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8)
