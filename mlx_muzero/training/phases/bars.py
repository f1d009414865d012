"""The search phase of a factored model: bars teach it, and a backtest validates it."""

from mlx_muzero.training.phases.search import SearchPhase
from mlx_muzero.types import Advance


class BarsPhase(SearchPhase):
    """Draws training bars instead of playing; an episode is a session's worth of progress."""

    def play_round(self, first_episode: int, count: int, tick: Advance) -> None:
        """Play nothing: the bars say what every position would have earned."""
