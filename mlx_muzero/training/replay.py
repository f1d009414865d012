"""Trajectory replay with FX's trade quota ("BalancedReplayBuffer").

Observations are not stored (ADR 11): an episode keeps its first bar and what the agent added to the
bars, about 50 bytes a step, and windows are gathered from the dataset on sampling.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from mlx_muzero import rng
from mlx_muzero.config.schema import ReplayConfig
from mlx_muzero.types import F32, I8, I64, U64, Bool


@dataclass(frozen=True, eq=False)
class Episodes:
    """E finished sessions of T steps.

    Attributes:
        start: ``i64[E]`` first decision bar.
        position: ``i8[E, T]`` position index before each step's action.
        position_features: ``f32[E, T, 6]`` account features the agent saw.
        action: ``i8[E, T]`` action taken.
        reward: ``f32[E, T]`` reward of the step.
        policy: ``f32[E, T, A]`` visit shares of the search.
        value: ``f32[E, T]`` search value of the most visited root action.
    """

    start: I64
    position: I8
    position_features: F32
    action: I8
    reward: F32
    policy: F32
    value: F32

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.start)

    @classmethod
    def empty(cls, count: int, steps: int, actions: int, position_features: int) -> Self:
        """`count` zeroed episodes; memory is committed as they are written."""
        return cls(
            start=np.zeros(count, np.int64),
            position=np.zeros((count, steps), np.int8),
            position_features=np.zeros((count, steps, position_features), np.float32),
            action=np.zeros((count, steps), np.int8),
            reward=np.zeros((count, steps), np.float32),
            policy=np.zeros((count, steps, actions), np.float32),
            value=np.zeros((count, steps), np.float32),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def traded(self) -> Bool:
        """Whether each episode held a position at any time, ``bool[E]``."""
        held: Bool = (self.position != 0).any(axis=1)
        return held


class ReplayBuffer:
    """Keeps the newest `max_episodes`, protecting episodes with trades while they are few.

    FX's eviction: if the buffer is full and fewer than `min_trade_frac` of the episodes have a
    trade, a random episode without one is evicted; otherwise the oldest is.
    """

    def __init__(
        self, config: ReplayConfig, seed: int, steps: int, actions: int, position_features: int
    ) -> None:
        self._config = config
        self._seed = seed
        self.episodes = Episodes.empty(config.max_episodes, steps, actions, position_features)
        self._serial = np.full(config.max_episodes, -1, np.int64)
        self._traded = np.zeros(config.max_episodes, np.bool_)
        self._added = 0

    def __len__(self) -> int:
        """Number of episodes held."""
        return min(self._added, self._config.max_episodes)

    @property
    def trade_frac(self) -> float:
        """Share of held episodes with trades."""
        return float(self._traded[: len(self)].mean()) if len(self) else 0.0

    @property
    def nbytes(self) -> int:
        """Size of a full buffer in bytes."""
        return sum(array.nbytes for array in self.episodes.arrays().values())

    def add(self, episodes: Episodes) -> None:
        """Add finished episodes, evicting one for each while the buffer is full."""
        traded = episodes.traded()
        for index in range(len(episodes)):
            slot = self._added if self._added < self._config.max_episodes else self._evict()
            for name, held in self.episodes.arrays().items():
                held[slot] = getattr(episodes, name)[index]
            self._serial[slot] = self._added
            self._traded[slot] = traded[index]
            self._added += 1

    def _evict(self) -> int:
        holds = np.flatnonzero(~self._traded)
        if self.trade_frac < self._config.min_trade_frac and len(holds):
            draw = float(rng.uniform(rng.key(self._seed, rng.Stream.EVICT, self._added)))
            return int(holds[int(draw * len(holds))])
        return int(np.argmin(self._serial))

    def sample(self, keys: U64) -> tuple[I64, I64]:
        """Slot and step of one position per key ``u64[n]``, uniform over held steps."""
        steps = self.episodes.action.shape[1]
        flat = (rng.uniform(keys) * (len(self) * steps)).astype(np.int64)
        return flat // steps, flat % steps

    def state(self) -> dict[str, np.ndarray]:
        """Arrays for a checkpoint, of held episodes only."""
        held = len(self)
        arrays = {name: array[:held] for name, array in self.episodes.arrays().items()}
        arrays["serial"] = self._serial[:held]
        arrays["added"] = np.array(self._added)
        return arrays

    def restore(self, state: dict[str, np.ndarray], starts: I64) -> None:
        """Inverse of `state` on a new buffer with the same configuration.

        Args:
            state: state of the other buffer.
            starts: bars at which episodes may start.

        Raises:
            ValueError: the configuration differs, or an episode does not fit the market or actions.
        """
        held = len(state["serial"])
        if held != min(int(state["added"]), self._config.max_episodes):
            raise ValueError(
                f"{held} episodes of {state['added']} were kept, not {self._config.max_episodes}"
            )
        for name, array in self.episodes.arrays().items():
            array[:held] = state[name]
        actions = self.episodes.policy.shape[-1]
        if not np.isin(self.episodes.start[:held], starts).all():
            raise ValueError("an episode starts at a bar where none can")
        if not np.isin(self.episodes.action[:held], np.arange(actions)).all():
            raise ValueError(f"an action is not one of {actions}")
        self._serial[:held] = state["serial"]
        self._added = int(state["added"])
        self._traded = self.episodes.traded()
