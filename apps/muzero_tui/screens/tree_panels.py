"""What was decided and why, beside the search tree."""

from typing import ClassVar

from rich.text import Text

from mlx_muzero.runlog.decision_log import DecisionRecord
from muzero_tui.formats import bar, number, outcome_range, percent, signed
from muzero_tui.paint import Paint
from muzero_tui.widgets.panel import Panel


class RootStatistics(Panel):
    """What the search found at the root: prior, visits and Q of every action."""

    TITLE = "raw policy and search"
    HELP: ClassVar[str] = (
        "Every action: prior, what the policy network alone would do; visits, what the search did; "
        "Q, the mean return found. > marks the chosen action, p the one the raw policy prefers.\n"
        "Then the value of the root before and after the search, and the time it took."
    )

    decision: DecisionRecord | None = None

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """A line for each action."""
        record = self.decision
        if record is None:
            return Text("no data: no decision chosen", paint.muted)
        total, room = sum(record.visits) or 1, max((width - 29) // 2, 2)
        raw = max(range(len(record.prior)), key=lambda action: record.prior[action])
        text = Text().append(
            f"  {'':8} {'prior':{room + 5}} {'visits':{room + 5}}       Q\n", "dim"
        )
        for action, name in enumerate(record.action_names):
            chosen = action == record.action
            text.append(">" if chosen else " ", f"bold {paint.accent}")
            text.append("p" if action == raw else " ", "dim")
            text.append(f"{name[:8]:9}", "bold" if chosen else "")
            share = record.visits[action] / total
            text.append(bar(record.prior[action], room), paint.muted)
            text.append(f"{record.prior[action]:5.0%} ")
            text.append(bar(share, room), paint.curve).append(f"{share:5.0%} ")
            q = signed(record.q[action], 3) if record.visits[action] else "-"
            text.append(f"{q:>7}\n")
        text.append(f"value {signed(record.network_value, 3)} > {signed(record.value, 3)}", "dim")
        text.append(f"  {number(record.latency_ms, 3)} ms", "dim")
        verdict = "agrees with" if raw == record.action else "overrules"
        return text.append(f"\nsearch {verdict} the raw policy", "dim")


class Outcomes(Panel):
    """What the next bar may do."""

    TITLE = "outcomes of the next bar"
    HELP: ClassVar[str] = (
        "Probabilities of the next bar's outcomes after the chosen action, or the cursor's. An "
        "outcome's range is in pips (bps for crypto), half a deviation of recent changes."
    )

    decision: DecisionRecord | None = None
    action: int | None = None

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """A bar for each outcome."""
        record = self.decision
        if record is None:
            return Text("no data: no decision chosen", paint.muted)
        action = record.action if self.action is None else self.action
        shares = record.outcomes[action]
        text = Text().append(f"after {record.action_names[action]}\n", "bold")
        if shares is None:
            return text.append("never expanded", paint.muted)
        for name, share in zip(record.outcome_names, shares, strict=True):
            span = outcome_range(name, record.threshold_pips)
            text.append(f"{name[:8]:9}{span:>12} ").append(bar(share, width - 28), paint.curve)
            text.append(f" {percent(share):>4}\n")
        return text
