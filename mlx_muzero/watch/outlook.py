"""The cone of a recorded decision: where the tree expects the next closes."""

from pathlib import Path

from mlx_muzero.errors import RunError
from mlx_muzero.market.observation.outcome_cone import MEANS, ConeBar, chances_ahead, cone
from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.decision_log import CHANCE, DecisionRecord

_KEPT = 32


def cone_of(record: DecisionRecord) -> list[ConeBar]:
    """The cone after the chosen action, in pips; empty where its outcomes are not known."""
    chances = record.outcomes[record.action]
    if chances is None or len(chances) != len(MEANS) or record.threshold_pips <= 0:
        return []
    ahead = chances_ahead(record.tree, record.action, chances, CHANCE)
    return cone(ahead, record.threshold_pips)


class Outlooks:
    """The cones of a run's decisions; the last ones are kept.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: dict[tuple[str, int], list[ConeBar]] = {}

    def at(self, pair: str, close_ns: int) -> list[ConeBar]:
        """The cone of the decision on `pair` at `close_ns`; empty if there is none to read."""
        found = self._kept.get((pair, close_ns))
        if found is not None:
            return found
        try:
            entry = decision_log.find(self.folder / "decisions", pair, close_ns)
            if entry is None:
                return []  # a decision is written after its minute
            found = cone_of(decision_log.read(entry))
        except (OSError, RunError):
            found = []
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[pair, close_ns] = found
        return found
