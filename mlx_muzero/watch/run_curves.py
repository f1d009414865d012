"""The curves of a run by name, which are the same wherever they are shown."""

from mlx_muzero.watch.curve import Curve
from mlx_muzero.watch.paper_state import PaperState
from mlx_muzero.watch.run import WatchedRun
from mlx_muzero.watch.train_state import TrainState

EXPECTANCY, NET, WIN_RATE = "expectancy", "net pips", "win rate"
LOSS = "loss: "
"""Before the name of a term of the loss, or "total"."""
TOTAL_LOSS = f"{LOSS}total"
GRADIENT_NORM, OVERFLOW = "gradient norm", "support overflow"
EQUITY, DRAWDOWN = "equity", "drawdown"


def curves_of(run: WatchedRun) -> dict[str, Curve]:
    """Every curve of a run by name, first what chooses the best checkpoint, without empty ones."""
    state = run.state
    if isinstance(state, PaperState):
        found = {EQUITY: state.equity, DRAWDOWN: state.drawdown_frac}
    else:
        of_validations = _of_validations(state)
        found = {name: of_validations[name] for name in validated(run)} | _of_losses(state)
    return {name: curve for name, curve in found.items() if len(curve)}


def validated(run: WatchedRun) -> tuple[str, ...]:
    """Names of what validations measure, first what chooses the best checkpoint."""
    by_session = run.best_by == "net_pips"
    return (NET, EXPECTANCY, WIN_RATE) if by_session else (EXPECTANCY, NET, WIN_RATE)


def _of_validations(state: TrainState) -> dict[str, Curve]:
    curves = (state.expectancy_pips, state.net_pips, state.win_frac)
    return dict(zip((EXPECTANCY, NET, WIN_RATE), curves, strict=True))


def _of_losses(state: TrainState) -> dict[str, Curve]:
    """Those of training steps, the total first."""
    terms = sorted(state.losses, key="total".__ne__)
    found = {f"{LOSS}{term}": state.losses[term] for term in terms}
    return found | {GRADIENT_NORM: state.gradient_norm, OVERFLOW: state.overflow_frac}
