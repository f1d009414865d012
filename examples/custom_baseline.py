"""A baseline of your own: fades a move that is unusually large, otherwise keeps its position."""

import sys
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import numpy.typing as npt

import mlx_muzero as mm
from small_market import small_config, small_store


class FadeLargeMoves:
    """Trades against the last bar if it moved more than twice the mean of the last thirty moves."""

    def reset(self, view: mm.SessionView) -> None:
        """Do nothing: this policy has no state."""

    def act(self, view: mm.SessionView) -> npt.NDArray[np.int32]:
        """Actions of B sessions, i32[B]; reads nothing after `view.bar`."""
        past = np.maximum(view.bar[:, None] - np.arange(31), 0)
        moves = -np.diff(view.close[past], axis=1)
        large = np.abs(moves[:, 0]) > 2.0 * np.abs(moves).mean(axis=1)
        held = view.table.exposures[view.position]
        return view.table.actions_toward(
            view.position, np.where(large, -np.sign(moves[:, 0]), held)
        )


def main(folder: Path) -> None:
    """Register it, then evaluate a run: the baseline is one of the rows."""
    mm.register_baseline("fade_large_moves", FadeLargeMoves)
    store = small_store(folder)
    mm.train(small_config(store), folder / "run", store=store)
    found = mm.evaluate(folder / "run", sessions=16).to_frame("pandas")
    print(found[["policy", "net_pips_per_session", "trades", "win_frac"]].to_string(index=False))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp()))
