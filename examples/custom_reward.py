"""A reward of your own: net pips minus a share of how far the position moved, up or down."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import numpy.typing as npt

import mlx_muzero as mm
from small_market import small_config, small_store

RISK_SHARE = 0.1


def calm(scale: float) -> Callable[[mm.StepEffect], npt.NDArray[np.float64]]:
    """Make the reward of a set of sessions: called when they start; its result, at every step."""

    def reward(effect: mm.StepEffect) -> npt.NDArray[np.float64]:
        return scale * (effect.earned_pips - RISK_SHARE * np.abs(effect.held_pips))

    return reward


def main(folder: Path) -> None:
    """Register it, then train on it like on any other."""
    mm.register_reward("calm", calm)
    store = small_store(folder)
    config = small_config(store)
    config = replace(config, trading=replace(config.trading, reward="calm"))
    result = mm.train(config, folder / "calm", store=store)
    print(f"finished: {result.finished}, reward of an episode in the last round: "
          f"{result.rounds[-1].mean_reward:+.2f}")  # fmt: skip
    # Later, register the reward before you load the run; otherwise the error says to.
    print("loaded:", mm.load_run(folder / "calm").config.trading.reward)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp()))
