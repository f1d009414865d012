"""Core ML as it might be on a Mac."""

from contextlib import contextmanager

from fake_plans import FakePlan, cpu, neural_engine
from mlx_muzero.coreml.plans import placement
from mlx_muzero.exports.child import ChildLost
from mlx_muzero.exports.compiled_cache import default_folder
from mlx_muzero.exports.manifest import Manifest


class FakeMac:
    """Core ML that computes as the interpreter does, compiles into empty folders, and plans.

    Args:
        broken: units whose programs do not load.
        on_the_engine: kinds of operations that it plans for the Neural Engine; None for all.
        plans: of how many functions of a package it has plans; None for all.
    """

    format = "coreml"
    units = ("CPU_ONLY", "CPU_AND_NE")

    lab = None
    broken = ()

    def __init__(self, broken=None, on_the_engine=None, plans=None):
        self.broken = self.broken if broken is None else broken
        self._on_the_engine, self._plans = on_the_engine, plans

    def plan(self, export, units):
        found = []
        for entry in Manifest.load(export).programs:
            operations = [
                (f"ios18.{kind}", self._device(units, kind, len(found)), 0.01)
                for kind, count in entry.op_histogram.items()
                for _ in range(count)
            ]
            plan = FakePlan(**{entry.function or "main": operations})
            found.append(placement(plan, entry, units))
        return tuple(found)

    def _device(self, units, kind, planned):
        if self._plans is not None and planned >= self._plans:
            return None
        anything = self._on_the_engine is None
        there = units == "CPU_AND_NE" and (anything or kind in self._on_the_engine)
        return neural_engine if there else cpu

    @contextmanager
    def programs(self, export, units):
        if units in self.broken:
            raise ChildLost("its programs did not load within 180 s", curable=False)
        for entry in Manifest.load(export).programs:
            (default_folder() / f"{entry.content}-macos15.1.mlmodelc").mkdir(
                parents=True, exist_ok=True
            )
        yield self.lab.interpreted(export)
