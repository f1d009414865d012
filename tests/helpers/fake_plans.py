"""Compute plans with the interface coremltools documents, and functions that fail."""

import os
import time
from types import SimpleNamespace

from mlx_muzero.errors import ExportError


class MLCPUComputeDevice:
    pass


class MLGPUComputeDevice:
    pass


class MLNeuralEngineComputeDevice:
    total_core_count = 16


cpu, gpu, neural_engine = MLCPUComputeDevice(), MLGPUComputeDevice(), MLNeuralEngineComputeDevice()


class FakePlan:
    """An ``MLComputePlan`` of functions: lists of operator name, preferred device, cost."""

    def __init__(self, **functions):
        self._usage, self._cost, made = {}, {}, {}
        for name, operations in functions.items():
            block = []
            for number, (operator, device, cost) in enumerate(operations):
                kind = operator.rpartition(".")[2]
                output = SimpleNamespace(name=f"{kind}_{number}")
                operation = SimpleNamespace(operator_name=operator, outputs=[output])
                if device is not None:
                    supported = [cpu] if device is cpu else [cpu, device]
                    self._usage[id(operation)] = SimpleNamespace(
                        preferred_compute_device=device, supported_compute_devices=supported
                    )
                if cost is not None:
                    self._cost[id(operation)] = SimpleNamespace(weight=cost)
                block.append(operation)
            made[name] = SimpleNamespace(block=SimpleNamespace(operations=block))
        self.model_structure = SimpleNamespace(program=SimpleNamespace(functions=made))

    def get_compute_device_usage_for_mlprogram_operation(self, operation):
        return self._usage.get(id(operation))

    def get_estimated_cost_for_mlprogram_operation(self, operation):
        return self._cost.get(id(operation))


def hang():
    time.sleep(600)


def abort():
    os.abort()


def refuse():
    raise ExportError("this is refused")
