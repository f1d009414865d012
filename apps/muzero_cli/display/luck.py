"""What results owe to luck, as text for 80 columns."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlx_muzero.evaluation.luck.assessment import Luck
from mlx_muzero.evaluation.luck.concentration import BEST_TRADES, Stretch
from mlx_muzero.evaluation.luck.verdict import LEAST_OBSERVATIONS, Verdict
from mlx_muzero.words import counted
from muzero_cli.display.policy_tables import count, ends, policy_table, signed

_STYLES = {"skill": "bold green", "loses": "bold red"}


def verdict_line(verdict: Verdict | None) -> Text:
    """The verdict, for the top of a report."""
    if verdict is None:
        return Text("Verdict: none. The run was trained or chosen on these bars.", style="bold")
    return Text(verdict.words, style=_STYLES.get(verdict.call, "bold"))


def luck_report(luck: Luck, unit: str, year: float, observation: str = "session") -> Group:
    """The evidence behind the verdict, and how results are spread over years and months.

    Args:
        luck: what the results owe to luck.
        unit: of net figures.
        year: factor by which a Sharpe ratio is annualised.
        observation: what was judged one by one.
    """
    if not any(row.trades for row in luck.years.values()):
        return Group(Text(f"Luck or skill: {luck.policy} made no trades."))
    parts: list[RenderableType] = [Text("\n".join(_evidence(luck, unit, year, observation)))]
    for what, stretches in (("year", luck.years), ("month", luck.months)):
        if len(stretches) > 1:
            parts += [Text(), _spread(what, stretches, unit, observation)]
    return Group(*parts)


def evidence(found: Verdict, year: float, observation: str = "session") -> list[str]:
    """The figures behind a verdict, a line each.

    Args:
        found: the verdict.
        year: factor by which a Sharpe ratio is annualised.
        observation: what was judged one by one.
    """
    if found.observations < 2:
        return [f"  a single {observation} tells nothing"]
    around = ""
    if found.sharpe_low is not None and found.sharpe_high is not None:
        around = f" [{signed(found.sharpe_low * year)}, {signed(found.sharpe_high * year)}]"
    needed = f"no number of {observation}s would show it"
    if found.more_needed is not None:
        needed = f"{found.more_needed:,} more {observation}s would show it"
    if found.more_needed == 0:
        needed = "enough to show it"
    if found.observations < LEAST_OBSERVATIONS:
        needed = f"fewer than {LEAST_OBSERVATIONS} {observation}s show nothing"
    lucky = "nothing else was tried"
    if found.trials > 1.0:
        lucky = (
            f"the best of {found.trials:.3g} independent trials without skill would reach "
            f"{signed(found.lucky_sharpe * year)}"
        )
    lines = [
        f"  Sharpe, annual {signed(found.sharpe * year)}{around}; above 0 with probability "
        f"{found.probability:.3f}",
        f"  deflated Sharpe ratio {found.deflated:.3f}: {lucky}; {needed}",
        f"  block bootstrap, blocks of {found.block_length:.1f}: {_p(found.chance)}",
    ]
    if found.entries is not None:
        lines.append(f"  random entries of the same exposure: {_p(found.entries)}")
    return lines


def _evidence(luck: Luck, unit: str, year: float, observation: str) -> list[str]:
    times = " at different times" if observation == "session" else ""
    count = counted(luck.verdict.observations, observation)
    lines = [
        f"Luck or skill of {luck.policy}, over {count}{times}:",
        *evidence(luck.verdict, year, observation),
        f"  best judged policy against flat (superior predictive ability): {_p(luck.beyond_flat)}",
    ]
    if luck.beyond_baseline is not None:
        beyond = _p(luck.beyond_baseline)
        lines.append(f"  against {luck.baseline}, the best baseline in hindsight: {beyond}")
    if luck.overfitting is not None:
        lines.append(
            f"  probability of backtest overfitting, {luck.overfitting_trials} trials of the "
            f"ledger: {luck.overfitting:.0%}"
        )
    if (pool := luck.seeds) is not None:
        lines.append(
            f"  {pool.seeds} seeds of this configuration: {signed(pool.net_pips_per_day)} {unit} a "
            f"day {ends(pool.low, pool.high)}"
        )
    if luck.best_share is not None:
        lines.append(f"  best {BEST_TRADES} trades: {luck.best_share:.0%} of the profit")
    return lines


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _spread(what: str, stretches: Mapping[str, Stretch], unit: str, observation: str) -> Table:
    of_one = f"{unit}/{observation}"
    table = policy_table(f"{observation}s", "trades", f"net {unit}", of_one, first=what)
    for name, row in stretches.items():
        mean = row.net_pips / row.sessions
        table.add_row(
            name, count(row.sessions), count(row.trades), signed(row.net_pips), signed(mean)
        )
    return table
