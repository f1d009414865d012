"""One decision of a run, with its search tree."""

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
        run: a run that `load_run` returned, or its folder.
        at: open of the bar to decide on, UTC, such as 2018-03-05T14:30.
        symbol: symbol of the bar; None for the run's, if it has only one.
        simulations: simulations of the search; None for the run's.

    Raises:
        ConfigError: `at` is not a valid time, or several symbols are possible.
        DataError: the bar does not exist, or has too few bars before it.
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
