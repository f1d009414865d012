"""Judges trained runs on sessions of a market that nothing was tuned on; prints JSON.

    python fresh_sessions.py STORE SYMBOL SESSIONS RUN ...

A program of its own, so that another checkout's Python can judge that checkout's runs.
"""

import json
import sys
from pathlib import Path
from typing import Any

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
import numpy as np

from mlx_muzero.evaluation.agent_policies import NetworkPolicy, SearchPolicy
from mlx_muzero.evaluation.backtest import Backtest, backtest
from mlx_muzero.evaluation.baselines import BestPolicy
from mlx_muzero.experiment.loading import load_truth
from mlx_muzero.experiment.trained_run import TrainedRun, load_run
from mlx_muzero.market.synthetic.optima import PLANTED, from_truth
from mlx_muzero.types import I64

FRESH_SEED = 777
"""Of the market that judges, if no other is asked for."""


def twin_of(symbol: str, fresh_seed: int) -> str:
    """The name of the market of the same kind as `symbol`, made with another seed, that judges."""
    return f"{symbol}_FRESH_{fresh_seed}"


def main() -> None:
    store, symbol, sessions = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    print(json.dumps([judged(Path(run), store, symbol, sessions) for run in sys.argv[4:]]))


def judged(path: Path, store: Path, symbol: str, sessions: int) -> dict[str, Any]:
    """What the agent of a run, its raw network and the best policy earn a session of `symbol`."""
    run = load_run(path, "best", store, symbol=symbol)
    starts = starts_of(run)[:sessions]
    agent, simulations = run.agent(), run.config.search.num_simulations
    truth = load_truth(run.config, store) or {}
    played = {
        "search": played_by(SearchPolicy(agent, simulations), run, starts),
        "raw_network": played_by(NetworkPolicy(agent), run, starts),
    }
    if truth["kind"] in PLANTED:
        played["best_policy"] = played_by(BestPolicy(from_truth(truth)), run, starts)
    return {
        "run": str(path),
        "checkpoint": run.checkpoint,
        "sessions": len(starts),
        "expected": truth["expected_pips_per_session"],
        **{name: result.metrics.net_pips_per_session for name, result in played.items()},
        "trades": played["search"].metrics.trades,
        "trades_of_raw_network": played["raw_network"].metrics.trades,
    }


def starts_of(run: TrainedRun) -> I64:
    """The sessions of all splits: the market is not the run's own, so no bar of it is known."""
    parts = [run.dataset.evaluation_starts(part) for part in ("train", "validation", "test")]
    return np.concatenate(parts)


def played_by(policy: Any, run: TrainedRun, starts: I64) -> Backtest:
    return backtest(policy, run.dataset, run.rules, starts)


if __name__ == "__main__":
    main()
