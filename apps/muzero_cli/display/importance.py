"""What a policy earns less without groups of features, as text for 80 columns."""

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from mlx_muzero.evaluation.importance import REPEATS, Importance
from muzero_cli.display.policy_tables import filled, net_interval, policy_table, signed


def importance_report(found: Sequence[Importance], unit: str) -> Group:
    """A row for each group, the one that it earns most with first."""
    table = policy_table(
        f"lost {unit}/session\n[95% interval]", f"net {unit}/\nsession", "columns", first="group"
    )
    rows: dict[str, list[str | Text]] = {
        each.group: [
            net_interval(each.lost, each.low, each.high),
            signed(each.net_pips),
            str(len(each.columns)),
        ]
        for each in found
    }
    legend = (
        f"What the agent earns less, after costs, where a group tells of another session and time "
        f"of the same pair (mean of {REPEATS} permutations). Groups that tell much the same stand "
        "in for each other, so both may seem to matter little."
    )
    return Group(Text("Which features it earns with:\n"), filled(table, rows), Text(legend, "dim"))
