"""Measures collecting: decisions per second, episodes per minute and where the time goes.

    python scripts/bench_collect.py [--backend B] [--precision P] [--simulations N] [--envs B ...]
                                    [--steps N] [--rounds N]
    python scripts/bench_collect.py --against CHECKOUT [--precision P] [--simulations N] ...

The fx_micro networks with their first weights play sessions of a synthetic market; --json prints
JSON. A whole session has 360 steps; here it has --steps, and episodes per minute are scaled from
there, as every step costs the same. After each round the same collection runs with the search's
pure-Python twin, so that their ratio holds even where the machine is busy. --against takes turns
with the native backend of another checkout's build in float32 instead, and counts processor time.
"""

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from unittest.mock import patch

import mlx_muzero
from bench import against, collecting
from bench.collecting import seconds_to_collect
from bench.report import Report
from mlx_muzero import blas
from mlx_muzero.agent.backend_choice import BACKENDS, search_threads
from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.backends.backend import ModelEvaluator
from mlx_muzero.config.choices import Precision
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.config.schema import Config
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.profiling import doctor
from mlx_muzero.search import Leaves, Search, SearchParams
from mlx_muzero.search.reference_search import ReferenceSearch
from mlx_muzero.search.result import SearchResult
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.training.collector import Collector
from mlx_muzero.training.models import build_muzero
from mlx_muzero.types import F32, I32, U64

if TYPE_CHECKING:  # at run time mlx_muzero has to come first, to put its BLAS behind MLX
    import mlx.core as mx

SESSION_STEPS = FX_MICRO.market.session_bars
PARTS: dict[str, tuple[tuple[type, str], ...]] = {
    "root network": ((MuZeroAgent, "predict"),),
    "search": ((Search, "run"),),
    "environment": ((SessionEnv, "observe"), (SessionEnv, "step")),
}
"""Calls whose time is measured; none of them calls another. The rest of the time is "other".

The search is tree and leaf network together; bench_search.py tells them apart.
"""


class TwinSearch(ReferenceSearch):
    """The pure-Python reference with the interface an agent uses; no threads, no root noise."""

    def __init__(
        self, params: SearchParams, next_position: I32, num_outcomes: int, _threads: int
    ) -> None:
        super().__init__(params, next_position, num_outcomes)

    def run(
        self,
        evaluator: ModelEvaluator,
        latents: "mx.array",
        prior: F32,
        value: F32,
        position: I32,
        _seed: U64,
        _noise: bool,
    ) -> SearchResult:
        """Like `Search.run` in mode "all_outcomes"."""
        self.reset(prior, value, position)
        evaluator.reset(latents, self.root_slots(), self.capacity)
        while isinstance(leaves := self.select(), Leaves):
            self.backup(evaluator.expand(leaves))
        return self.result()


@dataclass(frozen=True)
class Measurement:
    """Results, medians over the rounds.

    Attributes:
        envs: sessions in lockstep.
        decisions_per_s: decisions of all sessions.
        episodes_per_minute: of 360 steps.
        ratio_to_twin: decisions per second over those with the pure-Python search.
        share: of the time, by part.
    """

    envs: int
    decisions_per_s: float
    episodes_per_minute: float
    ratio_to_twin: float
    share: dict[str, float]


@contextmanager
def timed_parts() -> Iterator[dict[str, float]]:
    """Seconds by part, filled while the context lasts."""
    seconds: dict[str, float] = defaultdict(float)

    def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **named)
            finally:
                seconds[part] += time.perf_counter() - start

        return call

    with ExitStack() as patches:
        for part, calls in PARTS.items():
            for kind, name in calls:
                wrapped = timed(part, getattr(kind, name))
                patches.enter_context(patch.object(kind, name, wrapped))
        yield seconds


def measure(config: Config, dataset: MarketDataset, envs: int, rounds: int) -> Measurement:
    """Collect with the core and with its Python twin, alternating round by round."""
    rules = TradingRules.from_config(config)
    model = build_muzero(config, rules.table)
    collector = Collector(config, dataset, rules)
    core, twin = (
        MuZeroAgent(model, config.search, rules.states, len(OUTCOME_NAMES)) for _ in range(2)
    )
    decisions = envs * config.market.session_bars
    seconds_to_collect(collector, core, envs)
    # An agent makes its searcher at the first decision and keeps it.
    with patch("mlx_muzero.agent.muzero_agent.Search", TwinSearch):
        seconds_to_collect(collector, twin, 1)
    rates, ratios, shares = [], [], []
    for _ in range(rounds):
        with timed_parts() as parts:
            total = seconds_to_collect(collector, core, envs)
        shares.append({part: parts[part] / total for part in PARTS})
        rates.append(decisions / total)
        ratios.append(seconds_to_collect(collector, twin, envs) / total)
    share = {part: statistics.median(one[part] for one in shares) for part in PARTS}
    share["other"] = 1.0 - sum(share.values())
    rate = statistics.median(rates)
    return Measurement(envs, rate, rate * 60.0 / SESSION_STEPS, statistics.median(ratios), share)


def main() -> None:
    parser = argparse.ArgumentParser(description="Decisions per second of collecting.")
    parser.add_argument("--simulations", type=int, default=FX_MICRO.search.num_simulations)
    parser.add_argument("--backend", choices=BACKENDS, default="native")
    parser.add_argument("--precision", choices=get_args(Precision), default="float32")
    parser.add_argument("--envs", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--steps", type=int, default=6, help="steps of a session")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, help="another checkout, with its .venv")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.against is not None and options.backend != "native":
        parser.error("--against compares native backends")
    config = collecting.config_of(
        options.simulations, options.steps, options.precision, options.backend
    )
    if options.against is not None:
        report = Report(options.json, rounds=options.rounds, threads=search_threads(config.search))
        report.table(
            "against",
            "Collecting with the native backend, over the other build in float32:",
            against.measure_collecting(
                *(options.against, options.envs, options.simulations, options.steps),
                *(options.precision, options.rounds),
            ),
        )
        report.end()
        return
    facts = {
        "machine": doctor.check_machine().detail,
        "python": doctor.check_python().detail,
        "mlx_muzero": mlx_muzero.__version__,
        "mlx": version("mlx"),
        "blas": blas.preload().name,
        "backend": f"{options.backend}, {search_threads(config.search)} threads",
        "precision": options.precision,
        "simulations": options.simulations,
        "steps": options.steps,
        "rounds": options.rounds,
    }
    if not options.json:
        print("\n".join(f"{name:11} {value}" for name, value in facts.items()))
        print(f"medians; episodes of {SESSION_STEPS} steps, scaled from {options.steps}\n")
        heads = "".join(f"{part:>14}" for part in (*PARTS, "other"))
        print(f"envs  decisions/s  episodes/min  x Python twin{heads}")
    results = []
    dataset = collecting.market_of(config)
    for envs in options.envs:
        found = measure(config, dataset, envs, options.rounds)
        results.append(asdict(found))
        if not options.json:
            shares = "".join(f"{share:>14.1%}" for share in found.share.values())
            print(
                f"{envs:4}  {found.decisions_per_s:11.1f}  {found.episodes_per_minute:12.2f}"
                f"  {found.ratio_to_twin:13.2f}{shares}",
                flush=True,
            )
    if options.json:
        print(json.dumps({**facts, "results": results}))


if __name__ == "__main__":
    main()
