"""LightZero's `StochasticMuZeroMCTSCtree`: a tree in C++, its loop in Python, networks in torch."""

import importlib
import importlib.util
import sys
import types
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from easydict import EasyDict
from torch.nn import functional

from peers.fx_network import Network
from peers.process import Task, serve

PACKAGES = (
    "lzero",
    "lzero.mcts",
    "lzero.mcts.tree_search",
    "lzero.mcts.ctree",
    "lzero.mcts.ctree.ctree_stochastic_muzero",
    "lzero.mcts.ctree.ctree_muzero",
    "lzero.policy",
)


class TorchOperations:
    """See `fx_network.Operations`."""

    def linear(self, x: Any, weight: Any, bias: Any) -> Any:
        """See `Operations.linear`."""
        return functional.linear(x, weight, bias)

    def layer_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        """Over the last axis."""
        return functional.layer_norm(x, weight.shape, weight, bias)

    def relu(self, x: Any) -> Any:
        """The positive part."""
        return torch.relu(x)

    def softmax(self, x: Any) -> Any:
        """Over the last axis."""
        return torch.softmax(x, -1)

    def one_hot(self, index: Any, size: int) -> Any:
        """[n] -> [n, size]."""
        return functional.one_hot(index, size).float()

    def join(self, arrays: list[Any]) -> Any:
        """Along the last axis."""
        return torch.cat(arrays, -1)


@dataclass
class Output:
    """The fields that LightZero reads from a model's output; columns are [n, 1]."""

    value: Any
    reward: Any
    policy_logits: Any
    latent_state: Any


class Model:
    """The network as LightZero calls it.

    A state is the latent and one column: the action that led on from it, once it is chosen.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    training = False

    def eval(self) -> None:
        """Do nothing: LightZero calls this, and there is no dropout to switch off."""

    def recurrent_inference(self, state: Any, edge: Any, afterstate: bool = False) -> Output:
        """Step from a state by an action, or with `afterstate` from one by an outcome."""
        latent, column = state[:, :-1], state[:, -1:]
        if afterstate:
            latent, reward = self._network.dynamics(latent, column[:, 0].long(), edge)
            logits, value = self._network.policy_logits(latent), self._network.value(latent)
        else:
            reward, column = torch.zeros_like(column), edge[:, None].float()
            logits = self._network.outcome_logits(latent, edge)
            value = self._network.value(self._network.afterstate(latent, edge))
        return Output(value[:, None], reward, logits, torch.cat([latent, column], 1))


def load_search() -> Any:
    """The class of the search, without the package's start-up, which imports its training stack."""
    found = importlib.util.find_spec("lzero")
    assert found is not None
    assert found.submodule_search_locations is not None
    base = Path(found.submodule_search_locations[0])
    for name in PACKAGES:
        package = types.ModuleType(name)
        package.__path__ = [str(base.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    scaling: Any = importlib.import_module("lzero.policy.scaling_transform")
    policy: Any = sys.modules["lzero.policy"]
    policy.InverseScalarTransform = scaling.InverseScalarTransform
    policy.DiscreteSupport = scaling.DiscreteSupport
    module: Any = importlib.import_module("lzero.mcts.tree_search.mcts_ctree_stochastic")
    return module.StochasticMuZeroMCTSCtree


def main() -> None:
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    task = Task.load(sys.argv[1])
    network = Network(
        {name: torch.from_numpy(array) for name, array in task.weights.items()}, TorchOperations()
    )
    search = load_search()
    mcts = search(
        EasyDict(
            num_simulations=task.simulations,
            discount_factor=task.discount,
            device="cpu",
            env_type="not_board_games",
            root_dirichlet_alpha=0.3,
            root_noise_weight=0.25,
            pb_c_base=19652,
            pb_c_init=1.25,
            value_delta_max=0.01,
            model=EasyDict(support_scale=300, categorical_distribution=False),
        )
    )
    model, count = Model(network), len(task.value)
    legal = [list(range(network.actions)) for _ in range(count)]
    latent = np.pad(task.latent, ((0, 0), (0, 1)))
    logits = np.log(task.prior).tolist()

    def run() -> npt.NDArray[Any]:
        roots = search.roots(count, legal, network.outcomes)
        roots.prepare_no_noise([0.0] * count, logits, [-1] * count)
        mcts.search(roots, model, latent, [-1] * count)
        return np.array(roots.get_distributions())

    value = network.value(torch.from_numpy(task.latent)).numpy()
    serve(run, value, {"LightZero": version("LightZero"), "torch": torch.__version__})


if __name__ == "__main__":
    main()
