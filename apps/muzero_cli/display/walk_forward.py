"""A walk-forward test as text for 80 columns."""

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from mlx_muzero.evaluation.walk_forward import WalkForward, WindowTest, metrics_of
from muzero_cli.display.comparison import report
from muzero_cli.display.luck import luck_report, verdict_line
from muzero_cli.display.policy_tables import count, net_interval, policy_table, signed, verdict

_SHOWN = ("agent (search)", "agent (raw network)", "buy_and_hold", "momentum", "mean_reversion")
"""Policies in the table of windows."""

_WITH_INTERVALS = 2
"""How many of them, from the first, show intervals."""


def walk_forward_report(walk: WalkForward) -> Group:
    """Every window's splits and net pips, then all tests as one, for 80 columns."""
    unit = walk.conditions.unit
    return Group(
        verdict_line(walk.luck.verdict),
        Text(
            "Windows: UTC days on which their splits start, and the end of the test\n", style="bold"
        ),
        _spans(walk.windows),
        Text(f"\nNet {unit} per session on each test, [95% interval]\n", style="bold"),
        _nets(walk.windows),
        Text(
            "\nEach agent knows only its own window; its checkpoint and the trend rules' lookbacks "
            "were chosen on that window's validation split.\n",
            style="dim",
        ),
        report(walk.conditions, metrics_of(walk.whole)),
        Text(),
        luck_report(walk.luck, unit, next(iter(walk.whole.values())).metrics.sharpe_factor),
    )


def _spans(windows: Sequence[WindowTest]) -> Table:
    table = policy_table("train", "validation", "test", "end", "sessions", "trades", first="window")
    for number, window in enumerate(windows, 1):
        agent = next(iter(window.backtests.values())).metrics
        days = [text[:10] for text in window.splits]
        numbers = [count(window.conditions.sessions), count(agent.trades)]
        table.add_row(str(number), *days, *numbers)
    return table


def _nets(windows: Sequence[WindowTest]) -> Table:
    headings = [name.replace("agent ", "agent\n").replace("_", "_\n") for name in _SHOWN]
    table = policy_table(*headings, first="window")
    for number, window in enumerate(windows, 1):
        cells = []
        for place, name in enumerate(_SHOWN):
            m = window.backtests[name].metrics
            net, low, high = m.net_pips_per_session, m.net_pips_low, m.net_pips_high
            agent = place < _WITH_INTERVALS
            short = Text(signed(net), style=verdict(low, high))
            cells.append(net_interval(net, low, high) if agent else short)
        table.add_row(str(number), *cells)
    return table
