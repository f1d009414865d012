"""The panels below the search tree: what was decided, and why."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text

from mlx_muzero.market.observation.outcome_cone import ConeBar
from mlx_muzero.runlog.decision_log import DecisionRecord
from mlx_muzero.watch.outlook import cone_of
from mlx_muzero.watch.paper_state import PaperState
from mlx_muzero.watch.price_bars import PriceBar
from muzero_tui.formats import bar, number, outcome_range, percent, signed
from muzero_tui.paint import Paint
from muzero_tui.widgets.panel import Panel
from muzero_tui.widgets.price_chart import PriceChart


class RootStatistics(Panel):
    """Prior, visits and Q of every action at the root."""

    TITLE = "raw policy and search"
    HELP: ClassVar[str] = (
        "For every action: prior, the policy network's probability; visits, their share in the "
        "search; Q, the mean return. > marks the chosen action, p the raw policy's favorite.\n"
        "Then the value of the root before and after the search, and the time it took."
    )

    decision: DecisionRecord | None = None

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """One line per action."""
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


class DecisionChart(PriceChart):
    """The bars until a decision, and the cone it sees ahead."""

    TITLE = "price"
    NO_BARS: ClassVar[str] = "its bars are not read: go back in the journal with ;"
    decision: DecisionRecord | None = None

    @property
    def shown_pair(self) -> str | None:
        """The decision's."""
        return None if self.decision is None else self.decision.pair

    @property
    def shows_now(self) -> bool:
        """Whether the decision is that of the moment shown."""
        at_ns = None if self.decision is None else self.decision.close_ns
        return at_ns == self._session.minute.get("close_ns")

    def bars_of(self, state: PaperState, pair: str) -> list[PriceBar]:
        """Those until the decision, if its own is among them."""
        bars = super().bars_of(state, pair)
        at_ns = 0 if self.decision is None else self.decision.close_ns
        until = [bar for bar in bars if bar.close_ns <= at_ns]
        return until if until and until[-1].close_ns == at_ns else []

    def cone_of(self, state: PaperState, pair: str) -> Sequence[ConeBar]:
        """The decision's."""
        return () if self.decision is None else cone_of(self.decision)


class Outcomes(Panel):
    """Probabilities of the next bar's outcomes."""

    TITLE = "outcomes of the next bar"
    HELP: ClassVar[str] = (
        "Probabilities of the next bar's outcomes after the chosen action, or after the one under "
        "the cursor. Ranges are in pips (bps for crypto): half a standard deviation of recent "
        "changes."
    )

    decision: DecisionRecord | None = None
    action: int | None = None

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """One bar per outcome."""
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
