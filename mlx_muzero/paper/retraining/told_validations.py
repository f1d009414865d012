"""What a candidate's log says of its training; its journal has the rest."""

from collections.abc import Callable

from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.training.progress import Counters, Listener


class ToldValidations(Listener):
    """Says what validations find, and what happens to exports."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def phase_begun(self, counters: Counters, episodes: int) -> None:
        """Say which phase begins."""
        self._say(f"phase {counters.phase}, {episodes:,} episodes")

    def validated(
        self, metrics: Metrics, counters: Counters, is_best: bool, dropped_of: int | None
    ) -> None:
        """Say what it found."""
        best = ", the best so far" if is_best else ""
        net = metrics.net_pips_per_session
        self._say(f"episode {counters.episodes:,}: net {net:+.3g} a session{best}")

    def engine_changed(self, event: EngineEvent) -> None:
        """Say what happened."""
        self._say(str(event))
