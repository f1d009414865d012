"""What a page can show, whatever the results are of.

Every part but the title may be missing; the page then does without that panel. Texts are texts:
whatever they contain, the page shows them letter by letter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from mlx_muzero.types import F32, F64, I8, I32, I64

Cell = str | float | int | bool | None


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its heading.
        kind: how its cells are written: "text", "count", "percent", or "number".
        digits: decimals of a number.
        signed: whether a positive number has a plus, and either sign its colour.
    """

    name: str
    kind: Literal["text", "count", "percent", "number"] = "text"
    digits: int = 1
    signed: bool = False


@dataclass(frozen=True)
class Table:
    """A table that the reader can sort.

    Attributes:
        title: its heading.
        columns: of every row.
        rows: cells, None where one is unknown.
        note: what the reader has to know of it.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a plot.

    Attributes:
        name: what it is.
        x: ``f64[n]``.
        y: ``f64[n]``.
        low: ``f64[n]`` lower edge of the band around it, NaN where there is none; None without.
        high: ``f64[n]`` upper edge.
    """

    name: str
    x: F64
    y: F64
    low: F64 | None = None
    high: F64 | None = None


@dataclass(frozen=True, eq=False)
class Plot:
    """A plot of lines over numbers.

    Attributes:
        title: its heading.
        x: name of the horizontal axis.
        y: name of the vertical axis.
        lines: the first is the one the page is about.
        note: what the reader has to know of it.
        diagonal: whether to draw where x equals y.
        marked_x: where to draw a vertical line, and what it is; None for none.
        of: the same figures for those who read.
    """

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    note: str = ""
    diagonal: bool = False
    marked_x: tuple[float, str] | None = None
    of: Table | None = None


@dataclass(frozen=True, eq=False)
class Course:
    """Equity over time.

    Attributes:
        name: the policy.
        time_ns: ``i64[n]`` UTC, strictly increasing.
        equity: ``f64[n]`` net, in the page's unit.
        shown: whether it is drawn at first even where it leaves little room for the first one.
    """

    name: str
    time_ns: I64
    equity: F64
    shown: bool = False


@dataclass(frozen=True, eq=False)
class Candles:
    """Bars of one symbol, in time order.

    Attributes:
        symbol: its name.
        time_ns: ``i64[n]`` UTC opens.
        open: ``f64[n]``.
        high: ``f64[n]``.
        low: ``f64[n]``.
        close: ``f64[n]``.
        note: what was left out, in words.
    """

    symbol: str
    time_ns: I64
    open: F64
    high: F64
    low: F64
    close: F64
    note: str = ""


@dataclass(frozen=True, eq=False)
class Trades:
    """N closed trades: stretches of constant exposure.

    Attributes:
        market: ``i32[N]`` index into the page's candles.
        exposure: ``f64[N]`` signed.
        entry_ns: ``i64[N]`` UTC time of the entry's fill.
        exit_ns: ``i64[N]`` of the exit's.
        entry_price: ``f64[N]``.
        exit_price: ``f64[N]``.
        gross: ``f64[N]`` before costs, in the page's unit.
        cost: ``f64[N]`` costs and funding.
        ending: ``i8[N]`` 0 if a decision closed it, 1 if a limit, a command or the end of a session
            did, 2 if it is still open, valued at its last mark.
        resized: ``i8[N]`` bit 1 if it took over a position, bit 2 if its position went on.
        entry_decision: ``i32[N]`` index into the page's decisions; -1 if there is none.
        exit_decision: ``i32[N]`` the same of the exit.
    """

    market: I32
    exposure: F64
    entry_ns: I64
    exit_ns: I64
    entry_price: F64
    exit_price: F64
    gross: F64
    cost: F64
    ending: I8
    resized: I8
    entry_decision: I32
    exit_decision: I32

    def __len__(self) -> int:
        return len(self.market)

    def fills_ns(self, symbols: Sequence[str]) -> dict[str, I64]:
        """``i64[n]`` UTC times of the fills of each of the page's `symbols`."""
        fills = np.concatenate([self.entry_ns, self.exit_ns])
        market = np.concatenate([self.market, self.market])
        return {symbol: fills[market == place] for place, symbol in enumerate(symbols)}


@dataclass(frozen=True)
class Nodes:
    """A whole search tree, parents first.

    Attributes:
        columns: of `mlx_muzero.runlog.decision_log.COLUMNS`.
        nodes: of the tree before any were left out.
        moves: ``f64[k]`` of the closes that followed from the decision's, as far as they are known.
    """

    columns: Mapping[str, Sequence[Any]]
    nodes: int
    moves: F64


@dataclass(frozen=True, eq=False)
class Decisions:
    """M decisions that led to fills, with A actions and C outcomes of the next bar.

    Attributes:
        action_names: A names.
        outcome_names: C names.
        market: ``i32[M]`` index into the page's candles.
        bar_ns: ``i64[M]`` UTC open of the bar at whose close was decided.
        held: ``f64[M]`` exposure held before.
        taken: ``i8[M]`` the action that was played.
        wanted: ``i8[M]`` the action that the search chose; another where a limit had its way.
        share: ``f32[M, A]`` shares of the actions after the search.
        prior: ``f32[M, A]`` the policy before it.
        q: ``f32[M, A]`` what the search found each action to be worth; NaN where it was not tried.
        value: ``f32[M]`` value of the root after the search; NaN if unknown.
        network_value: ``f32[M]`` before it.
        chances: ``f32[M, C]`` of the outcomes of the next bar; NaN if unknown.
        threshold: ``f32[M]`` move of the next close that is UP, or its negative DOWN.
        moved: ``f32[M]`` move that came.
        command: ``i8[M]`` index into `commands`.
        trees: whole trees of some of them, by index.
        commands: show the tree of any other; after ``--at``, the time of its bar follows.
        note: how they were computed, in words.
        unit: of `threshold` and `moved`; "" for the page's.
    """

    action_names: Sequence[str]
    outcome_names: Sequence[str]
    market: I32
    bar_ns: I64
    held: F64
    taken: I8
    wanted: I8
    share: F32
    prior: F32
    q: F32
    value: F32
    network_value: F32
    chances: F32
    threshold: F32
    moved: F32
    command: I8
    trees: Mapping[int, Nodes] = field(default_factory=dict)
    commands: Sequence[str] = ()
    note: str = ""
    unit: str = ""

    def __len__(self) -> int:
        return len(self.market)


@dataclass(frozen=True)
class ShownVerdict:
    """The verdict at the top.

    Attributes:
        call: "skill", "not shown", "loses", "too short" or "none".
        reasons: that decided.
        looked: how often the bars were looked at, and what was tried.
    """

    call: str
    reasons: Sequence[str]
    looked: str = ""


@dataclass(frozen=True)
class Again:
    """How to make the results again.

    Attributes:
        command: that made the page.
        facts: versions and digests, by name.
    """

    command: str
    facts: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Page:
    """Everything on a page.

    Attributes:
        title: what was judged.
        about: on which bars, under which costs, in sentences.
        unit: of net figures.
        again: how to make it again.
        verdict: at the top.
        figures: the most important ones, by name, written out.
        courses: equity, the judged policy first.
        candles: of every symbol that was traded.
        trades: of the judged policy.
        decisions: behind them.
        plots: in order.
        tables: in order.
        notes: what the reader has to know, in sentences.
    """

    title: str
    about: Sequence[str]
    unit: str
    again: Again
    verdict: ShownVerdict | None = None
    figures: Mapping[str, str] = field(default_factory=dict)
    courses: Sequence[Course] = ()
    candles: Sequence[Candles] = ()
    trades: Trades | None = None
    decisions: Decisions | None = None
    plots: Sequence[Plot] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
