"""Measures the binding: the search's hot calls through nanobind and through pybind11.

    python scripts/bench_bindings.py [--rounds N] [--json]

A step is select, the columns of its leaves, and backup, for 16 roots; its network is a table. The
nanobind module is the installed one. The other is compiled in a moment from the same C++ search
and `scripts/bench/pybind11_core.cc`; it needs a C++ compiler and `pip install pybind11`.
"""

import argparse
import importlib.util
import shlex
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import Report
from bench.timing import Timed, by_turns, median_ratio, timed
from mlx_muzero.search import Search, SearchParams
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.types import F32

REPOSITORY = Path(__file__).resolve().parent.parent
POSITIONS = FX_ACTIONS.next_position
ROOTS, ACTIONS, OUTCOMES = 16, POSITIONS.shape[1], 3
PARAMS = SearchParams(num_simulations=50, depth_limit=1000, expansion="single_outcome")
SEARCHES_PER_TURN = 20


@dataclass(frozen=True)
class BindingRate:
    """Results, medians over the rounds.

    Attributes:
        binding: of the calls.
        us_per_step: microseconds.
        over_nanobind: time over that through nanobind.
    """

    binding: str
    us_per_step: float
    over_nanobind: float


def compile_pybind11(folder: str) -> Any:
    """The module that binds the search with pybind11."""
    import pybind11

    library = Path(folder) / "pybind11_core.so"
    includes = [pybind11.get_include(), sysconfig.get_path("include"), str(REPOSITORY / "cpp")]
    command = [
        *shlex.split(sysconfig.get_config_var("CXX") or "c++"),
        *("-std=c++20", "-O3", "-DNDEBUG", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off"),
        *("-shared", "-pthread"),
        *(["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []),
        *(f"-I{folder}" for folder in includes),
        *sorted(map(str, (REPOSITORY / "cpp" / "search").glob("*.cc"))),
        str(REPOSITORY / "scripts" / "bench" / "pybind11_core.cc"),
        *("-o", str(library)),
    ]
    subprocess.run(command, check=True)
    spec = importlib.util.spec_from_file_location("pybind11_core", library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Steps:
    """Searches on a core through either binding, with the same trees each time."""

    def __init__(self, core: Any) -> None:
        random = np.random.default_rng(0)
        self._core = core
        self._roots = (
            _shares(random, ROOTS, ACTIONS),
            _numbers(random, ROOTS),
            np.zeros(ROOTS, np.int32),
            np.arange(ROOTS, dtype=np.uint64),
            False,
        )
        probs, prior = _shares(random, ROOTS, OUTCOMES), _shares(random, ROOTS, ACTIONS)
        reward, value = _numbers(random, ROOTS), _numbers(random, ROOTS)
        # Keyed by the number of chance nodes among a step's leaves.
        self._answers = [
            (probs[:n], value[:n], reward[n:], value[n:], prior[n:]) for n in range(ROOTS + 1)
        ]

    def search(self) -> int:
        """Run all steps of a search; returns their number."""
        core, answers, steps = self._core, self._answers, 0
        core.reset(*self._roots)
        while core.select():
            chances = len(core.action_leaves()[0])
            core.outcome_leaves()
            core.backup_single(*answers[chances])
            steps += 1
        return steps


def _shares(random: np.random.Generator, *shape: int) -> F32:
    return random.dirichlet(np.ones(shape[-1]), shape[:-1]).astype(np.float32)


def _numbers(random: np.random.Generator, *shape: int) -> F32:
    return random.normal(size=shape).astype(np.float32)


def measure(rounds: int) -> Iterator[BindingRate]:
    with tempfile.TemporaryDirectory() as folder:
        bound = compile_pybind11(folder)
        cores = {
            "nanobind": Search(PARAMS, POSITIONS, OUTCOMES)._core,
            "pybind11": bound.SearchCore(
                PARAMS.num_simulations, PARAMS.depth_limit, POSITIONS, OUTCOMES
            ),
        }
        steps = {name: Steps(core) for name, core in cores.items()}
        turns: dict[str, Timed] = {
            name: timed(each.search, SEARCHES_PER_TURN) for name, each in steps.items()
        }
        seconds = by_turns(turns, rounds)
        first = next(iter(seconds.values()))
        for name, each in seconds.items():
            per_step = statistics.median(each) / steps[name].search()
            yield BindingRate(name, 1e6 * per_step, median_ratio(each, first))


def main() -> None:
    parser = argparse.ArgumentParser(description="The search's calls through two bindings.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if importlib.util.find_spec("pybind11") is None:
        parser.error(f"pybind11 is missing: {sys.executable} -m pip install pybind11")
    report = Report(options.json, pybind11=version("pybind11"), rounds=options.rounds)
    report.table("bindings", "One step of 16 roots, single_outcome:", measure(options.rounds))
    report.end()


if __name__ == "__main__":
    main()
