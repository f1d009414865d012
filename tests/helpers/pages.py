"""Pages made by hand, with every panel, and what a page contains."""

import base64
import json
import re
import zlib

import numpy as np

from mlx_muzero.evaluation.page.contents import (
    Again,
    Candles,
    Column,
    Course,
    Decisions,
    Line,
    Nodes,
    Page,
    Plot,
    ShownVerdict,
    Table,
    Trades,
)
from mlx_muzero.evaluation.page.courses import telling_points
from mlx_muzero.evaluation.page.file import page_text
from mlx_muzero.timeunits import MINUTE_NS

FIRST_NS = 1_700_000_040_000_000_000
ACTIONS = ("HOLD", "BUY", "SELL", "CLOSE")
OUTCOMES = ("UP", "NEUTRAL", "DOWN")


def sample_page(
    trades: int = 40, bars: int = 600, symbols: tuple[str, ...] = ("ONE",), trees: int = 8
) -> Page:
    """A page with every panel; trades hold a few bars each, one after another, market by market."""
    rng = np.random.default_rng(0)
    candles = [_walk(symbol, bars, rng) for symbol in symbols]
    market = np.arange(trades) % len(symbols)
    turn = np.arange(trades) // len(symbols)
    every = max(bars // (trades // len(symbols) + 1), 3)
    entry, exit_ = turn * every, np.minimum(turn * every + every // 2, bars - 1)
    close = np.stack([each.close for each in candles])
    time_ns = candles[0].time_ns
    exposure = rng.choice([-1.0, 1.0], trades)
    forced = np.arange(trades) % 5 == 4
    made = Trades(
        market=market.astype(np.int32),
        exposure=exposure,
        entry_ns=time_ns[entry],
        exit_ns=time_ns[exit_],
        entry_price=close[market, entry],
        exit_price=close[market, exit_],
        gross=exposure * (close[market, exit_] - close[market, entry]) / 0.01,
        cost=np.full(trades, 0.4),
        ending=forced.astype(np.int8),
        resized=np.zeros(trades, np.int8),
        entry_decision=np.arange(trades, dtype=np.int32),
        exit_decision=np.where(forced, -1, np.arange(trades)).astype(np.int32),
    )
    name = symbols[0]
    plot = Plot(
        f"Cost curve of {name}",
        "cost",
        "net",
        [Line("agent", np.arange(5.0), 4 - np.arange(5.0), np.arange(5.0) - 6, np.arange(5.0) + 5)],
        marked_x=(2.0, "decided at"),
        of=Table("Costs", [Column("cost", "number")], [(1.0,), (2.0,)]),
    )
    return Page(
        title=f"run: {name}, test split",
        about=[f"Bars of {name}.", "Costs: a little."],
        unit="pips",
        again=Again(f"mlx-muzero evaluate run --db '{name}'", {"SHA-256 of the bars": "0" * 64}),
        verdict=ShownVerdict(
            "not shown", [f"too few days of {name}", "p = 0.2"], "Look 7 at these."
        ),
        figures={"net pips": "+12.0 [+1.0, +23.0]", "trades": f"{trades:,}"},
        courses=[
            _course(who, time_ns, rng) for who in ("agent (search)", "flat", f"rule of {name}")
        ],
        candles=candles,
        trades=made,
        decisions=_decisions(trades, market, time_ns[entry], rng, trees),
        plots=[plot],
        tables=[
            Table(
                "Beside the baselines",
                [Column("policy"), Column("net", "number", 2, signed=True), Column("n", "count")],
                [("agent", 3.0, 5), ("flat", 0.0, 0), (name, -2.5, 70)],
                f"Of {name}.",
            )
        ],
        notes=[f"Nothing is known of {name}."],
    )


def contents_of(page: Page) -> dict:
    """What the page's script reads, its columns unpacked."""
    return contents_in(page_text(page))


def contents_in(text: str) -> dict:
    """The same of the text of a file."""
    packed = re.search(r'id="packed">([^<]*)<', text)[1]
    block = zlib.decompress(base64.b64decode(packed))
    return unpacked(json.loads(re.search(r'id="contents">([^<]*)<', text)[1]), block)


def unpacked(facts, block: bytes):
    """`facts` with every column read from `block`."""
    if isinstance(facts, list):
        return [unpacked(each, block) for each in facts]
    if not isinstance(facts, dict):
        return facts
    if "at" in facts and "count" in facts:
        dtype = {"i8": "<i1", "i32": "<i4", "f32": "<f4"}[facts["type"]]
        found = np.frombuffer(block, dtype, facts["count"], facts["at"])
        return found.cumsum(dtype=np.int64) if facts.get("delta") else found
    return {name: unpacked(value, block) for name, value in facts.items()}


def _course(name, time_ns, rng):
    equity = rng.normal(size=len(time_ns)).cumsum()
    points = telling_points(equity)
    return Course(name, time_ns[points], equity[points])


def _walk(symbol, bars, rng):
    close = 150.0 + rng.normal(0.0, 0.02, bars).cumsum().round(3)
    opens = np.concatenate([[150.0], close[:-1]])
    reach = abs(rng.normal(0.0, 0.01, (2, bars))).round(3)
    time_ns = FIRST_NS + np.arange(bars) * MINUTE_NS
    high, low = np.maximum(opens, close) + reach[0], np.minimum(opens, close) - reach[1]
    return Candles(symbol, time_ns, opens, high, low, close)


def _decisions(count, market, bar_ns, rng, trees):
    shares = rng.dirichlet(np.ones(len(ACTIONS)), (2, count)).astype(np.float32)
    taken = shares[0].argmax(axis=1).astype(np.int8)
    moved = rng.normal(size=count).astype(np.float32)
    return Decisions(
        action_names=ACTIONS,
        outcome_names=OUTCOMES,
        market=market.astype(np.int32),
        bar_ns=bar_ns,
        held=np.zeros(count),
        taken=taken,
        wanted=taken,
        share=shares[0],
        prior=shares[1],
        q=rng.normal(size=(count, len(ACTIONS))).astype(np.float32),
        value=rng.normal(size=count).astype(np.float32),
        network_value=rng.normal(size=count).astype(np.float32),
        chances=rng.dirichlet(np.ones(3), count).astype(np.float32),
        threshold=np.full(count, 0.5, np.float32),
        moved=moved,
        command=np.zeros(count, np.int8),
        trees={place: _tree(int(taken[place]), moved[place]) for place in range(min(trees, count))},
        commands=("mlx-muzero tree run --at",),
        note="Planned once more.",
    )


def _tree(action, moved):
    """A root, the `action` taken and another; outcomes of both, one more action, and its outcomes.

    The first close that followed moved by `moved`.
    """
    other = (action + 1) % len(ACTIONS)
    columns = ("parent", "kind", "edge", "visits", "prior", "value", "reward", "probability")
    rows = [
        (-1, 0, -1, 9, None, 1.0, None, None),
        (0, 1, action, 5, 0.6, 1.2, None, None),
        (0, 1, other, 3, 0.4, 0.7, None, None),
        (1, 0, 0, 3, None, 2.0, 0.1, 0.5),
        (1, 0, 1, 1, None, 0.5, 0.0, 0.3),
        (1, 0, 2, 1, None, -1.0, -0.1, 0.2),
        (2, 0, 1, 2, None, 0.5, 0.0, 1.0),
        (3, 1, 0, 2, 0.9, 0.8, None, None),
        (4, 1, 0, 1, 0.9, 0.8, None, None),
        (5, 1, 0, 1, 0.9, 0.8, None, None),
        *(
            (parent, 0, outcome, 1, None, 0.1, 0.0, share)
            for parent in (7, 8, 9)
            for outcome, share in enumerate((0.3, 0.5, 0.2))
        ),
    ]
    return Nodes(
        dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)),
        nodes=len(rows) + 2,
        moves=np.array([moved, 0.7, -0.4], np.float64),
    )
