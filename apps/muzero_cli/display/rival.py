"""The trials of a rival as text for 80 columns."""

from collections.abc import Sequence

from rich.table import Table

from mlx_muzero.evaluation.ppo.rival import Trial, best_of
from muzero_cli.display.policy_tables import count, policy_table, signed


def trials_table(trials: Sequence[Trial], unit: str) -> Table:
    """A row for each trial: how it differs from the first, and what it earned."""
    table = policy_table("updates", "kept", f"net {unit}/\nsession", first="trial")
    table.add_column("settings", overflow="fold")
    first, best = trials[0].settings, best_of(tuple(trials))
    for number, trial in enumerate(trials, 1):
        changed = [f"{n} {v:g}" for n, v in trial.settings.items() if v != first.get(n)]
        table.add_row(
            f"{number}{' (chosen)' if number == best else ''}",
            count(trial.updates),
            count(trial.chosen_updates),
            signed(trial.net_pips),
            ", ".join(changed) or "usual",
        )
    return table
