"""One decision of a run, and the tree behind it."""

from pathlib import Path

from mlx_muzero.api.running import as_run
from mlx_muzero.errors import ConfigError
from mlx_muzero.experiment.planning import Plan, plan_at
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.symbols.symbol import Symbol


def plan(
    run: TrainedRun | str | Path,
    at: str,
    *,
    symbol: str | None = None,
    simulations: int | None = None,
) -> Plan:
    """Plan at the close of one bar, knowing nothing after it, and keep the tree.

    Args:
        run: that `load_run` gave, or its folder.
        at: open of the bar decided on, UTC, as 2018-03-05T14:30.
        symbol: whose bar; None for that of the run, which then must have one.
        simulations: of the search; None for the run's.

    Raises:
        ConfigError: `at` is no time, or several symbols could be meant.
        DataError: no such bar, or too few before it.
    """
    try:
        open_time_ns = utc_ns(at)
    except ValueError as error:
        raise ConfigError(f"at: {error}") from error
    loaded = as_run(run, symbol)
    if symbol is not None and Symbol(symbol) not in loaded.dataset.symbols:
        raise ConfigError(f"the run was loaded with bars of {loaded.dataset.label} only")
    if len(loaded.dataset.symbols) > 1:
        raise ConfigError(
            f"the run has several symbols: load it with one of {loaded.dataset.label}, as in "
            "load_run(..., symbol=...)"
        )
    return plan_at(loaded, open_time_ns, simulations)
