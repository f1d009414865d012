"""The `[retrain]` section of paper.toml."""

from dataclasses import dataclass

from mlx_muzero.config.keys import setting


@dataclass(frozen=True)
class RetrainSettings:
    """When a candidate is trained, by what it is judged, and what it may use of the machine."""

    every_days: float = setting(
        0.0, "days of the session's time between two candidates; 0 = never", 0.0, 3_650.0
    )
    minutes: float = setting(
        0.0, "most minutes of training for a candidate; 0 = all its episodes", 0.0, 1e6
    )
    judged_days: int = setting(
        20, "newest days, kept from its training, on which a candidate is judged", 2, 1_000
    )
    margin: float = setting(
        0.0,
        "in the model's unit, above which the lower end of the 95 % interval of what it earned "
        "in a day beyond the playing model must be",
        -1e9,
        1e9,
    )
    threads: int = setting(1, "threads of its searches", 1, 1_024)
    niceness: int = setting(10, "by how much its process is nicer than the session's", 0, 19)
