"""The backends that run an export: programs in a child process evaluate leaves and roots.

Latents stay in this process, so a request needs nothing but its inputs, and a search continues in
another child as if nothing had happened.
"""

import mlx.core as mx

from mlx_muzero.backends.mlx import MlxEvaluator
from mlx_muzero.backends.roots import Prediction
from mlx_muzero.config.choices import ExpansionMode, ExportBackend
from mlx_muzero.exports.deployment import Deployment
from mlx_muzero.exports.interface import MARKET_PROGRAMS, PROGRAMS_FOR
from mlx_muzero.exports.played_export import PlayedExport
from mlx_muzero.exports.program_evaluator import ProgramEvaluator
from mlx_muzero.exports.program_market import ProgramMarket
from mlx_muzero.exports.supervisor import Supervisor
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.types import F32


class ExportedEvaluator(ProgramEvaluator):
    """Evaluates leaves with a model's export, and latents of roots with the model itself."""

    def __init__(
        self,
        model: StochasticMuZero,
        expansion: ExpansionMode,
        backend: ExportBackend,
        deployment: Deployment,
        *,
        roots: bool = False,
    ) -> None:
        """Start the child process and test the programs it loaded.

        Args:
            model: the model that was exported.
            expansion: mode of the searches.
            backend: plays the export.
            deployment: the model's exports, and how one is run.
            roots: whether `infer` will be called.

        Raises:
            ExportError: the export is missing, damaged or of other weights, or lacks a program.
            EngineLost: its programs do not work here.
            ConfigError: the environment names unknown compute units.
        """
        names = set(PROGRAMS_FOR[expansion]) - (set() if roots else {"initial"})
        self._heads = MlxEvaluator(model)
        self._export = PlayedExport(
            model, names, f'search.expansion = "{expansion}"', backend, deployment
        )
        super().__init__(self._export.programs, self._export.sizes)

    @property
    def supervisor(self) -> Supervisor:
        """What keeps the child process alive."""
        return self._export.supervisor

    def predict(self, latents: mx.array) -> tuple[F32, F32]:
        """Evaluate latents ``f32[n, D]`` with the model: policy ``f32[n, A]``, value ``f32[n]``."""
        return self._heads.predict(latents)

    def refresh(self) -> None:
        """Check that the model is still the one that was exported.

        Raises:
            ExportError: its weights have changed.
        """
        self._export.require_current()

    def close(self) -> None:
        """End the child process."""
        self._export.supervisor.close()


class ExportedRoots:
    """`Roots` computed by a model's export.

    Args:
        programs: those of the export, with `initial`.
        export: keeps their child process; None if that belongs to what evaluates leaves.
    """

    def __init__(self, programs: ProgramEvaluator, export: PlayedExport | None = None) -> None:
        self._programs, self._export = programs, export

    @classmethod
    def alone(
        cls, model: StochasticMuZero, backend: ExportBackend, deployment: Deployment
    ) -> "ExportedRoots":
        """Roots in a child process of their own; arguments and errors as `ExportedEvaluator`'s."""
        needed_by = f'search.root_backend = "{backend}"'
        export = PlayedExport(model, {"initial"}, needed_by, backend, deployment)
        return cls(ProgramEvaluator(export.programs, export.sizes), export)

    def __call__(self, observation: F32) -> Prediction:
        """Root inference on observations ``f32[B, W, F]``; EngineLost if it cannot any more."""
        latent, prior, value = self._programs.infer(observation)
        return Prediction(mx.array(latent), prior, value)

    def refresh(self) -> None:
        """Check that the model is still the one that was exported.

        Raises:
            ExportError: its weights have changed.
        """
        if self._export is not None:
            self._export.require_current()

    def close(self) -> None:
        """End the child process, if it is their own."""
        if self._export is not None:
            self._export.supervisor.close()


class ExportedMarket(ProgramMarket):
    """Evaluates market states with a factored model's export, roots too."""

    def __init__(
        self, model: FactoredModel, backend: ExportBackend, deployment: Deployment
    ) -> None:
        """Start the child process and test the programs it loaded.

        Arguments and errors are those of `ExportedEvaluator`.
        """
        self._export = PlayedExport(
            model, set(MARKET_PROGRAMS), "a factored model", backend, deployment
        )
        super().__init__(self._export.programs, model)

    @property
    def supervisor(self) -> Supervisor:
        """What keeps the child process alive."""
        return self._export.supervisor

    def refresh(self) -> None:
        """Check that the model is still the one that was exported.

        Raises:
            ExportError: its weights have changed.
        """
        self._export.require_current()

    def close(self) -> None:
        """End the child process."""
        self._export.supervisor.close()
