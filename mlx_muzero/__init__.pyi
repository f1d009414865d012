# What `import mlx_muzero` gives, for type checkers: tests/project/test_api.py holds it against
# `_HOMES` of __init__.py, which loads each name when it is first used.

from mlx_muzero.api.checking import audit_reward as audit_reward
from mlx_muzero.api.checking import check_leakage as check_leakage
from mlx_muzero.api.configuration import make_config as make_config
from mlx_muzero.api.exporting import export_run as export_run
from mlx_muzero.api.extensions import register_baseline as register_baseline
from mlx_muzero.api.extensions import register_reward as register_reward
from mlx_muzero.api.judging import compare_fully as compare_fully
from mlx_muzero.api.judging import compare_runs as compare_runs
from mlx_muzero.api.judging import evaluate as evaluate
from mlx_muzero.api.notes import MuZeroWarning as MuZeroWarning
from mlx_muzero.api.paper import replay_paper as replay_paper
from mlx_muzero.api.planning import plan as plan
from mlx_muzero.api.rounds import Round as Round
from mlx_muzero.api.running import load_run as load_run
from mlx_muzero.api.running import train as train
from mlx_muzero.api.running import walk_forward as walk_forward
from mlx_muzero.api.store import Store as Store
from mlx_muzero.api.store import open_store as open_store
from mlx_muzero.config.schema import Config as Config
from mlx_muzero.errors import MuZeroError as MuZeroError
from mlx_muzero.evaluation.policy import SessionView as SessionView
from mlx_muzero.experiment.trained_run import TrainedRun as TrainedRun
from mlx_muzero.trading.rewards import StepEffect as StepEffect

__version__: str

__all__ = [
    "Config",
    "MuZeroError",
    "MuZeroWarning",
    "Round",
    "SessionView",
    "StepEffect",
    "Store",
    "TrainedRun",
    "audit_reward",
    "check_leakage",
    "compare_fully",
    "compare_runs",
    "evaluate",
    "export_run",
    "load_run",
    "make_config",
    "open_store",
    "plan",
    "register_baseline",
    "register_reward",
    "replay_paper",
    "train",
    "walk_forward",
]
