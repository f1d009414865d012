"""The C++ search core (cpp/bindings/module.cc); `mlx_muzero.search` is its public interface."""

import collections.abc
from enum import Enum

from mlx_muzero.types import F32, F64, I8, I32, U64

class LegalActions(Enum):
    tree = 0
    root = 1
    off = 2

class Expansion(Enum):
    all_outcomes = 0
    single_outcome = 1

class Root(Enum):
    puct = 0
    gumbel = 1

class Compatibility(Enum):
    none = 0
    mctx = 1

_Constant = int | float | LegalActions | Expansion | Root | Compatibility

class Params:
    """The fields are those of `mlx_muzero.search.SearchParams`."""

    def __init__(self, **kwargs: _Constant) -> None: ...
    def __getattr__(self, name: str) -> _Constant: ...

def kernels() -> list[str]: ...
def instructions(kernels: str) -> list[tuple[str, str]]: ...
def rows_are_independent(kernels: str) -> bool: ...
def sme_is_left_out() -> bool: ...

class Encoder:
    def __init__(
        self,
        *,
        features: int,
        window_bars: int,
        channels: int,
        kernel: int,
        width: int,
        blocks: int,
        kernels: str,
        threads: int,
        precision: str = "float32",
    ) -> None: ...
    def parameters(self) -> list[tuple[str, list[int]]]: ...
    def load(self, arrays: list[F32]) -> None: ...
    def encode(self, observation: F32) -> F32: ...

class MarketEvaluator:
    def __init__(
        self,
        *,
        features: int,
        window_bars: int,
        history: collections.abc.Sequence[int],
        width: int,
        members: int,
        outcomes: int,
        positions: int,
        longest: int,
        shortest: int,
        clusters: int,
        kernels: str,
        threads: int,
        usual: collections.abc.Sequence[float] = [],
        session_bars: int = 0,
        precision: str = "float32",
    ) -> None: ...
    def parameters(self) -> list[tuple[str, list[int]]]: ...
    def load(self, arrays: list[F32]) -> None: ...
    def roots(
        self, observation: F32, known: F32 | None = None
    ) -> tuple[F32, F32, F32, F32, I32]: ...
    def successors(
        self, latent: F32, known: F32 | None = None
    ) -> tuple[F32, F32, F32, F32, I32]: ...
    def ahead(
        self, observation: F32, depth: int, now: F32 | None = None, later: F32 | None = None
    ) -> tuple[F32, F32, F32, I32, F32]: ...

class Evaluator: ...

class NetworkEvaluator(Evaluator):
    def __init__(
        self,
        *,
        width: int,
        actions: int,
        outcomes: int,
        bins: int,
        outcome_blocks: int,
        dynamics_blocks: int,
        policy_blocks: int,
        value_blocks: int,
        afterstate_blocks: int,
        kernels: str,
        precision: str = "float32",
    ) -> None: ...
    def parameters(self) -> list[tuple[str, list[int]]]: ...
    def load(self, arrays: list[F32]) -> None: ...
    def predict(self, latents: F32) -> tuple[F32, F32]: ...
    def reset(self, root_latents: F32, root_slots: I32, capacity: int) -> None: ...
    def latents(self, slots: I32) -> F32: ...
    def expand_all(self, parent: I32, action: I32, slot: I32) -> tuple[F32, F32, F32, F32]: ...
    def expand_single(
        self,
        chance_parent: I32,
        chance_action: I32,
        parent: I32,
        action: I32,
        outcome: I32,
        slot: I32,
    ) -> tuple[F32, F32, F32, F32, F32]: ...

class RowEvaluator(Evaluator):
    def __init__(self, outcome_probs: F32, reward: F32, value: F32, prior: F32) -> None: ...

class RecordingEvaluator(Evaluator):
    def __init__(self, evaluator: Evaluator) -> None: ...
    def replay(self) -> None: ...

class SearchCore:
    def __init__(self, params: Params, next_position: I32, outcomes: int, threads: int) -> None: ...
    def reset(self, prior: F32, value: F32, position: I32, seed: U64, noise: bool) -> None: ...
    def select(self) -> bool: ...
    def action_leaves(self) -> tuple[I32, I32, I32, I32]: ...
    def outcome_leaves(self) -> tuple[I32, I32, I32, I32, I32]: ...
    def backup_all(self, outcome_probs: F32, reward: F32, value: F32, prior: F32) -> None: ...
    def backup_single(
        self, outcome_probs: F32, afterstate_value: F32, reward: F32, value: F32, prior: F32
    ) -> None: ...
    def run(self, evaluator: Evaluator) -> None: ...
    def result(
        self,
    ) -> tuple[I32, F32, F32, F32, I32, F32, F32, I32, F64, I32, I32, I32, I32, I32, I32]: ...
    def tree(self, root: int) -> tuple[I32, I8, I32, F32, I32, F64, F32, I32, F32]: ...
    @property
    def roots(self) -> int: ...
    @property
    def arena_bytes(self) -> int: ...
    @property
    def slots_per_tree(self) -> int: ...
