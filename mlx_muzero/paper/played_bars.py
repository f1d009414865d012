"""What a run knows of the bars that a session plays: whether it was trained or chosen on them.

A replay may play any bars of a store. Those of the run's training and validation splits show
nothing, and whoever watches others has looked at them: that is counted as an evaluation is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.errors import DataError
from mlx_muzero.experiment.later_bars import fitted_until
from mlx_muzero.experiment.looks import configuration_digest, looked_period, recipe_digest
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.sessions import Split, SplitRange, split_ranges
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.runlog.look import Look
from mlx_muzero.runlog.look_ledger import LookLedger
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.training.run import MarketRecord, RunFolder


@dataclass(frozen=True)
class Fitted:
    """That bars have a part in what a run is.

    Attributes:
        words: which of them.
        only: whether nothing else was played.
    """

    words: str
    only: bool


def fitted_on(run: RunFolder, played: Iterable[Bars]) -> Fitted | None:
    """What of `played` the run was trained or chosen on; None if nothing.

    Bars under the same name are another market's if less than half of those of the same minutes are
    equal.

    Args:
        run: the run that plays.
        played: bars of each pair on which it decides.
    """
    config, record = run.config(), run.market()
    bars = [of_pair for of_pair in played if len(of_pair)]
    early = [b for b in bars if b.open_time_ns[0] <= record.last_ns]
    early = [b for b in early if Symbol(b.symbol) in config.market.pairs]
    if not early:
        return None
    try:
        with BarStore(record.store, read_only=True) as store:
            splits = _splits(store, record, config.market)
            unseen_ns = splits["test"].first_ns
            fitted = [b for b in early if _shared(store, b.between(0, unseen_ns))]
    except DataError as error:
        return Fitted(f"nobody can tell whether the run was trained on these bars: {error}", False)
    if not fitted:
        return None
    whole = len(fitted) == len(bars) and all(b.open_time_ns[-1] < unseen_ns for b in bars)
    until = fitted_until(splits["train"], splits["validation"])
    return Fitted(f"{until}, and these bars begin before that", whole)


def count_replay(
    run: RunFolder, checkpoint: str, store: Path, bars: Sequence[Bars], begin_ns: int
) -> list[str]:
    """Record that a session of `run` replays `bars`; what there is to know of that.

    Args:
        run: the run that plays.
        checkpoint: that plays.
        store: the replayed store, whose ledger counts.
        bars: all bars of the replay, with the history.
        begin_ns: bars that close by then are history.
    """
    played = [of_pair.between(begin_ns, _ENDLESS_NS) for of_pair in bars]
    if not any(map(len, played)):
        return []
    fitted, config = fitted_on(run, played), run.config()
    look = Look(
        "validated" if fitted is not None and fitted.only else "evaluated",
        looked_period(bars, begin_ns),
        configuration_digest(config),
        run.path.name,
        checkpoint,
        part="replay",
        seed=config.train.seed,
        recipe=recipe_digest(config),
    )
    looks, _ = LookLedger(store).record(look)
    lines = [] if fitted is None else [f"{fitted.words}; what it earns there shows nothing"]
    if look.kind == "evaluated":
        lines.append(looks.at("the bars of this replay"))
    elif looks.unrecorded is not None:
        lines.append(f"Not recorded: {looks.unrecorded}.")
    return lines


_ENDLESS_NS = int(np.iinfo(np.int64).max)


def _splits(store: BarStore, record: MarketRecord, config: MarketConfig) -> dict[Split, SplitRange]:
    """The splits of the bars that a run was made of."""
    periods = ((pair, record.period(pair)) for pair in config.pairs)
    opens = [store.load(pair, p.first_ns, p.end_ns).open_time_ns for pair, p in periods]
    return split_ranges(np.concatenate(opens), config)


def _shared(store: BarStore, played: Bars) -> bool:
    """Whether `store` has the `played` bars: half of those at the minutes that both have."""
    if not len(played):
        return False
    own = store.load(played.symbol)
    row = np.searchsorted(own.open_time_ns, played.open_time_ns)
    row = np.minimum(row, len(own) - 1)
    common = own.open_time_ns[row] == played.open_time_ns
    agree = int((own.close[row] == played.close)[common].sum())
    return 0 < int(common.sum()) <= 2 * agree
